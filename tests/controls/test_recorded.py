"""What the host makes of the recording's records, whatever they hold."""

import pytest

from runner.controls.recorded import RecordedReader, Recording

FUNCTIONS = {"k": "functions", "functions": [[0, "lib.py", "a", 1], [1, "lib.py", "C.m", 5], [2, "lib.py", "d.<locals>.w", 9]]}


def covers(test, functions, **fields):
    return {"k": "covers", "id": test, "functions": functions, "whole": True, **fields}


def the_end(**fields):
    end = {
        "k": "recorded",
        "way": "profile",
        "lines": True,
        "problem": "",
        "tests": 2,
        "partial": 0,
        "functions": 3,
        "calls": 0,
        "left_out": 0,
    }
    return {**end, **fields}


def read(*records, seconds=None):
    reader = RecordedReader()
    for record in records:
        reader.record(record)
    return reader.finish(seconds)


def a_call(*row):
    return {"k": "calls", "calls": [list(row)]}


def whole(*more, seconds=None, **end):
    return read(FUNCTIONS, covers("t1", [0, 1]), covers("t2", [2, 0]), *more, the_end(**end), seconds=seconds)


def test_a_whole_recording_is_complete_and_survives_json():
    told = whole(
        {"k": "lines", "path": "lib.py", "lines": [3, 2]},
        a_call(0, "function", "((1,), {'x': 2})", None, None),
        a_call(1, "method", "((), {})", "lib:C", "((1,), {})"),
        {"k": "lost", "lost": [[1, 4, 5]]},
        seconds={"t1": 0.5, "stranger": 1.0},
    )
    assert (told.complete, told.problem, told.way, told.has_lines) == (True, "", "profile", True)
    assert told.covered_lines("lib.py") == {2, 3}
    assert told.covered_lines("other.py") == frozenset()
    assert told.tests_by_function[("lib.py", "a")] == {"t1", "t2"}
    assert [function.name for function in told.functions_of("t2")] == ["a", "d.<locals>.w"]
    assert told.functions_of("stranger") == ()
    assert told.seconds == {"t1": 0.5}
    assert [call.made for call in told.calls_by_function["lib.py", "C.m"]] == ["((1,), {})"]
    assert (told.functions[1].not_literal, told.functions[1].unprobed) == (4, 5)
    assert Recording.model_validate_json(told.model_dump_json()) == told


def test_covering_gives_the_cheapest_test_first_and_unknown_durations_last():
    told = read(FUNCTIONS, *(covers(name, [0]) for name in "dabc"), the_end(tests=4), seconds={"a": 3.0, "b": 1.0, "c": 2.0})
    assert told.covering([("lib.py", "a")]) == ("b", "c", "a", "d")


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        ({("lib.py", "a")}, ("t1", "t2")),
        ({("lib.py", "C")}, ("t1",)),
        ({("lib.py", "d")}, ("t2",)),
        ({("lib.py", "C.m"), ("lib.py", "d.<locals>.w")}, ("t1", "t2")),
        ({("other.py", "a")}, ()),
        ({("lib.py", "m")}, ()),
        (set(), ()),
    ],
)
def test_what_is_defined_inside_a_changed_function_or_class_counts(changed, tests):
    assert whole().covering(changed) == tests


@pytest.mark.parametrize(
    "record",
    [
        {"k": "functions", "functions": [[4, "lib.py", "b", 1]]},
        {"k": "functions", "functions": [[3, "../lib.py", "b", 1]]},
        {"k": "functions", "functions": [[3, "/etc/passwd", "b", 1]]},
        {"k": "functions", "functions": [[3, "lib.py", "", 1]]},
        {"k": "functions", "functions": [[3, "lib.py", "b", -1]]},
        {"k": "functions", "functions": "abc"},
        {"k": "functions"},
        {"k": "covers", "id": "t1", "functions": [3], "whole": True},
        {"k": "covers", "id": "t1", "functions": [True], "whole": True},
        {"k": "covers", "id": "", "functions": [], "whole": True},
        {"k": "covers", "id": 5, "functions": [], "whole": True},
        {"k": "lines", "path": "../x", "lines": [1]},
        {"k": "lines", "path": "lib.py", "lines": ["1"]},
        {"k": "lost", "lost": [[9, 1, 1]]},
        {"k": "lost", "lost": [[0, "x", 1]]},
        a_call(9, "function", "((), {})", None, None),
        a_call(0, "run", "((), {})", None, None),
        a_call(0, "function", "__import__('os')", None, None),
        a_call(0, "function", "((open('x'),), {})", None, None),
        a_call(0, "function", "(" * 1500, None, None),
        a_call(0, "function", "-" * 1990 + "1", None, None),
        a_call(0, "function", "((), {}) # " + "x" * 2000, None, None),
        a_call(0, "function", "([], {})", None, None),
        a_call(0, "function", "((), {1: 2})", None, None),
        a_call(0, "function", ["((), {})"], None, None),
        a_call(0, "function", "((), {})", "lib:C", None),
        a_call(1, "method", "((), {})", "lib:C", None),
        a_call(1, "method", "((), {})", "os;system:C", "((), {})"),
        a_call(1, "method", "((), {})", None, "((), {})"),
        a_call(1, "init", "((), {})", "lib:C", "((), {})"),
        a_call(1, "method", "((), {})"),
        a_call(1, ["method"], "((), {})", "lib:C", "((), {})"),
        {"k": "calls", "calls": [5]},
    ],
)
def test_what_no_recording_writes_makes_it_incomplete_and_is_left_out(record):
    told = whole(record)
    assert not told.complete
    assert told.problem == f"a record of kind {record['k']} holds what no recording writes"
    assert told.functions == whole().functions
    assert (told.covers, told.calls) == (whole().covers, ())
    assert not any(told.lines.values())


@pytest.mark.parametrize("end", [{"tests": 3}, {"functions": 2}, {"left_out": 1}, {"tests": None}])
def test_totals_must_agree(end):
    assert whole(**end).problem == "the recording is not whole: its totals do not agree with what was told"


def test_a_recording_without_an_end_or_beyond_it_is_incomplete():
    assert read(FUNCTIONS).problem == "the recording did not come to its end"
    assert read(FUNCTIONS, the_end(tests=0), covers("t", [0])).problem == "the recording goes on after its end"
    assert read().complete is False


def test_partial_tests_and_what_could_not_be_recorded_are_named():
    told = read(FUNCTIONS, covers("t1", [0]), covers("t2", [], whole=False), the_end(lines=False, problem="another tool"))
    assert (told.partial, told.complete, told.has_lines, told.problem) == (("t2",), True, False, "another tool")


def test_records_of_others_are_not_taken():
    reader = RecordedReader()
    assert [reader.record(record) for record in ({"k": "test"}, {"k": ["covers"]}, {}, FUNCTIONS)] == [False, False, False, True]


def test_lists_are_bounded(monkeypatch):
    monkeypatch.setattr("runner.controls.recorded.MOST_NUMBERS", 3)
    assert not whole().complete
    monkeypatch.undo()
    monkeypatch.setattr("runner.controls.recorded.MOST_CALLS", 1)
    calls = [[0, "function", f"(({n},), {{}})", None, None] for n in range(3)]
    told = whole({"k": "calls", "calls": calls})
    assert (len(told.calls), told.complete) == (1, False)
