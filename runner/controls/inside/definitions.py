"""Reads which functions and classes two versions of a Python file define; runs in the child of `runner.parsing`, standard library alone."""

import ast
import hashlib
import json
import sys

from places import FUNCTIONS, blocks

HELD = (ast.stmt, ast.excepthandler, ast.match_case)
DEEP = 50_000
"""Calls within calls: a chain of `elif` is as deep as it is long, and must hide nothing. The child has limits of its own."""
MOST_IMPORTS = 2000
WITHOUT_ROOM = 200
"""The longest annotation and name that are told, in characters."""


def read(content, _version):
    """JSON of what one side defines."""
    sys.setrecursionlimit(DEEP)
    return json.dumps(side_of(ast.parse(content)))


def side_of(tree):
    """Every definition by its qualified name; the module itself is `<module>`."""
    found = {}
    whole = {"name": "<module>", "kind": "module", "doc": ast.get_docstring(tree, clean=False) or "", "parameters": []}
    rest = describe(tree.body, "", found)
    found["<module>"] = [dict(whole, digest=digest(rest), uses=uses(rest), imports=imports(rest))]
    return [merged(definitions) for definitions in found.values()]


def describe(body, prefix, found):
    """Put functions and classes of a body into `found`; gives the statements that are neither, without docstrings."""
    rest = []
    for node in without_docstring(body):
        if isinstance(node, FUNCTIONS):
            name = prefix + node.name
            doc = ast.get_docstring(node, clean=False) or ""
            strip(node)
            entry = {"name": name, "kind": kind_of(node, prefix), "doc": doc, "parameters": parameters(node)}
            found.setdefault(name, []).append(dict(entry, digest=digest([node]), uses=uses([node])))
        elif isinstance(node, ast.ClassDef):
            name = prefix + node.name
            doc = ast.get_docstring(node, clean=False) or ""
            held = describe(node.body, name + ".", found)
            outer = [*node.bases, *node.keywords, *node.decorator_list, *held]
            entry = {"name": name, "kind": "class", "doc": doc, "parameters": fields(node)}
            found.setdefault(name, []).append(dict(entry, digest=digest(outer), uses=uses(outer)))
        elif holds_definitions(node):
            rest += [ast.Constant(type(node).__name__), *(part for part in ast.iter_child_nodes(node) if not isinstance(part, HELD))]
            for block in blocks(node):
                rest += describe(block, prefix, found)
        else:
            rest.append(node)
    return rest


def holds_definitions(statement):
    """Whether functions or classes stand in the blocks of a statement, such as `if` and `try`."""
    return any(isinstance(part, (*FUNCTIONS, ast.ClassDef)) or holds_definitions(part) for block in blocks(statement) for part in block)


def without_docstring(body):
    first = body[:1]
    is_text = (
        first and isinstance(first[0], ast.Expr) and isinstance(first[0].value, ast.Constant) and isinstance(first[0].value.value, str)
    )
    return body[1:] if is_text else body


def strip(function):
    """Take away the docstrings of a function and of what it defines."""
    for node in ast.walk(function):
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            node.body = without_docstring(node.body) or [ast.Pass()]


def digest(nodes):
    return hashlib.sha256("\n".join(ast.dump(node) for node in nodes).encode("utf-8", "backslashreplace")).hexdigest()


def uses(nodes):
    """Names and attributes that occur, as a guess at what is called."""
    names = set()
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name):
                names.add(inner.id)
            elif isinstance(inner, ast.Attribute):
                names.add(inner.attr)
    return sorted(name for name in names if len(name) <= WITHOUT_ROOM)


def kind_of(node, prefix):
    marks = {ast.unparse(mark).rpartition(".")[2] for mark in node.decorator_list if isinstance(mark, (ast.Name, ast.Attribute))}
    if not prefix or "staticmethod" in marks:
        return "function"
    if "classmethod" in marks:
        return "class method"
    return "property" if marks & {"property", "cached_property"} else "method"


def parameters(node):
    """Parameters that must be given: name, annotation, whether by keyword."""
    given = node.args
    plain = [*given.posonlyargs, *given.args]
    needed = [(each, False) for each in plain[: len(plain) - len(given.defaults)]]
    needed += [(each, True) for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default is None]
    return [[each.arg, ast.unparse(each.annotation)[:WITHOUT_ROOM] if each.annotation else "", named] for each, named in needed]


def fields(node):
    """Annotated names of a class's body, as a dataclass takes them."""
    found = [each for each in node.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)]
    return [[each.target.id, ast.unparse(each.annotation)[:WITHOUT_ROOM], False] for each in found]


def imports(nodes):
    """What a module takes from others by name: how many folders up, the module, the name there, and the name here."""
    found = [inner for node in nodes for inner in ast.walk(node) if isinstance(inner, ast.ImportFrom)]
    rows = [[node.level, node.module or "", each.name, each.asname or each.name] for node in found for each in node.names]
    return [row for row in rows if max(map(len, row[1:])) <= WITHOUT_ROOM][:MOST_IMPORTS]


def merged(definitions):
    """Several definitions of one name, such as a property and its setter, as one; the first speaks."""
    if len(definitions) == 1:
        return definitions[0]
    together = hashlib.sha256(" ".join(each["digest"] for each in definitions).encode()).hexdigest()
    return dict(definitions[0], digest=together, uses=sorted({name for each in definitions for name in each["uses"]}))
