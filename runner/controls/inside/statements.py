"""Tells at which changed lines the statements of functions begin; runs in the child of `runner.parsing`, standard library alone."""

import ast
import difflib
import json

MOST = 10_000
"""Lines of a file beyond which all of its statements count as changed: comparing them could take minutes."""

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SILENT = (ast.Global, ast.Nonlocal, ast.Pass)
"""Statements that leave no trace when they run."""


def read(content, _version):
    """JSON: rows of a line and the qualified name of its function; `content` is the base's length, a line feed, and both texts."""
    line, _, rest = content.partition(b"\n")
    base, patched = rest[: int(line)], rest[int(line) :]
    found = []
    look(ast.parse(patched).body, "", False, found)
    known = same(base.splitlines(), patched.splitlines())
    return json.dumps([row for row in found if row[0] - 1 not in known])


def same(old, new):
    """Places of the patched text's lines that the base has as well, in the same order."""
    if max(len(old), len(new)) > MOST:
        return frozenset()
    blocks = difflib.SequenceMatcher(None, old, new).get_matching_blocks()
    return frozenset(line for block in blocks for line in range(block.b, block.b + block.size))


def look(body, prefix, within, found):
    for node in body:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            look(node.body, prefix + node.name + ".", isinstance(node, FUNCTIONS), found)
            continue
        if within and not isinstance(node, SILENT) and not is_text(node):
            found.append([node.lineno, prefix[:-1]])
        for field in ("body", "orelse", "finalbody"):
            look(getattr(node, field, ()), prefix, within, found)
        for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            look(part.body, prefix, within, found)


def is_text(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
