"""Alters one assertion in each of some test functions; runs in the child of `runner.parsing`, on the standard library alone."""

import ast
import json

from altering import PYTEST, altered_assert, altered_call
from places import FUNCTIONS, Text, blocks, classes, functions

LONGEST = 100
"""What is told of an assertion, in characters."""
HIDDEN = (ast.stmt, ast.excepthandler, ast.match_case, ast.Lambda, ast.JoinedStr)
"""Parts of a statement that are looked at elsewhere, run elsewhere, or (in formatted strings) have no true columns before Python 3.12."""


def twin(content, _version):
    """JSON of the altered text and of what was altered; `content` is a JSON line of `turn` and `functions`, the text."""
    line, _, source = content.partition(b"\n")
    asked = json.loads(line)
    text = Text(source)
    known, where = pytest_names(text.tree), definitions(text.tree)
    told, edits = [], {}
    for name in asked["functions"]:
        for function in where(name):
            places = alterations(text, function, known)
            if places:
                node, chosen = places[-1 - asked["turn"] % len(places)]
                first, end = text.span(node)
                told.append([name, node.lineno, short(text.source[first:end]), short(text.edited(chosen, first, end))])
                edits[function] = chosen
    altered = text.edited([edit for chosen in edits.values() for edit in chosen])
    compile(altered, "<twin>", "exec", dont_inherit=True)
    if outline(Text(altered)) != outline(text):
        raise ValueError("more than the assertions would change")
    return json.dumps({"source": altered.decode("utf-8"), "altered": told})


def definitions(tree):
    """A function that gives the definitions of a name; of an inherited one, those in the nearest base that this file holds."""
    defined, bases = {}, {}
    for name, function in functions(tree.body, "::"):
        defined.setdefault(name, []).append(function)
    for name, each in classes(tree.body, "::"):
        bases.setdefault(name, [base.id for base in each.bases if isinstance(base, ast.Name)])

    def where(name, passed=()):
        owner, _, method = name.rpartition("::")
        if name in defined or owner in passed:
            return defined.get(name, [])
        found = (where(base + "::" + method, (*passed, owner)) for base in bases.get(owner, []))
        return next(filter(None, found), [])

    return where


def pytest_names(tree):
    """How a file writes what it has of pytest, such as `pytest.raises`, by that what it is."""
    known = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.asname or alias.name for alias in node.names if alias.name == "pytest"]
            known.update({module + "." + name: name for module in modules for name in PYTEST})
        elif isinstance(node, ast.ImportFrom) and node.module == "pytest":
            known.update({alias.asname or alias.name: alias.name for alias in node.names if alias.name in PYTEST})
    return known


def alterations(text, function, known):
    """Nodes and their alterations, in the order in which a run checks them."""
    found = []
    for node in assertions(function.body):
        edits = altered_assert(text, node) if isinstance(node, ast.Assert) else altered_call(text, node, known)
        if edits:
            found.append((node, edits))
    return found


def assertions(body):
    """Every `assert` and every call outside functions inside; what a `with` expects is checked when its body has ended."""
    for statement in body:
        if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
            continue
        held = [node for block in blocks(statement) for node in assertions(block)]
        mine = [statement] if isinstance(statement, ast.Assert) else calls(statement)
        yield from (*held, *mine) if isinstance(statement, (ast.With, ast.AsyncWith)) else (*mine, *held)


def calls(statement):
    """Calls in the expressions of a statement itself."""
    found, waiting = [], [statement]
    while waiting:
        node = waiting.pop()
        found += [node] if isinstance(node, ast.Call) else []
        waiting += [child for child in ast.iter_child_nodes(node) if not isinstance(child, HIDDEN)]
    return sorted(found, key=lambda call: (call.end_lineno, call.end_col_offset))


def outline(text):
    """What makes ids and line numbers: number of lines, and the place of every function and class."""
    scopes = [node for node in ast.walk(text.tree) if isinstance(node, (*FUNCTIONS, ast.ClassDef))]
    return len(text.starts), [(node.name, node.lineno, [ast.dump(mark) for mark in node.decorator_list]) for node in scopes]


def short(content):
    words = " ".join(content.decode("utf-8").split())
    return "".join(letter if letter.isprintable() else "?" for letter in words)[:LONGEST]
