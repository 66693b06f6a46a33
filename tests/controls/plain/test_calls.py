"""Which functions a change alters, and the calls that are made of them."""

import pytest

from runner.controls.calls import Few, RecordedCall
from runner.controls.definitions import MODULE, changed_functions, definitions
from runner.controls.planning import plan
from runner.controls.recorded import Call, Function, Recording
from runner.controls.repeating import recorded_calls

BASE = b'''"""Words."""
import os

LIMIT = 3


def f(a):
    """Doc."""
    return a + 1


class C:
    """Doc."""

    kind = "c"

    def __init__(self, n):
        self.n = n

    @property
    def twice(self):
        return f(self.n) * 2

    @staticmethod
    def s(a: int, b: "str"):
        return (a, b)


def g(a):
    return C(a).twice
'''


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        (b"", b"", ()),
        (b'"""Doc."""', b'"""Other words."""', ()),
        (b"return a + 1", b"return (a +\n 1)  # as before", ()),
        (b"return a + 1", b"return a + 2", ("f",)),
        (b"def f(a):", b"def f(a, b=1):", ("f",)),
        (b'kind = "c"', b'kind = "d"', ("C",)),
        (b"self.n = n", b"self.n = -n", ("C.__init__",)),
        (b"* 2", b"* 3", ("C.twice",)),
        (b"LIMIT = 3", b"LIMIT = 4", (MODULE,)),
        (b"def g(a)", b"def h(a)", ("g", "h")),
        (b"def f(a):", b"def f(a:", (MODULE,)),
        (b"return a + 1", b"return " + b"(" * 5000, (MODULE,)),
        (b"return a + 1", b"return " + b"-" * 100_000 + b"a", (MODULE,)),
    ],
)
def test_a_function_is_changed_when_its_text_is_and_not_its_words(old, new, changed):
    assert changed_functions(BASE, BASE.replace(old, new)) == changed


def test_a_side_that_is_not_there_stands_for_the_module():
    assert changed_functions(None, BASE) == changed_functions(BASE, None) == (MODULE,)


@pytest.mark.parametrize(
    ("old", "new", "meant"),
    [
        (b"return a + 1", b"return a + 2", {"f", "C.twice", "g"}),
        (b"self.n = n", b"self.n = -n", {"C.__init__", "g"}),
        (b'kind = "c"', b'kind = "d"', {"C.__init__", "C.twice", "C.s", "g"}),
        (b"LIMIT = 3", b"LIMIT = 4", {"f", "C.__init__", "C.twice", "C.s", "g"}),
        (b"def g(a)", b"def h(a)", set()),
    ],
)
def test_what_uses_a_changed_function_is_meant_as_well(old, new, meant):
    (both,) = definitions([(BASE, BASE.replace(old, new))])
    assert set(both.meant) == meant


def planned(old, new, *recorded, few=Few(), seed="seed"):  # noqa: B008
    return plan({"m": definitions([(BASE, BASE.replace(old, new))])[0]}, recorded, few, seed)


def test_recorded_calls_come_first_once_each_and_then_their_neighbours():
    calls = planned(b"* 3", b"* 3", RecordedCall("m", "g", "(1,)", "{}")).calls
    assert calls == ()
    found = planned(
        b"return C(a)", b"return C(0 + a)", *[RecordedCall("m", "g", "(1,)", "{}")] * 2, RecordedCall("m", "g", "([2, 'x'],)", "{}")
    )
    assert [(call.args, call.origin) for call in found.calls[:2]] == [("(1,)", "recorded"), ("([2, 'x'],)", "recorded")]
    neighbours = {call.args for call in found.calls[2:] if call.origin == "neighbour"}
    assert {"(2,)", "(0,)", "(-1,)", "([],)", "([2],)", "([2, 'x', 'x'],)", "(['x', 2],)", "([3, 'x'],)"} <= neighbours
    assert [call.text for call in found.calls[2:] if call.origin == "retyped"] == ["m.g((2, 'x'))"]
    assert {call.origin for call in found.calls[2:]} == {"neighbour", "retyped"}
    assert len({call.text for call in found.calls}) == len(found.calls)


def test_the_same_seed_gives_the_same_calls_and_numbers_are_bounds():
    recorded = [RecordedCall("m", "g", f"('word {number}', {number})", f"{{'k': {number}}}") for number in range(50)]
    few = Few(recorded=10, neighbours=7)
    one, other = (planned(b"return C(a)", b"return C(0 + a)", *recorded, few=few).calls for _ in range(2))
    assert one == other
    assert [call.origin for call in one] == ["recorded"] * 10 + ["neighbour"] * 7
    assert planned(b"return C(a)", b"return C(0 + a)", *recorded, few=few, seed="other").calls != one
    assert len(planned(b"LIMIT = 3", b"LIMIT = 4", *recorded, few=Few(most=9)).calls) == 9


def test_functions_without_records_get_literal_defaults():
    calls = planned(b"LIMIT = 3", b"LIMIT = 4").calls
    by_name = {name: [call for call in calls if call.name == name] for name in ("f", "C.s", "C.twice", "C.__init__")}
    assert ("(1, )", "{}") in {(call.args, call.kwargs) for call in by_name["f"]}
    assert ("(1, 'a', )", "{}") in {(call.args, call.kwargs) for call in by_name["C.s"]}
    assert {call.own for call in by_name["C.twice"]} == {"((1, ), {})"}
    assert by_name["C.__init__"]
    assert {call.origin for call in calls} == {"default"}


def test_a_recorded_constructor_makes_the_objects_of_methods_without_records():
    calls = planned(b"* 2", b"* 3", RecordedCall("m", "C.__init__", "(41,)", "{}")).calls
    assert "((41,), {})" in {call.own for call in calls if call.name == "C.twice"}


def test_texts_that_are_no_literals_are_left_out():
    hostile = ["__import__('os').system('id')", "(f(),)", "(1", "(" * 3000, "5", "('x' * 10**9,)"]
    calls = planned(b"return a + 1", b"return a + 2", *[RecordedCall("m", "f", text, "{}") for text in hostile]).calls
    assert {call.origin for call in calls if call.name == "f"} == {"default"}


def test_inherited_methods_are_calls_of_what_defines_them():
    inherited = RecordedCall("other", "D.s", "(1, 'x')", "{}", None, ("m", "C.s"))
    calls = planned(b"return (a, b)", b"return (b, a)", inherited, few=Few(neighbours=0)).calls
    assert [(call.module, call.name, call.target) for call in calls] == [("other", "D.s", ("m", "C.s"))]


def test_a_recording_becomes_calls_that_can_be_repeated():
    functions = (
        Function(path="m.py", name="f", line=1),
        Function(path="m.py", name="C.m", line=2),
        Function(path="m.py", name="C.__init__", line=3),
    )
    calls = (
        Call(function=0, way="function", arguments="((1,), {'k': 2})"),
        Call(function=1, way="method", arguments="((), {})", owner="n:D", made="((5,), {})"),
        Call(function=2, way="init", arguments="((5,), {})", owner="m:C"),
    )
    found = list(recorded_calls(Recording(functions=functions, calls=calls), {"m.py": "m"}))
    assert found == [
        RecordedCall("m", "f", "(1,)", "{'k': 2}", None, ("m", "f")),
        RecordedCall("n", "D.m", "()", "{}", "((5,), {})", ("m", "C.m")),
        RecordedCall("m", "C.__init__", "(5,)", "{}", None, ("m", "C.__init__")),
    ]
    assert list(recorded_calls(Recording(functions=functions, calls=calls), {})) == []


ASIDE = {
    "a name that leads elsewhere": "def _impl(a):\n    return a\nf = _impl\n",
    "another module": "from other import *\n",
    "no file": None,
}


@pytest.mark.parametrize("new", list(ASIDE.values()), ids=list(ASIDE))
def test_functions_that_are_defined_elsewhere_now_are_still_called(new, call):
    old = "def f(a):\n    return a\ndef g(a):\n    return a\n"
    given = ASIDE["no file"] if new is None else new.encode()
    (both,) = definitions([(old.encode(), given)])
    made = plan({"m": both}, [call("(1,)")], Few(), "seed")
    assert "m.f(1)" in [each.text for each in made.calls]
    assert ("m", "f") in made.changed
    assert not any(each.origin == "default" for each in made.calls)


def test_functions_within_branches_are_seen(call):
    old, new = ("try:\n    import x\nexcept ImportError:\n    def f(a):\n        return a\n" + more for more in ("", "        pass\n"))
    (both,) = definitions([(old.encode(), new.encode())])
    assert (both.changed, both.shared) == (("f",), ("f",))
    (both,) = definitions([(old.encode(), b"if True:\n    def f(a):\n        return a\n")])
    assert (both.changed, both.shared) == (("<module>",), ("f",))  # what stands around it is the module's
