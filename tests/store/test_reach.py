"""What somebody reaches who is bound to targets, on real databases: in lists with their cursors, by name, in events, audit and trends."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from runner.errors import UsageError
from runner.model.configuration import Configuration
from runner.model.flaky import Tally
from runner.model.request import Asked
from runner.model.result import Decision, Ending, Verdict
from runner.model.run import Command
from runner.model.submission import Submission
from runner.policy.stored import stored
from runner.store.audit import AuditLog
from runner.store.browsing import SqlBrowsing, Wanted
from runner.store.events import SqlEvents
from runner.store.flaky import SqlFlakyTests
from runner.store.reach import Reach
from runner.store.requests import SqlRequests
from runner.store.runs import SqlRuns
from runner.store.submissions import SqlSubmissions
from runner.store.trends import SqlTrends
from runner.wiring.naming import reach_of
from runner.wiring.repositories import clone_of
from testing.havens import a_policy, a_run

KNOWN = Configuration.model_validate(
    {
        "seatrial-server": 1,
        "repos": {
            "app": {"path": "/srv/git/app"},
            "site": {"path": "/srv/git/site.git"},
            "far": {"url": "https://git.example/acme/far.git"},
        },
        "targets": {
            "app-main": {"target": "git:/srv/git/app#main", "repo": "app"},
            "app-own": {"target": "git:/srv/git/app", "repo": "app"},
            "site-live": {"target": "dir:/srv/site", "repo": "site"},
            "far-main": {"target": "git:/srv/git/far.git#main", "repo": "far"},
        },
    }
)
REJECTED = Decision(verdict=Verdict.REJECT, ending=Ending.REJECTED, reason="no")


@pytest.fixture
def state(tmp_path: Path, any_database: str) -> Path:
    return tmp_path / "state"


@pytest.fixture
def runs(state: Path) -> Iterator[SqlRuns]:
    with closing(SqlRuns(state)) as made:
        yield made


def asked(state: Path, run: str, *, repo: str = "", target: str = "") -> str:
    """A run that a server was asked for, and that nobody has begun."""
    command = Command.SUBMIT if target else Command.CHECK
    with closing(SqlRequests(state)) as requests:
        requests.queue(Asked(run=run, command=command, repo=repo, target=target, change=b"x", kind="diff", author="ci"), by="t")
    return run


def begun(state: Path, run: str, *, repository: str = "/elsewhere", target: str = "") -> str:
    """The same once its change was read, or one that no server was asked for."""
    made = a_run(run, repository=repository, target=target or "repo:/elsewhere", command=Command.SUBMIT if target else Command.CHECK)
    if target:
        with closing(SqlSubmissions(state)) as submissions:
            submissions.file(Submission(run=made, policy=stored(a_policy()), target=target))
    else:
        with closing(SqlRuns(state)) as runs:
            runs.finish(made.with_(decision=REJECTED), '{"exit_code": 1}', {})
    return run


def seen(runs: SqlRuns, *targets: str) -> set[str]:
    """The runs that are listed, each of which must be found by its name, too, and no other."""
    reach = reach_of(targets, KNOWN)
    found = {record.id for _, record in runs.page(100, reach=reach)}
    for _, record in runs.page(100):
        try:
            assert runs.find(record.id[:11], reach=reach) == record.id
            assert record.id in found
        except UsageError:
            assert record.id not in found
    return found


def test_nothing_was_recorded_yet(runs: SqlRuns, state: Path) -> None:
    reach = reach_of(("app-main",), KNOWN)
    assert runs.page(5, reach=reach) == ()
    with closing(SqlEvents(state)) as events, closing(SqlTrends(state)) as trends, closing(SqlBrowsing(state)) as browsing:
        assert events.heard(0, 5, reach=reach) == ((), 0)
        assert trends.of(7, reach=reach).read == 0
        assert (browsing.awaited(5, reach=reach), browsing.states(reach=reach)) == ((), {})


def test_what_a_server_was_asked_for_is_of_the_name_that_it_was_asked_for(runs: SqlRuns, state: Path) -> None:
    mine, check = asked(state, "a" * 12, target="app-main"), asked(state, "b" * 12, repo="app")
    asked(state, "c" * 12, target="site-live")
    asked(state, "d" * 12, repo="site")
    assert seen(runs, "app-main") == {mine, check}
    begun(state, mine, repository="/srv/git/app", target="git:/srv/git/app#refs/heads/main")
    begun(state, check, repository="/srv/git/app")
    begun(state, "d" * 12, repository="/srv/git/site.git")
    assert seen(runs, "app-main") == {mine, check}
    assert seen(runs, "app-own") == {check}
    assert seen(runs, "site-live") == {"c" * 12, "d" * 12}
    assert seen(runs, "app-main", "site-live") == {mine, check, "c" * 12, "d" * 12}
    assert seen(runs, "no-more") == set()


@pytest.mark.parametrize(
    ("targets", "repository", "target", "reached"),
    [
        (("app-main",), "", "git:/srv/git/app#refs/heads/main", True),
        (("app-main",), "", "git:/srv/git/app/.git#refs/heads/main", True),
        (("app-main",), "", "git:/srv/git/app#refs/heads/main2", False),
        (("app-main",), "", "git:/srv/git/APP#refs/heads/main", False),
        (("app-main",), "", "git:/srv/git/app#refs/heads/seatrial/x", False),
        (("app-main",), "/srv/git/app", "dir:/srv/site", False),
        (("app-own",), "", "git:/srv/git/app#refs/heads/seatrial/x", True),
        (("app-own",), "", "git:/srv/git/app#refs/heads/SEATRIAL/x", False),
        (("app-own",), "", "git:/srv/git/app#refs/heads/main", False),
        (("site-live",), "", "dir:/srv/site", True),
        (("site-live",), "", "dir:/srv/site2", False),
        (("app-main",), "/srv/git/app", "", True),
        (("app-main",), "/srv/git/app2", "", False),
        (("app-main",), "/srv/git/App", "", False),
        (("app-main",), "/srv/git/site.git", "", False),
        (("far-main",), f"/some/where/repositories/{clone_of('far', KNOWN.repos['far'])}", "", True),
        (("far-main",), f"/some/where/repositories/not-{clone_of('far', KNOWN.repos['far'])}", "", False),
        (("site-live",), f"/some/where/repositories/{clone_of('far', KNOWN.repos['far'])}", "", False),
    ],
)
def test_what_no_server_was_asked_for_is_of_what_the_record_calls_it(
    runs: SqlRuns, state: Path, targets: tuple[str, ...], repository: str, target: str, reached: bool
) -> None:
    run = begun(state, "a" * 12, repository=repository or "/elsewhere", target=target)
    assert seen(runs, *targets) == ({run} if reached else set())


def test_a_page_has_as_many_as_it_may_and_its_cursor_leads_on(runs: SqlRuns, state: Path) -> None:
    for number in range(7):
        asked(state, f"{number:012x}", target="site-live" if number % 3 else "app-main")
    wanted = [f"{number:012x}" for number in (0, 3, 6)]
    reach, before, walked = reach_of(("app-main",), KNOWN), None, []
    while page := runs.page(1, before=before, reach=reach):
        before = page[0][0]
        walked.append(page[0][1].id)
    assert walked == wanted[::-1]
    assert runs.find("latest", reach=reach) == wanted[-1]
    with closing(SqlBrowsing(state)) as browsing:
        first = browsing.runs(Wanted(reach=reach), 2)
        assert [one.record.id for one in first] == wanted[:0:-1]
        assert [one.record.id for one in browsing.runs(Wanted(reach=reach), 2, before=first[-1].number)] == wanted[:1]
        assert browsing.states(reach=reach) == {"queued": 3}
        assert browsing.places(reach=reach) == ((), ("app-main",))


def test_of_runs_that_share_a_beginning_only_those_count_that_are_reached(runs: SqlRuns, state: Path) -> None:
    asked(state, "aa1111111111", target="site-live")
    mine = asked(state, "aa2222222222", target="app-main")
    assert runs.find("aa", reach=reach_of(("app-main",), KNOWN)) == mine
    with pytest.raises(UsageError, match="no run"):
        runs.find("aa1", reach=reach_of(("app-main",), KNOWN))


def test_events_and_audit_tell_of_those_runs_alone_and_what_was_passed_over_is_not_looked_at_again(state: Path) -> None:
    asked(state, "a" * 12, target="site-live")
    asked(state, "b" * 12, target="app-main")
    asked(state, "c" * 12, target="site-live")
    reach = reach_of(("app-main",), KNOWN)
    with closing(SqlEvents(state)) as events, closing(AuditLog(state)) as audit:
        every = events.after(0, 9)
        found, go_on = events.heard(0, 9, reach=reach)
        assert [event.run for event in found] == ["b" * 12]
        assert go_on == every[-1].seq
        assert events.heard(0, 1, reach=reach) == (found, found[0].seq)
        assert events.heard(0, 9, run="a" * 12, reach=reach)[0] == ()
        assert [entry.subject for entry in audit.newest(9, reach=reach)] == ["b" * 12]
        assert audit.newest(9, subject="a" * 12, reach=reach) == ()
        assert len(audit.newest(9)) == 3


def test_trends_and_what_is_held_are_those_of_the_runs_that_are_reached(state: Path) -> None:
    held = Decision(verdict=Verdict.HOLD, ending=None, reason="look")
    with closing(SqlRuns(state)) as runs:
        for run, target in (("a" * 12, "dir:/srv/site"), ("b" * 12, "dir:/other"), ("c" * 12, "dir:/third")):
            begun(state, run, target=target)
            runs.finish(a_run(run, target=target, decision=held), '{"exit_code": 3}', {})
    for repository in ("/srv/git/site.git", "/elsewhere"):
        SqlFlakyTests(state, repository, print).save("1" * 40, {"t::a": Tally(10, 3)}, ())
    reach = reach_of(("site-live",), KNOWN)
    with closing(SqlBrowsing(state)) as browsing, closing(SqlTrends(state)) as trends:
        assert len(browsing.awaited(9)) == 3
        assert tuple(run for run, _ in browsing.awaited(9, reach=reach)) == ("a" * 12,)
        assert (trends.of(36500).read, trends.of(36500, reach=reach).read) == (3, 1)
        assert sum(day.hold for day in trends.of(36500, reach=reach).days) == 1
        assert [one.repository for one in trends.of(7, reach=reach).flaky] == ["/srv/git/site.git"]


def test_who_reaches_nothing_sees_nothing(runs: SqlRuns, state: Path) -> None:
    asked(state, "a" * 12, target="app-main")
    begun(state, "b" * 12)
    assert runs.page(9, reach=Reach()) == ()
