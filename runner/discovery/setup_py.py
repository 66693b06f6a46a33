"""The arguments of `setup()` in a setup.py, as far as they are written out; nothing of the file is run."""

import ast
from typing import Any

_NESTING = 20


def setup_arguments(module: ast.Module) -> dict[str, Any]:
    """Literal arguments by name: texts, lists, maps, names bound to such at the top, sums of lists; other parts are left out."""
    known = {
        target.id: statement.value
        for statement in module.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    found: dict[str, Any] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and _is_setup(node.func):
            for keyword in node.keywords:
                if keyword.arg:
                    found[keyword.arg] = _value(keyword.value, known, 0)
                elif isinstance(arguments := _value(keyword.value, known, 0), dict):
                    found.update(arguments)
    return {name: value for name, value in found.items() if value is not None}


def has_setup_call(module: ast.Module) -> bool:
    """Whether the file calls `setup()` at all: else it is a script that happens to have the name."""
    return any(isinstance(node, ast.Call) and _is_setup(node.func) for node in ast.walk(module))


def _is_setup(function: ast.expr) -> bool:
    return (isinstance(function, ast.Name) and function.id == "setup") or (isinstance(function, ast.Attribute) and function.attr == "setup")


def _value(node: ast.expr | None, known: dict[str, ast.expr], depth: int) -> Any:  # noqa: PLR0911  one per kind of expression
    """The value of an expression; `None` where it cannot be told."""
    if depth > _NESTING:
        return None
    match node:
        case ast.Constant():
            return node.value
        case ast.Name() if node.id in known:
            return _value(known[node.id], {name: value for name, value in known.items() if name != node.id}, depth + 1)
        case ast.List() | ast.Tuple() | ast.Set():
            items = (item.value if isinstance(item, ast.Starred) else item for item in node.elts)
            values = [(item, _value(item, known, depth + 1)) for item in items]
            return [part for _, value in values for part in (value if isinstance(value, list) else [value]) if part is not None]
        case ast.Dict():
            pairs = (
                (_value(key, known, depth + 1), _value(value, known, depth + 1)) for key, value in zip(node.keys, node.values, strict=True)
            )
            return {key: value for key, value in pairs if isinstance(key, str) and value is not None}
        case ast.Call(func=ast.Name(id="dict")):
            given = ((keyword.arg, _value(keyword.value, known, depth + 1)) for keyword in node.keywords)
            return {name: value for name, value in given if name and value is not None}
        case ast.BinOp(op=ast.Add()):
            left, right = _value(node.left, known, depth + 1), _value(node.right, known, depth + 1)
            return left + right if isinstance(left, list) and isinstance(right, list) else left if isinstance(left, list) else right
    return None
