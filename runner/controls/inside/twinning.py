"""Alters one assertion in each of some test functions; runs in the child of `runner.parsing`, on the standard library alone."""

import ast
import json

from altering import PYTEST, altered_assert, altered_call
from places import FUNCTIONS, Text, blocks, classes, functions

NAMED = (*FUNCTIONS, ast.ClassDef)
OPEN = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.IfExp, ast.BoolOp, ast.Lambda)
"""Parts of an expression whose own parts need not be evaluated."""
LONGEST = 100
"""What is told of an assertion, in characters."""
HIDDEN = (ast.stmt, ast.excepthandler, ast.match_case, ast.Lambda, ast.JoinedStr)
"""Parts of a statement that are looked at elsewhere, run elsewhere, or (in formatted strings) have no true columns before Python 3.12."""


def twin(content, _version):
    """JSON of the altered text and of what was altered; `content` is a JSON line of `turn`, `far` and `functions`, the text."""
    line, _, source = content.partition(b"\n")
    asked = json.loads(line)
    text = Text(source)
    known, where = pytest_names(text.tree), definitions(text.tree)
    told, edits, run_on_import = [], {}, named_outside(text.tree.body)
    for name in asked["functions"]:
        if name in run_on_import:  # the whole file would be lost, and pytest asks no other then
            continue
        text.far = name in asked["far"]
        for function in where(name):
            places = alterations(text, function, known)
            if places:
                sure = [place for place in places if place[2]] or places
                node, chosen, straight = sure[-1 - asked["turn"] % len(sure)]
                first, end = text.span(node)
                told.append([name, node.lineno, short(text.source[first:end]), short(text.edited(chosen, first, end)), straight])
                edits[function] = chosen
    altered = text.edited([edit for chosen in edits.values() for edit in chosen])
    compile(altered, "<twin>", "exec", dont_inherit=True)
    if outline(Text(altered)) != outline(text):
        raise ValueError("more than the assertions would change")
    return json.dumps({"source": altered.decode("utf-8"), "altered": told})


def named_outside(body):
    """Names that stand in statements of the module itself: a test among them may run while the file is collected."""
    names = set()
    for node in body:
        if isinstance(node, NAMED):
            continue
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name):
                names.add(inner.id)
    return names


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
    """Nodes, their alterations, and whether every run comes by: in the order in which a run checks them."""
    found, leaves = [], returns(function.body)
    for node, straight in assertions(function.body, True):
        edits = altered_assert(text, node) if isinstance(node, ast.Assert) else altered_call(text, node, known)
        if edits:
            found.append((node, edits, straight and not leaves and not any(isinstance(part, OPEN) for part in ast.walk(node))))
    return found


def returns(body):
    """Whether a test may leave before its end."""
    return any(
        isinstance(statement, ast.Return) or any(map(returns, blocks(statement))) for statement in body if not isinstance(statement, NAMED)
    )


def assertions(body, straight):
    """Every `assert` and every call outside functions inside, and whether it always runs; what a `with` expects is checked when its body has ended."""
    for statement in body:
        if isinstance(statement, NAMED):
            continue
        manages = isinstance(statement, (ast.With, ast.AsyncWith))
        held = [pair for block in blocks(statement) for pair in assertions(block, straight and manages)]
        mine = [(node, straight) for node in ([statement] if isinstance(statement, ast.Assert) else calls(statement))]
        yield from (*held, *mine) if manages else (*mine, *held)


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
