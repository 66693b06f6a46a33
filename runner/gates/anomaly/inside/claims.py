"""What an assertion claims: the same for `assert a == b` and `self.assertEqual(a, b)`; runs in the child of `runner.parsing`."""

import ast

from spelling import is_literal, shape, truth

_OPERATORS = {
    ast.Eq: "eq", ast.NotEq: "ne", ast.Is: "is", ast.IsNot: "isnot", ast.In: "in", ast.NotIn: "notin",
    ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge",
}  # fmt: skip
_FLIPPED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}
_NEGATED = {"eq": "ne", "ne": "eq", "is": "isnot", "isnot": "is", "in": "notin", "notin": "in", "truth": "falsy", "falsy": "truth",
            "none": "notnone", "notnone": "none"}  # fmt: skip
_METHODS = {
    "assertEqual": "eq", "assertEquals": "eq", "assertNotEqual": "ne", "assertNotEquals": "ne", "assertIs": "is", "assertIsNot": "isnot",
    "assertIn": "in", "assertNotIn": "notin", "assertGreater": "gt", "assertGreaterEqual": "ge", "assertLess": "lt", "assertLessEqual": "le",
    "assertListEqual": "eq", "assertTupleEqual": "eq", "assertDictEqual": "eq", "assertSetEqual": "eq", "assertSequenceEqual": "eq",
    "assertMultiLineEqual": "eq", "assertCountEqual": "same_items", "assertItemsEqual": "same_items", "assertIsInstance": "instance",
    "assertRegex": "match", "assertRegexpMatches": "match", "assertAlmostEqual": "near", "assertAlmostEquals": "near",
    "assert_equal": "eq", "assert_almost_equal": "near", "assert_allclose": "near", "assert_array_equal": "eq",
    "assert_frame_equal": "eq", "assert_series_equal": "eq",
}  # fmt: skip
_CALLED = {
    "assert_called_once_with": "called_once_with", "assert_called_with": "called_with", "assert_any_call": "called_with",
    "assert_has_calls": "called_with", "assert_called_once": "called_once", "assert_called": "called",
}  # fmt: skip
_LOOSE = {"places": -1, "decimal": -1, "delta": 1, "rtol": 1, "atol": 1, "rel": 1, "abs": 1, "rel_tol": 1, "abs_tol": 1, "tolerance": 1}
"""Words of a tolerance; 1 where more of it is looser, -1 where less is."""


class Claims:
    """The claims of one function; a claim is a dict of plain values, as the host compares them."""

    def __init__(self, spelling, name_of):
        self.spelling, self.name_of = spelling, name_of

    def of_test(self, test):
        """The claims of the condition of an `assert`; none when it holds whatever happens."""
        if truth(test) is True:
            return []
        if type(test) is ast.BoolOp and type(test.op) is ast.And:
            return [claim for value in test.values for claim in self.of_test(value)]
        claim = self.condition(test)
        return [claim] if claim else []

    def condition(self, test):
        if type(test) is ast.UnaryOp and type(test.op) is ast.Not:
            claim = self.condition(test.operand)
            if claim and claim["op"] in _NEGATED:
                return {**claim, "op": _NEGATED[claim["op"]]}
            return self.claim("falsy", test.operand)
        if type(test) is ast.Compare and len(test.ops) == 1:
            return self.compared(_OPERATORS[type(test.ops[0])], test.left, test.comparators[0])
        if type(test) is ast.Call and type(test.func) is ast.Name and test.func.id == "isinstance" and len(test.args) == 2:
            return self.claim("instance", test.args[0], test.args[1])
        if type(test) is ast.Call and self.name_of(test.func).endswith(("isclose", "allclose")) and len(test.args) > 1:
            return self.near(test.args[0], test.args[1], test)
        return self.claim("truth", test)

    def compared(self, op, left, right):
        """`left op right`, with what is written out on the right."""
        if is_literal(left) and not is_literal(right):
            if op in ("in", "notin"):
                return self.claim(op, left, right, both=True)
            left, right, op = right, left, _FLIPPED.get(op, op)
        if op in ("eq", "ne") and self.spelling.of(left) == self.spelling.of(right):
            return None if op == "eq" else self.claim(op, left, right)
        if op in ("eq", "ne", "is", "isnot") and is_literal(right):
            return self.constant(op in ("eq", "is"), op, left, right)
        if type(right) is ast.Call and self.name_of(right.func).endswith("approx") and right.args and op == "eq":
            return self.near(left, right.args[0], right)
        return self.claim(op, left, right, both=True)

    def constant(self, equal, op, left, right):
        """`left` is, or is not, something written out: None, a truth value, something empty, or any other."""
        value = getattr(right, "value", ...)
        if value is None:
            return self.claim("none" if equal else "notnone", left)
        if isinstance(value, bool):
            claim = self.condition(left)
            return {**claim, "op": _NEGATED.get(claim["op"], "falsy")} if claim and (value is False) == equal else claim
        if op in ("eq", "ne") and truth(right) is False and not isinstance(value, (int, float)):
            return self.claim("falsy" if equal else "truth", left)
        return self.claim(op, left, right, both=True)

    def near(self, left, right, call):
        claim = self.claim("near", left, right, both=True)
        claim["tolerance"] = self.tolerance(call)
        return claim

    def tolerance(self, call):
        """Word and number of each tolerance; greater is looser."""
        found = {word.arg: _LOOSE[word.arg] * number(word.value) for word in call.keywords if word.arg in _LOOSE and is_number(word.value)}
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        at = {"approx": (1, "rel"), "assertAlmostEqual": (2, "places"), "assert_almost_equal": (2, "decimal")}.get(name)
        if at and len(call.args) > at[0] and is_number(call.args[at[0]]):
            found[at[1]] = _LOOSE[at[1]] * number(call.args[at[0]])
        return found

    def claim(self, op, subject, expected=None, *, both=False):
        sides = [self.spelling.of(subject)]
        literal = expected is not None and is_literal(expected)
        if both and expected is not None and not literal:
            sides.append(self.spelling.of(expected))
        claim = {
            "op": op,
            "sides": sorted(sides),
            "expected": self.spelling.of(expected) if expected is not None and (literal or not both) else "",
            "literal": literal,
            "parts": self.spelling.parts(subject),
            "shape": f"{op}:{'|'.join(sorted((shape(subject), shape(expected) if expected is not None else '')))}",
        }
        if literal and op in ("lt", "le", "gt", "ge") and is_number(expected):
            claim["bound"] = number(expected)
        return claim

    def of_call(self, call):
        """The claims of a call such as `self.assertEqual(a, b)`; None for a call that asserts nothing by its name."""
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        if not name.startswith("assert") or (name in _OF_ONE and not call.args):
            return None
        if name in _OF_ONE:
            return _OF_ONE[name](self, call.args[0])
        if name in _CALLED and type(call.func) is ast.Attribute:
            return [self.claim(_CALLED[name], call.func.value, ast.Tuple(elts=call.args, ctx=ast.Load()) if call.args else None)]
        op = _METHODS.get(name)
        if op and len(call.args) > 1:
            near = op in ("near", "same_items", "instance", "match")
            made = (self.claim(op, *call.args[:2], both=True)) if near else self.compared(op, *call.args[:2])
            return [{**made, "tolerance": self.tolerance(call)}] if made else []
        subject = call.args[0] if call.args else call.func
        return [{**self.claim("other", subject, call.args[1] if len(call.args) > 1 else None), "named": name}]

    def of_false(self, test):
        return self.of_test(ast.UnaryOp(op=ast.Not(), operand=test))

    def of_none(self, test):
        return [self.claim("none", test)]

    def of_something(self, test):
        return [self.claim("notnone", test)]

    def raises(self, call, body):
        """`pytest.raises(Error, match=...)` over what is inside of it, or over the call that it is given."""
        kinds = call.args[0] if call.args else next((word.value for word in call.keywords if word.arg == "expected_exception"), None)
        errors = kinds.elts if type(kinds) is ast.Tuple else [kinds] if kinds is not None else []
        given = [word for word in call.keywords if word.arg in ("match", "expected_regex", "check")]
        narrowed = bool(given) or (getattr(call.func, "attr", "").endswith("Regex") and len(call.args) > 1)
        inside = body or call.args[1:]
        return {
            "op": "raises",
            "sides": [self.spelling.of(list(inside))],
            "expected": self.spelling.of(kinds) if kinds is not None else "",
            "literal": False,
            "parts": [],
            "shape": f"raises:{'|'.join(shape(one) for one in inside)}"[:400],
            "errors": sorted(self.name_of(one).rpartition(".")[2] for one in errors),
            "narrowed": narrowed,
        }


def is_number(node):
    value = node.operand if type(node) is ast.UnaryOp and type(node.op) is ast.USub else node
    return type(value) is ast.Constant and isinstance(value.value, (int, float)) and not isinstance(value.value, bool)


def number(node):
    return float(-node.operand.value if type(node) is ast.UnaryOp else node.value)


_OF_ONE = {
    "assert_": Claims.of_test,
    "assertTrue": Claims.of_test,
    "assertFalse": Claims.of_false,
    "assertIsNone": Claims.of_none,
    "assertIsNotNone": Claims.of_something,
}
