"""How a place of a Python file is mutated; for the reader `mutating`.

A mutation is an edit of one line, `(kind, first, end, bytes)`. Left out are those that obviously change nothing a program could see.
"""

import ast
import math
import re

from mutable import parts

NEGATED = {
    ast.Eq: (b"==", b"!="),
    ast.NotEq: (b"!=", b"=="),
    ast.Lt: (b"<", b">="),
    ast.LtE: (b"<=", b">"),
    ast.Gt: (b">", b"<="),
    ast.GtE: (b">=", b"<"),
    ast.Is: (b"is", b"is not"),
    ast.IsNot: (b"is not", b"is"),
    ast.In: (b"in", b"not in"),
    ast.NotIn: (b"not in", b"in"),
}
BORDER = {b"<": b"<=", b"<=": b"<", b">": b">=", b">=": b">"}
ARITHMETIC = {
    ast.Add: (b"+", b"-"),
    ast.Sub: (b"-", b"+"),
    ast.Mult: (b"*", b"/"),
    ast.Div: (b"/", b"*"),
    ast.FloorDiv: (b"//", b"/"),  # with `*`, loops that halve a number would fill the memory; so with `<<` below
    ast.Mod: (b"%", b"*"),
    ast.Pow: (b"**", b"*"),
    ast.LShift: (b"<<", b">>"),
    ast.RShift: (b">>", b"-"),
    ast.BitAnd: (b"&", b"|"),
    ast.BitOr: (b"|", b"&"),
    ast.BitXor: (b"^", b"&"),
}
ZERO = (ast.Add, ast.Sub, ast.LShift, ast.RShift, ast.BitOr, ast.BitXor)
ONE = (ast.Mult, ast.Div, ast.FloorDiv, ast.Pow)
SIGN = re.compile(rb"(?:#[^\r\n]*|[()\\\s])*(is\s+not\b|not\s+in\b|[a-z]+|[^()\\\s#\w]+)")
LOOSE = (ast.IfExp, ast.Lambda, ast.NamedExpr, ast.Starred, ast.Tuple, ast.Yield, ast.YieldFrom)
"""What binds less than `and` and `or`, or may stand without brackets."""
YIELDS = (ast.Yield, ast.YieldFrom)


def mutations(text, place):
    """Every mutation of a place, without that of its parts."""
    rule = RULES.get(type(place.node))
    for kind, first, end, new in rule(text, place) if rule else ():
        if not text.newlines(first, end):
            yield kind, first, end, spaced(text, first, end, new)


def spaced(text, first, end, new):
    """The new words with room between them and names beside them."""
    beside = text.source[max(first - 1, 0) : first] + new[:1]
    after = new[-1:] + text.source[end : end + 1]
    return (b" " if joined(beside) else b"") + new + (b" " if joined(after) else b"")


def joined(two):
    return len(two) == 2 and all(byte == 95 or byte >= 128 or bytes([byte]).isalnum() for byte in two)


def sign(text, left, right, pair, kind):
    """The mutation of the operator between two nodes from the first of a pair to the second."""
    first, end = text.span(left)[1], text.span(right)[0]
    found = SIGN.match(text.source, first, end)
    if found and b" ".join(found[1].split()) == pair[0]:
        yield kind, found.start(1), found.end(1), pair[1]


def compare(text, place):
    node = place.node
    for left, operator, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
        pair = NEGATED[type(operator)]
        if not (isinstance(place.parent, ast.UnaryOp) and isinstance(place.parent.op, ast.Not)):  # else as if `not` were removed
            yield from sign(text, left, right, pair, "negation")
        if pair[0] in BORDER and not chooses(text, place.parent, left, right):
            yield from sign(text, left, right, (pair[0], BORDER[pair[0]]), "border")


def chooses(text, parent, left, right):
    """Whether a condition only chooses between the two that it compares: when they are equal the choice means nothing."""
    if isinstance(parent, ast.IfExp):
        chosen = [parent.body, parent.orelse]
    elif isinstance(parent, ast.If) and not parent.orelse and len(parent.body) == 1 and isinstance(parent.body[0], ast.Assign):
        chosen = [parent.body[0].targets[0], parent.body[0].value]
    else:
        return False
    return {text.of(left), text.of(right)} == {text.of(each) for each in chosen}


def logic(text, place):
    pair = (b"and", b"or") if isinstance(place.node.op, ast.And) else (b"or", b"and")
    for left, right in zip(place.node.values, place.node.values[1:], strict=False):
        yield from sign(text, left, right, pair, "logic")


def arithmetic(text, place):
    node = place.node
    left, right = (node.target, node.value) if isinstance(node, ast.AugAssign) else (node.left, node.right)
    pair, after = ARITHMETIC.get(type(node.op)), b"=" if isinstance(node, ast.AugAssign) else b""
    if pair and not neutral(node.op, right) and right in parts(node):
        yield from sign(text, left, right, (pair[0] + after, pair[1] + after), "arithmetic")


def neutral(operator, right):
    value = getattr(right, "value", None) if isinstance(right, ast.Constant) else None
    return (isinstance(operator, ZERO) and value == 0) or (isinstance(operator, ONE) and value == 1)


def unary(text, place):
    node, first = place.node, text.span(place.node)[0]
    if isinstance(node.op, ast.Not):
        word = re.compile(rb"not[ \t]*").match(text.source, first)
        yield "not", first, word.end(), b""
    elif isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield "arithmetic", first, first + 1, b"+"


def constant(text, place):
    value, kind = place.node.value, "default" if isinstance(place.parent, ast.arguments) else "constant"
    first, end = text.span(place.node)
    if isinstance(value, (str, bytes)):
        yield from lengthened(text, place, kind)
    elif isinstance(value, bool):
        yield kind, first, end, repr(not value).encode()
    elif isinstance(value, (int, float, complex)) and other(value) != value:
        yield kind, first, end, repr(other(value)).encode()


def lengthened(text, place, kind="constant"):
    """Strings grow at their end, which holds for every way of writing them; at their beginning too where that is another line."""
    first, end = text.span(place.node)
    more = b'b"~"' if isinstance(getattr(place.node, "value", ""), bytes) else b'"~"'
    yield kind, end, end, b" " + more
    if text.newlines(first, end):
        yield kind, first, first, more + b" "


def other(number):
    """One more; for what is too large for that, another number or the same."""
    if isinstance(number, int):
        return number + 1 if number.bit_length() < 1000 else 7
    more = number + 1 if number + 1 != number else number * 2
    return more if math.isfinite(abs(more)) else number


def replaced(text, node, kind, *words):
    """A node's value replaced by each of these words; one of several lines is made to be without effect where it begins."""
    first, end = text.span(node)
    for word in [] if isinstance(node, ast.Constant) else words:
        if not text.newlines(first, end):
            yield kind, first, end, word
        elif not isinstance(node, LOOSE) and (word == b"True" or not isinstance(getattr(node, "op", None), ast.Or)):
            yield kind, first, first, word + (b" or " if word == b"True" else b" and ")


def returned(text, place):
    """What is returned or yielded, also by a `lambda`."""
    value = place.node.body if isinstance(place.node, ast.Lambda) else place.node.value
    return replaced(text, value, "return", b"None") if value else ()


def condition(text, place):
    words = (b"False",) if isinstance(place.node, ast.While) else (b"True", b"False")  # a loop without an end would take all the time
    return replaced(text, place.node.test, "condition", *words) if place.node.test in parts(place.node) else ()


def filters(text, place):
    for test in place.node.ifs:
        yield from replaced(text, test, "condition", b"True", b"False")


def assigned(text, place):
    return replaced(text, place.node.value, "value", b"None") if parts(place.node) else ()


def defaults(text, place):
    for value in filter(None, (*place.node.defaults, *place.node.kw_defaults)):
        yield from replaced(text, value, "default", b"None")


def called(text, place):
    """A call that stands alone is not made; but a function without its last `yield` would be of another kind."""
    value = place.node.value
    call = value.value if isinstance(value, ast.Await) else value
    if not isinstance(call, ast.Call) or not parts(place.node) or any(isinstance(node, YIELDS) for node in ast.walk(call)):
        return ()
    one_line = not text.newlines(*text.span(place.node))
    return replaced(text, value, "statement", b"pass" if one_line else b"None")


def raised(text, place):
    first, end = text.span(place.node)
    if text.newlines(first, end):
        yield "statement", first, first, b"if False: "
    else:
        yield "statement", first, end, b"pass"


def loops(text, place):
    """A `while` that is not left could run for ever."""
    if isinstance(place.node, ast.Continue):
        yield ("loop", *text.span(place.node), b"break")
    elif isinstance(place.loop, (ast.For, ast.AsyncFor)):
        yield ("loop", *text.span(place.node), b"continue")


RULES = {
    ast.Compare: compare,
    ast.BoolOp: logic,
    ast.BinOp: arithmetic,
    ast.AugAssign: arithmetic,
    ast.UnaryOp: unary,
    ast.Constant: constant,
    ast.JoinedStr: lengthened,
    ast.Return: returned,
    ast.Yield: returned,
    ast.Lambda: returned,
    ast.If: condition,
    ast.IfExp: condition,
    ast.While: condition,
    ast.comprehension: filters,
    ast.Assign: assigned,
    ast.AnnAssign: assigned,
    ast.arguments: defaults,
    ast.Expr: called,
    ast.Raise: raised,
    ast.Break: loops,
    ast.Continue: loops,
}
