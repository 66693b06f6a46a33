"""What the record tells people: runs by whom and by which rule, verdicts by day, rules that hold, time in sandboxes."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.model.flaky import Tally
from runner.model.result import Decision, Ending, Finding, Outcome, Result, Verdict
from runner.model.run import Author, Command, Run
from runner.model.submission import Answer, Submission
from runner.policy.stored import stored
from runner.reports.report import build, to_json
from runner.store.browsing import SqlBrowsing, Wanted
from runner.store.flaky import SqlFlakyTests
from runner.store.runs import SqlRuns
from runner.store.submissions import SqlSubmissions
from runner.store.trends import SqlTrends
from testing.havens import a_policy, a_run, an_answer

NOW = datetime.now(UTC)


def held_by(*rules: str, check: str = "paths") -> Result:
    found = tuple(Finding(path="a.py", rule=rule, message="look") for rule in rules)
    return Result(check=check, outcome=Outcome.HOLD, reason="look", findings=found)


def put(state: Path, run: str, *results: Result, days: float = 0, verdict: str = "accept", **given: Any) -> Run:
    """A run of the record that has come to this verdict."""
    endings = {"accept": Ending.CONFIRMED, "reject": Ending.REJECTED, "hold": None}
    made = a_run(
        run,
        started=NOW - timedelta(days=days),
        command=Command.SUBMIT,
        results=results or (an_answer("tests"),),
        timings={"trial": 60.0, "image": 30.0, "validate": 99.0},
        decision=Decision(verdict=Verdict(verdict), ending=endings[verdict], reason=f"{verdict} it"),
        **given,
    )
    with closing(SqlSubmissions(state)) as submissions, closing(SqlRuns(state)) as runs:
        submissions.file(Submission(run=made.with_(decision=None), policy=stored(a_policy()), target=made.target))
        runs.finish(made, to_json(build(made)), {})
    return made


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def browsing(state: Path) -> Iterator[SqlBrowsing]:
    with closing(SqlBrowsing(state)) as made:
        yield made


def ids(browsing: SqlBrowsing, limit: int = 50, before: int | None = None, **wanted: Any) -> list[str]:
    return [seen.record.id for seen in browsing.runs(Wanted(**wanted), limit, before=before)]


def test_nothing_was_recorded_yet(browsing: SqlBrowsing, state: Path) -> None:
    assert (ids(browsing), browsing.awaited(5), browsing.states(), browsing.places()) == ([], (), {}, ((), ()))
    with closing(SqlTrends(state)) as trends:
        assert trends.of(7).read == 0
    assert not state.exists()


def test_runs_are_found_by_whom_and_where(browsing: SqlBrowsing, state: Path) -> None:
    put(state, "a" * 12, author=Author(name="anne"), target="dir:/one")
    put(state, "b" * 12, author=Author(name="bert", agent="mender-2"), target="dir:/two", repository="/other")
    put(state, "c" * 12, held_by("x"), author=Author(name='an"ne%', agent="x"), target="dir:/three", verdict="hold")
    assert ids(browsing) == ["c" * 12, "b" * 12, "a" * 12]
    assert ids(browsing, who="anne") == ["a" * 12]
    assert ids(browsing, who="mender") == ["b" * 12]
    assert ids(browsing, who='an"ne%') == ["c" * 12]
    assert ids(browsing, who="%") == []
    assert ids(browsing, targets=("dir:/two",)) == ["b" * 12]
    assert ids(browsing, repositories=("/other", "other")) == ["b" * 12]
    assert ids(browsing, state="held") == ["c" * 12]
    assert ids(browsing, state="held", who="bert") == []
    first = browsing.runs(Wanted(), 1)[0]
    assert (first.author, first.agent) == ('an"ne%', "x")
    assert ids(browsing, before=first.number) == ["b" * 12, "a" * 12]
    assert [(run, what.verbs) for run, what in browsing.awaited(5)] == [("c" * 12, ("approve", "deny"))]
    assert browsing.states() == {"held": 1, "ended": 2}
    assert browsing.who("b" * 12) == ("bert", "mender-2")


def test_by_a_rule_only_those_are_found_that_it_stopped(browsing: SqlBrowsing, state: Path) -> None:
    passed = Result(check="anomaly", outcome=Outcome.PASS, reason="fine", findings=(Finding(path="a", rule="anomaly.size", message="m"),))
    put(state, "a" * 12, passed, target="dir:/1")
    put(state, "b" * 12, held_by("anomaly.size", check="anomaly"), target="dir:/2", verdict="hold")
    put(state, "c" * 12, held_by("paths.ci"), an_answer("anomaly"), target="dir:/3", verdict="hold")
    assert ids(browsing, rule="anomaly") == ["b" * 12]
    assert ids(browsing, rule="anomaly.s") == ["b" * 12]
    assert ids(browsing, rule="paths") == ["c" * 12]
    assert ids(browsing, rule="tests") == []
    assert ids(browsing, rule="%") == []


def test_each_day_tells_what_the_checks_decided_and_what_a_person_was_asked(state: Path) -> None:
    put(state, "a" * 12, target="dir:/1")
    put(state, "b" * 12, target="dir:/2", verdict="reject")
    put(state, "c" * 12, held_by("x"), target="dir:/3", verdict="hold")
    put(state, "d" * 12, target="dir:/4", days=2)
    put(state, "e" * 12, target="dir:/5", days=40)
    with closing(SqlTrends(state)) as trends:
        days = trends.of(7).days
    assert len(days) == 7
    assert days[-1][1:] == (1, 1, 1)
    assert days[-3][1:] == (1, 0, 0)
    assert sum(day.accept + day.hold + day.reject for day in days) == 4


def test_a_rule_s_holds_are_counted_and_those_that_a_person_let_pass(state: Path) -> None:
    approved = put(state, "a" * 12, held_by("paths.ci", "paths.ci"), target="dir:/1", verdict="hold")
    put(state, "b" * 12, held_by("paths.ci"), held_by("size", check="anomaly"), target="dir:/2", verdict="hold")
    said = Answer(run=approved.id, answer="approve", who="anne", reason="fine", patch_id="p", policy_digest="d", checks=("paths 0123abcd",))
    with closing(SqlSubmissions(state)) as submissions, closing(SqlRuns(state)) as runs, closing(SqlTrends(state)) as trends:
        submissions.set_out(approved.id, 1, wish="", answer=said)
        done = approved.with_(decision=Decision(verdict=Verdict.ACCEPT, ending=Ending.CONFIRMED, reason="it is"))
        runs.finish(done, to_json(build(done)), {})
        found = trends.of(7)
    assert [tuple(rule) for rule in found.rules] == [("paths", 2, 1), ("paths.ci", 2, 1), ("anomaly", 1, 0), ("size", 1, 0)]
    assert found.days[-1].hold == 2


def test_time_in_sandboxes_is_an_agent_s_or_else_an_author_s(state: Path) -> None:
    put(state, "a" * 12, target="dir:/1", author=Author(name="anne", agent="mender"))
    put(state, "b" * 12, target="dir:/2", author=Author(name="bert", agent="mender"))
    put(state, "c" * 12, target="dir:/3", author=Author(name="bert"))
    with closing(SqlTrends(state)) as trends:
        spent = trends.of(7).spent
    assert [tuple(one) for one in spent] == [("mender", 2, 3.0), ("bert", 1, 1.5)]


def test_tests_that_waver_are_told_with_their_repository(state: Path) -> None:
    put(state, "a" * 12, target="dir:/1")
    SqlFlakyTests(state, "/srv/app", print).save("1" * 40, {"tests/test_a.py::test_a": Tally(10, 3)}, ())
    with closing(SqlTrends(state)) as trends:
        (found,) = trends.of(7).flaky
    assert (found.repository, found.test, found.past.runs, found.past.failures) == ("/srv/app", "tests/test_a.py::test_a", 10, 3)
