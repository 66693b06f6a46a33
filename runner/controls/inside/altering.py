"""How one assertion of a test is altered in place so that it must fail if it is really checked; for the reader `twinning`.

An alteration is a list of edits `(first, end, bytes)` that keep every line end, or `None` where none is known. A literal is altered before
anything is negated: a result that claims to equal everything is seen only where the right answer is no longer asked for.
"""

import ast
import math

STRINGS = (str, bytes)
NUMBERS = (int, float, complex)
EQUAL = {
    "assertEqual",
    "assertEquals",
    "assertCountEqual",
    "assertDictEqual",
    "assertListEqual",
    "assertMultiLineEqual",
    "assertSequenceEqual",
    "assertSetEqual",
    "assertTupleEqual",
    "assert_allclose",  # these of numpy and pandas
    "assert_almost_equal",
    "assert_array_almost_equal",
    "assert_array_equal",
    "assert_equal",
    "assert_frame_equal",
    "assert_series_equal",
}
OPPOSITES = {
    "assertAlmostEqual": "assertNotAlmostEqual",
    "assertEqual": "assertNotEqual",
    "assertGreater": "assertLessEqual",
    "assertGreaterEqual": "assertLess",
    "assertIn": "assertNotIn",
    "assertIs": "assertIsNot",
    "assertIsInstance": "assertNotIsInstance",
    "assertIsNone": "assertIsNotNone",
    "assertRegex": "assertNotRegex",
    "assertTrue": "assertFalse",
    "assert_awaited": "assert_not_awaited",
    "assert_called": "assert_not_called",
}
OPPOSITES.update({opposite: name for name, opposite in list(OPPOSITES.items())})
OPPOSITES.update({"assert_awaited_once": "assert_not_awaited", "assert_called_once": "assert_not_called"})
GIVEN = {
    "assert_any_await",
    "assert_any_call",
    "assert_awaited_once_with",
    "assert_awaited_with",
    "assert_called_once_with",
    "assert_called_with",
}
"""Methods of a mock that are told the arguments it was called with."""
FOREIGN = {
    "assertRaises": "Exception",
    "assertRaisesRegex": "Exception",
    "assertWarns": "Warning",
    "assertWarnsRegex": "Warning",
    "assert_raises": "Exception",
}
PYTEST = {"raises": "Exception", "warns": "Warning"}
EXPECTED = {"exception", "warning", "expected_exception", "expected_warning"}
ELSE = b"[object()]"
"""Equal to no other value, and a collection for methods that want one."""


def altered_assert(text, statement):
    """An `assert`: a literal that is compared for equality, else the other side of it, else the whole condition negated."""
    return altered_condition(text, statement.test) or negated(text, statement.test)


def altered_condition(text, test):
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return altered_condition(text, test.values[-1])
    if not isinstance(test, ast.Compare):
        return None
    sides = [test.left, *test.comparators]
    equal = [isinstance(each, ast.Eq) for each in test.ops]
    return altered_side(text, [side for at, side in enumerate(sides) if any(equal[max(at - 1, 0) : at + 1])])


def altered_call(text, call, known):
    """A call that asserts: pytest's `raises` and `warns`, what `unittest`, its mocks and numpy have; `known` gives names of pytest."""
    name = known.get(dotted(call.func))
    if name:
        return foreign(text, call, PYTEST[name])
    method = dotted(call.func) if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if method in FOREIGN:
        return foreign(text, call, FOREIGN[method])
    if method in GIVEN:
        return altered_given(text, call)
    return altered_pair(text, call.args[:2], method) or opposite(text, call, method)


def altered_pair(text, sides, method):
    """The first two arguments of a method that compares them."""
    if len(sides) < 2 or any(isinstance(each, ast.Starred) for each in sides):
        return None
    if method in EQUAL:
        return altered_side(text, sides)
    return literal(text, sides[1]) or literal(text, sides[0]) if method in ("assertAlmostEqual", "assertAlmostEquals") else None


def altered_given(text, call):
    """One of the arguments that a mock is said to have had; one more where there is none."""
    sides = [each for each in (*call.args, *(given.value for given in call.keywords)) if not isinstance(each, ast.Starred)]
    if sides:
        return altered_side(text, sides) if all(given.arg for given in call.keywords) else None
    return added(text, call, ELSE)


def added(text, call, new):
    """One more argument before the others."""
    inside = text.source.index(b"(", text.span(call.func)[1]) + 1
    return [(inside, inside, new + (b", " if call.args or call.keywords else b""))]


def dotted(node):
    """A name, or an attribute of one, as it is written."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id + "." + node.attr
    return node.id if isinstance(node, ast.Name) else ""


def altered_side(text, sides):
    """One of the sides of an equality: the last that holds a literal, else the last that calls nothing, since that is what is expected."""
    for side in reversed(sides):
        found = literal(text, side)
        if found:
            return found
    quiet = [side for side in sides if not any(isinstance(node, ast.Call) for node in ast.walk(side))]
    chosen = (quiet or sides)[-1:]
    return around(text, chosen[0], b"((", b"), " + ELSE + b")[1]") if chosen else None


def negated(text, node):
    before = text.source[text.span(node)[0] - 1 : text.span(node)[0]]
    return around(text, node, b"not (" if before in (b" ", b"(", b"\t") else b" not (", b")")


def around(text, node, before, after):
    first, end = text.span(node)
    return [(first, first, before), (end, end, after)]


def literal(text, node):
    """The first literal of a node that is one, or a display of some."""
    first, end = text.span(node)
    if isinstance(node, ast.JoinedStr):
        return [(end, end, b' "~"')]
    if isinstance(node, ast.Constant):
        return constant(node.value, first, end) if text.far else near(text, node.value, first, end)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        return literal(text, node.operand)
    if isinstance(node, ast.Dict):
        return within(text, [*node.values, *filter(None, node.keys)], first + 1, b"None: None")
    if isinstance(node, (ast.List, ast.Set, ast.Tuple)):
        return within(text, node.elts, first + 1, b"None," if isinstance(node, ast.Tuple) else b"None")
    return None


def within(text, nodes, inside, filling):
    """The first literal of a display, or something in one that is empty."""
    if not nodes:
        return [(inside, inside, filling)]
    return next(filter(None, (literal(text, node) for node in nodes)), None)


def constant(value, first, end):
    """Strings grow at their end, which holds for every way of writing them, over several lines too."""
    if isinstance(value, STRINGS):
        return [(end, end, b' "~"' if isinstance(value, str) else b' b"~"')]
    if value is None or isinstance(value, bool):
        return [(first, end, b"0" if value is None else repr(not value).encode())]
    return [(first, end, repr(other(value)).encode())] if isinstance(value, NUMBERS) else None


def near(text, value, first, end):
    """The next whole number, another last letter: what a result that equals all of its kind or length claims to be as well."""
    if isinstance(value, STRINGS):
        letter = (b"x", b"y") if isinstance(value, bytes) else ("x", "y")
        if not value or text.newlines(first, end):
            return constant(value, first, end)
        changed = value[:-1] + letter[value.endswith(letter[0])]
        return [(first, end, ascii(changed).encode())]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return constant(value, first, end)
    changed = value + 1 if isinstance(value, int) else value * 1.01 + 0.01
    return [(first, end, repr(changed).encode())] if math.isfinite(abs(changed)) else constant(value, first, end)


def other(number):
    """A number far enough from this one for common tolerances."""
    if isinstance(number, int):
        return number * 2 + 1 if number.bit_length() < 1000 else 7
    result = number * 2 + 1
    return result if math.isfinite(abs(result)) else 0.5


def foreign(text, call, base):
    """Another class for the one that is expected, which nothing raises or warns with."""
    new = b'type("Foreign", (%s,), {})' % base.encode()
    if any(isinstance(each, ast.Starred) for each in call.args) or any(each.arg is None for each in call.keywords):
        return None
    named = [each.value for each in call.keywords if each.arg in EXPECTED]
    if not call.args and not named:
        return added(text, call, new)
    first, end = text.span((call.args or named)[0])
    return [(first, end, new + text.newlines(first, end))]


def opposite(text, call, method):
    name, end = method.encode(), text.span(call.func)[1]
    if method not in OPPOSITES or text.source[end - len(name) : end] != name:
        return None
    return [(end - len(name), end, OPPOSITES[method].encode())]
