"""Finds tripwires in two versions of a Python file; runs in the child of `runner.parsing`, standard library alone."""

import ast
import gc
import hashlib
import json
import re
import sys

import sources
from following import is_state
from spelt import Names
from steering import Steering

MOST = 300
MOST_LINE = 200
MOST_FRAMES = 4000
RUNNING = {"pytest", "_pytest", "nose", "nose2", "xdist", "pluggy", "conftest"}
LEFT_OUT = {"lineno", "end_lineno", "col_offset", "end_col_offset", "type_comment", "kind", "ctx"}


def trips(content, _version):
    """JSON of what the patched text has, and of keys that the base's text has.

    `content` is two lengths, -1 for a side that is not there, a line feed, and the texts. Each hit is a kind, line, end line, the
    text of the line, and a key, which is the same wherever the construct stands and whatever its own names are called.
    """
    sys.setrecursionlimit(MOST_FRAMES)
    gc.disable()  # trees are made of much that lasts, and nothing of this process outlives them
    line, _, rest = content.partition(b"\n")
    first, second = map(int, line.split())
    new = rest[max(first, 0) :] if second >= 0 else None
    found, cuts = ([], []) if new is None else read(new)
    base = [hit[-1] for hit in earlier(rest[: max(first, 0)])]
    return json.dumps({"hits": found[:MOST], "more": max(len(found) - MOST, 0), "cuts": cuts, "base": base})


def earlier(content):
    """The hits of the base's text; none when it does not parse."""
    try:
        return read(content)[0]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def read(content):
    """Every hit of a text, by line, one for each kind and line; and why the text was not read to its end, if so."""
    tree = ast.parse(content)
    names = Names(tree)
    steering = Steering(tree, names)
    lines = re.split("\r\n|\r|\n", content.decode("utf-8", "replace"))
    found = {}
    for kind, node in (*seen(names, steering), *steering.hits()):
        at = (node.lineno, kind)
        if at not in found:
            text = lines[node.lineno - 1].strip()[:MOST_LINE] if node.lineno <= len(lines) else ""
            found[at] = [kind, node.lineno, node.end_lineno, text, key(kind, node, names)]
    return [found[at] for at in sorted(found)], sorted(names.cuts)


def key(kind, node, names):
    """What makes two constructs the same: all but their place and the names that the file gave itself."""
    parts = [kind]
    for each in ast.walk(node):
        parts.append(type(each).__name__)
        if type(each) is ast.Name:
            parts.append(names.dotted(each))
        else:
            parts += [
                repr(value) for name, value in ast.iter_fields(each) if name not in LEFT_OUT and not isinstance(value, (ast.AST, list))
            ]
    return hashlib.sha256(" ".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def seen(names, steering):
    """What is a tripwire wherever it stands, steering or not."""
    for scope in steering.scopes:
        states = False
        runners = []
        for node in scope.nodes:
            if type(node) is ast.Expr and type(node.value) is ast.Constant:
                node.value.value = None  # a text that stands alone, as docstrings do, does nothing
                continue
            text = spelt(node, names)
            if text and sources.PYTEST_KEY.fullmatch(text):
                yield "runner", node
            elif text and sources.PLACES.fullmatch(text):
                yield "place", node
            elif text and sources.RUNNER.fullmatch(text):
                runners.append(node)
            states = states or asks_for_state(node, names)
            yield from looks_up(node, names)
            if looks_at_stack(node, names):
                yield "stack", node
        if states:
            yield from (("runner", node) for node in runners)


def spelt(node, names):
    """A text that is written here, or put together here."""
    if type(node) not in (ast.Constant, ast.BinOp, ast.JoinedStr, ast.Call, ast.Subscript):
        return ""
    value = names.fold(node)
    return value.decode("latin-1") if isinstance(value, bytes) else value if isinstance(value, str) else ""


def asks_for_state(node, names):
    if type(node) not in (ast.Attribute, ast.Name, ast.Call, ast.Subscript):
        return False
    name = names.dotted(node)
    return is_state(name) or name.startswith(("os.environ", "os.getenv"))


def looks_up(node, names):
    """Whether a module of a test runner is looked for, or imported where it may be missing."""
    if type(node) is ast.Call and names.dotted(node.func) in sources.LOOKUPS and node.args:
        text = names.text(node.args[0])
        if text and sources.RUNNER.fullmatch(text):
            yield "runner", node
    if type(node) is ast.Try or (type(node) is ast.With and "suppress" in ast.dump(node.items[0].context_expr)[:200]):
        for each in node.body:
            modules = [alias.name for alias in each.names] if type(each) is ast.Import else []
            modules += [each.module or ""] if type(each) is ast.ImportFrom and not each.level else []
            if any(module.partition(".")[0] in RUNNING for module in modules):
                yield "runner", each


def looks_at_stack(node, names):
    if type(node) is ast.Attribute and node.attr in sources.FRAMES and type(node.ctx) is ast.Load:
        return True
    if type(node) is ast.Call:
        func = names.dotted(node.func)
        keys = (
            node.args[1:2] if func == "builtins.getattr" else node.args if func in ("operator.attrgetter", "operator.methodcaller") else ()
        )
        if any(part in sources.FRAMES for each in keys for part in names.text(each).split(".")):
            return True
    if type(node) not in (ast.Attribute, ast.Name, ast.Call, ast.Subscript) or type(getattr(node, "ctx", None)) is ast.Store:
        return False
    name = names.dotted(node)
    return name in sources.STACK or name.startswith("sys.monitoring")
