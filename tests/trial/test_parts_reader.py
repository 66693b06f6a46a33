"""A suite in parts: each part speaks of its own file only, and the launcher says how each ended."""

from typing import Any

import pytest

from runner.model.sandbox import Execution, Part
from runner.model.suite import Stop, SuiteRun
from runner.trial.parts_reader import PartsReader
from runner.trial.pytest_reader import PytestReader

FILES = ("a.py", "b.py")


def a_part(file: str, *outcomes: str, status: int = 0, ids: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """What an honest session over one file says."""
    names = ids or tuple(f"{file}::t{number}" for number in range(len(outcomes)))
    said: list[dict[str, Any]] = [
        {"k": "session", "pytest": "8", "python": "3.11", "ini": ""},
        {"k": "collected", "path": file, "ids": list(names)},
        {"k": "collection", "collected": len(names), "deselected": 0},
    ]
    for name, outcome in zip(names, outcomes, strict=True):
        said += [{"k": "start", "id": name}, {"k": "test", "id": name, "outcome": outcome, "seconds": 0.1, "text": ""}]
    said.append({"k": "modules", "modules": [["m", f"/work/{file}"]], "total": 1, "complete": True})
    return [*said, {"k": "end", "status": status, "collected": len(names), "ran": len(outcomes), "deselected": 0, "stopped": ""}]


def read(*parts: list[dict[str, Any]], ends: tuple[Part, ...] | None = None, **execution: Any) -> SuiteRun:
    reader = PartsReader({file: PytestReader(lambda: 0.0) for file in FILES})
    for number, part in enumerate(parts):
        for record in part:
            reader.record(record, number)
    ended = ends if ends is not None else tuple(Part(status=0) for _ in parts)
    status = int(any(part.status != 0 for part in ended))
    facts = {"stop": Stop.EXITED, "exit_code": status, "child_status": status, "parts": ended, **execution}
    return reader.finish(Execution(**facts))


HONEST = (a_part("a.py", "passed", "passed"), a_part("b.py", "passed"))


def test_honest_parts_are_one_complete_run() -> None:
    run = read(*HONEST)
    assert (run.ended, run.disagreement, run.parts) == (True, "", 2)
    assert [record.id for record in run.records] == ["a.py::t0", "a.py::t1", "b.py::t0"] == list(run.collected)
    assert (run.origins_known, len(run.modules)) == (True, 2)


def test_a_part_with_failures_is_complete_all_the_same() -> None:
    parts = (a_part("a.py", "failed", status=1), a_part("b.py", "passed"))
    run = read(*parts, ends=(Part(status=1), Part(status=0)))
    assert (run.ended, [record.outcome for record in run.records]) == (True, ["failed", "passed"])


def test_a_part_cannot_report_the_tests_of_another_file() -> None:
    forged = a_part("a.py", "passed", "passed", ids=("a.py::t0", "b.py::t0"))
    run = read(forged, a_part("b.py", "failed", status=1), ends=(Part(status=0), Part(status=1)))
    assert (run.ended, "test of another file" in run.disagreement) == (False, True)


def test_a_part_that_says_it_was_another_counts_where_the_launcher_put_it() -> None:
    run = read(a_part("b.py", "passed"), a_part("b.py", "passed"))
    assert (run.ended, "a.py reports b.py::t0" in run.disagreement) == (False, True)


@pytest.mark.parametrize(
    ("ends", "says"),
    [
        ((Part(status=0),), "1 of 2 test files were run"),
        ((Part(status=0), Part(status=None)), "never began"),
        ((Part(status=0), Part(status=0, survivors=2)), "2 processes were still alive"),
        ((Part(status=0, left="no permission"), Part(status=0)), "could not be removed"),
        ((Part(status=0), Part(status=3)), "the session said status 0, the process ended with 3"),
    ],
)
def test_what_the_launcher_saw_of_a_part_must_agree(ends: tuple[Part, ...], says: str) -> None:
    run = read(*HONEST, ends=ends)
    assert (run.ended, says in run.disagreement) == (False, True), run.disagreement


def test_a_part_that_ends_before_its_session_is_no_complete_report() -> None:
    run = read(a_part("a.py", "passed")[:-1], a_part("b.py", "passed"))
    assert (run.ended, "a.py: the process ended before the session did" in run.disagreement) == (False, True), run.disagreement


def test_the_test_in_flight_is_that_of_the_part_that_was_stopped() -> None:
    stopped = [*a_part("b.py", "passed")[:3], {"k": "start", "id": "b.py::t0"}]
    run = read(HONEST[0], stopped, ends=(Part(status=0),), stop=Stop.TIMED_OUT, exit_code=137, child_status=None)
    assert (run.in_flight, run.ended, run.stop) == ("b.py::t0", False, Stop.TIMED_OUT)
    assert [record.id for record in run.records] == ["a.py::t0", "a.py::t1"]


def test_records_of_a_part_that_nobody_asked_for_are_nobody_s() -> None:
    assert not read(*HONEST, a_part("c.py", "passed"), ends=(Part(status=0), Part(status=0))).ended
