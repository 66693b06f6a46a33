"""Tells at which lines the statements of functions begin; runs in the child of `runner.parsing`, standard library alone."""

import ast
import json

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SILENT = (ast.Global, ast.Nonlocal, ast.Pass)
"""Statements that leave no trace when they run."""


def read(content, _version):
    """JSON: rows of a line and the qualified name of the function that it belongs to."""
    found = []
    look(ast.parse(content).body, "", False, found)
    return json.dumps(found)


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
