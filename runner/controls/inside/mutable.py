"""Where a Python file may be mutated: what runs, and is not text for people, types or marks; for the reader `mutating`.

Closed are docstrings, annotations and what else is for type checkers, decorators and bases of classes, what dunder names and versions
are set to, what is logged, warned of and raised, and what stands in formatted strings, which has no true columns before Python 3.12.
"""

import ast
import re
from typing import NamedTuple

from places import FUNCTIONS

MODULE = "<module>"
LOOPS = (ast.For, ast.AsyncFor, ast.While)
ASSIGNED = (ast.Assign, ast.AugAssign, ast.AnnAssign)
LOGGER = re.compile(r"(^|_|get)log(s|ger|ging)?$", re.IGNORECASE)
LOGS = {"debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log"}
UNSPOKEN = re.compile(r"__\w+__|(\w*_)?version(_info|_string)?", re.IGNORECASE)
"""Names whose values are for readers and tools."""
FOR_TYPES = {"NewType", "ParamSpec", "TypeVar", "TypeVarTuple", "cast"}
CLOSED = FOR_TYPES | {"getLogger", "warn"}
TYPES = {"Annotated", "Callable", "ClassVar", "Final", "Generic", "Literal", "Optional", "Protocol", "Type", "Union"}


class Place(NamedTuple):
    """A node that may be mutated, and what is around it."""

    node: ast.AST
    parent: ast.AST = None
    owner: str = MODULE
    """The function or class it belongs to, by its qualified name; functions inside functions belong to the outer one."""
    inside: bool = False
    """Whether that is a function."""
    loop: ast.AST = None
    """The innermost loop, which `break` leaves."""


def places(tree):
    """Every place of a file, in no order that means anything."""
    waiting = [Place(tree)]
    while waiting:
        place = waiting.pop()
        yield place
        elsewhere = {id(node) for node in place.node.orelse} if isinstance(place.node, LOOPS) else ()
        waiting += [within(place, node, id(node) in elsewhere) for node in parts(place.node)]


def within(place, node, elsewhere):
    """The place of a part; `elsewhere` says that it is what runs after the loop that holds it."""
    owner, loop = place.owner, place.loop
    if isinstance(place.node, LOOPS) and not elsewhere:
        loop = place.node
    function = isinstance(node, FUNCTIONS)
    if (function or isinstance(node, ast.ClassDef)) and not place.inside:
        owner = node.name if owner == MODULE else owner + "." + node.name
    return Place(node, place.node, owner, place.inside or function, None if function else loop)


def parts(node):
    """The parts of a node in which there may be mutants."""
    chosen = PARTS.get(type(node))
    found = chosen(node) if chosen else list(ast.iter_child_nodes(node))
    return [part for part in found if part is not None]


def parts_of_function(node):
    return [] if any(last(mark) == "overload" for mark in node.decorator_list) else [node.args, *node.body]


def parts_of_statement(node):
    """An expression that stands alone: nothing of a docstring, of what is logged, and of what is done to a list such as `__all__`."""
    value = node.value
    closed = isinstance(value, ast.Constant) or is_log(value) or (is_method(value) and unspoken(value.func.value))
    return [] if closed else [value]


def parts_of_assignment(node):
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [] if any(map(unspoken, targets)) or is_type(node.value) else [node.value]


def parts_of_condition(node):
    """Of a branch for type checkers alone, the other branch."""
    if last(node.test) == "TYPE_CHECKING":
        return node.orelse
    if isinstance(node.test, ast.UnaryOp) and last(node.test.operand) == "TYPE_CHECKING":
        return node.body
    return [node.test, *node.body, *node.orelse]


def parts_of_call(node):
    return [] if is_log(node) or last(node.func) in CLOSED else [node.func, *node.args, *node.keywords]


PARTS = {
    ast.FunctionDef: parts_of_function,
    ast.AsyncFunctionDef: parts_of_function,
    ast.ClassDef: lambda node: node.body,
    ast.Lambda: lambda node: [node.args, node.body],
    ast.arguments: lambda node: [*node.defaults, *node.kw_defaults],
    ast.Expr: parts_of_statement,
    ast.Assign: parts_of_assignment,
    ast.AugAssign: parts_of_assignment,
    ast.AnnAssign: parts_of_assignment,
    ast.If: parts_of_condition,
    ast.IfExp: lambda node: [node.test, node.body, node.orelse],
    ast.Call: parts_of_call,
    ast.keyword: lambda node: [] if UNSPOKEN.fullmatch(node.arg or "") else [node.value],
    ast.Subscript: lambda node: [node.value] if is_type(node) else [node.value, node.slice],
    ast.Assert: lambda node: [node.test],
    ast.Raise: lambda _: [],
    ast.JoinedStr: lambda _: [],
    getattr(ast, "TypeAlias", None): lambda _: [],
}


def last(node):
    """The last name of a dotted one, of that of a call too."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def is_method(node):
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)


def is_log(node):
    return is_method(node) and node.func.attr in LOGS and LOGGER.search(last(node.func.value)) is not None


def is_type(node):
    """Whether an expression makes a type, not a value."""
    if isinstance(node, ast.Subscript):
        return last(node.value) in TYPES
    return isinstance(node, ast.Call) and last(node) in FOR_TYPES


def unspoken(node):
    return UNSPOKEN.fullmatch(last(node)) is not None
