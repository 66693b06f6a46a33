"""What a change does beyond the functions it edits: names that a module passes on, and objects of altered classes."""

import pytest

from runner.controls.calls import Few, RecordedCall
from runner.controls.definitions import definitions
from runner.controls.planning import plan, plan_further
from runner.controls.recorded import Call, Function, Recording
from runner.controls.repeating import quick_calls, recorded_calls
from runner.model.result import Outcome

OFFERS = b"from .keel import clearance as depth, Ship\nfrom elsewhere import other\n__version__ = '1'\n"
DEEP = RecordedCall("p.keel", "clearance", "(8.0,)", "{}")
WIDTH = RecordedCall("p.keel", "Ship.width", "()", "{}", "((3,), {})", ("p.keel", "Ship.width"))


def planned(base, patched, *recorded, module="p", few=Few(neighbours=0)):  # noqa: B008
    return plan({module: definitions([(base, patched)])[0]}, recorded, few, "seed")


@pytest.mark.parametrize("module", ["p", "p.api"])
def test_a_name_that_a_changed_module_passes_on_is_asked_there_by_calls_that_were_recorded_where_it_is_defined(module):
    base = OFFERS if module == "p" else OFFERS.replace(b".keel", b".keel")
    found = planned(base, base + b"from keel2 import clearance as depth\n", DEEP, WIDTH, module=module)
    assert [call.text for call in found.calls] == [f"{module}.depth(8.0)", f"{module}.Ship.width() of an object made with (3)"]
    assert {call.origin for call in found.calls} == {"recorded"}
    assert found.changed[module, "depth"] == {(module, "depth")}


@pytest.mark.parametrize("more", [b"def depth(a):\n    return 9\n", b"depth = lambda a: 9\n"])
def test_a_name_that_is_taken_over_counts_as_changed_and_one_that_is_passed_on_as_before_does_not(more):
    assert ("p", "depth") in planned(OFFERS, OFFERS + more, DEEP).changed
    found = planned(OFFERS, OFFERS.replace(b"'1'", b"'2'"), DEEP)
    assert (found.changed, [call.name for call in found.calls]) == ({}, ["depth"])


def test_a_name_that_is_taken_over_without_any_call_is_unproven_and_one_that_is_dropped_is_nothing(sides, call):
    assert planned(OFFERS, OFFERS + b"def Ship(): pass\n").changed == {("p", "Ship"): frozenset()}
    base = "from math import floor\ndef f(a):\n    return a\n"
    offers = RecordedCall("math", "floor", "(2.5,)", "{}")
    result = sides.probe(base, base.partition("\n")[2], call("(3,)"), offers)
    assert result.outcome is Outcome.PASS, result
    result = sides.probe(base, base.partition("\n")[2] + "globals()['floor'] = round\n", call("(3,)"), offers._replace(args="(2.75,)"))
    assert result.outcome is Outcome.HOLD, result


SHIP = """
import dataclasses
from dataclasses import field
@dataclasses.dataclass(frozen=True)
class Ship:
    length: float
    loaded: bool = False
def fits(ships, room):
    return [ship for ship in ships if ship.length < room]
"""
ALTERED = {
    "__post_init__": (
        SHIP.replace("= False\n", "= False\n    def __post_init__(self): object.__setattr__(self, 'length', round(self.length))\n")
    ),
    "equality": SHIP.replace("bool = False", "bool = field(default=False, compare=False)"),
    "no hash": SHIP.replace("= False\n", "= False\n    __hash__ = None\n"),
    "not frozen": SHIP.replace("frozen=True", "unsafe_hash=True"),
    "own equality": SHIP.replace(
        "= False\n", "= False\n    def __eq__(self, other): return type(self) is type(other) and self.length == other.length\n"
    ),
}


def given(room, *lengths):
    ships = [("\0made", "m:Ship", ((), {"length": length, "loaded": False})) for length in lengths]
    return RecordedCall("m", "fits", repr((ships, room)), "{}")


@pytest.mark.parametrize("patched", list(ALTERED.values()), ids=list(ALTERED))
def test_a_class_that_gains_a_function_or_another_body_is_asked_through_its_objects(sides, patched):
    result = sides.probe(SHIP, patched, given(100, 80, 120))
    assert result.outcome is Outcome.HOLD, result
    assert "no test of the base makes this call" in result.reason


def test_a_class_that_does_the_same_by_other_means_raises_no_alarm(sides):
    patched = SHIP.replace("= False\n", "= False\n    _UNIT = 'm'\n    def _long(self): return self.length > 100\n")
    result = sides.probe(SHIP, patched, given(100, 80, 120), given(90.0, 1.5))
    assert (result.outcome, result.measured > 20) == (Outcome.PASS, True), result


def test_a_class_without_any_object_is_unproven(sides):
    result = sides.probe(SHIP, ALTERED["equality"])
    assert (result.outcome, [found.message for found in result.findings][:1]) == (Outcome.WARN, ["no call of Ship could be compared"])


def test_calls_of_other_modules_come_in_where_they_are_given_an_object_of_an_altered_class():
    (both,) = definitions([(SHIP.encode(), ALTERED["equality"].encode())])
    load = RecordedCall("n", "load", repr((("\0made", "m:Ship", ((), {"length": 3.0})),)), "{}")
    found = plan({"m": both}, [load, RecordedCall("n", "stow", "(1,)", "{}")], Few(neighbours=0), "seed")
    assert {call.name for call in found.calls if call.module == "n"} == {"load"}
    assert ("n", "load") in found.changed["m", "Ship"]


FUNCTIONS = (
    Function(path="k.py", name="clearance", line=1),
    Function(path="k.py", name="load", line=2),
    Function(path="k.py", name="slow", line=3),
)
SPELT = repr((((("\0made", "m:Ship", ((), {"length": 3.0}))),), {}))
CALLS = tuple(
    Call(function=at, way="function", arguments=text) for at, text in ((0, "((1,), {})"), (1, SPELT), (1, "((2,), {})"), (2, "((3,), {})"))
)


def test_only_what_matters_of_other_modules_is_read():
    from runner.controls.beyond import wanted

    recording = Recording(functions=FUNCTIONS, calls=CALLS)
    (offers,) = definitions([(OFFERS, OFFERS + b"x = 1\n")])
    (ship,) = definitions([(SHIP.encode(), ALTERED["equality"].encode())])
    found = recorded_calls(recording, {"k.py": "p.keel"}, wanted({"p": offers, "m": ship}))
    assert [(call.name, call.args[:3]) for call in found] == [("clearance", "(1,"), ("load", "(('")]


def test_of_other_modules_the_calls_of_quick_tests_are_made_with_neighbours():
    covers, seconds = {"t1": (0,), "t2": (0, 1), "t3": (2,)}, {"t1": 0.1, "t2": 0.3, "t3": 5.0}
    recording = Recording(functions=FUNCTIONS, calls=CALLS, covers=covers, seconds=seconds)
    names = [call.name for call in quick_calls(recording, {"k.py": "k"}, 10, 1.0)]
    assert names == ["clearance", "load", "load"]
    assert [call.name for call in quick_calls(recording, {"k.py": "k"}, 10, 0.5)] == ["clearance", "load"]
    assert quick_calls(recording, {"k.py": "k"}, 0, 1.0) == []
    calls = plan_further([RecordedCall("k", "clearance", "(1,)", "{}")], Few(neighbours=2), "seed")
    assert [call.origin for call in calls[:3]] == ["recorded", "neighbour", "neighbour"]
