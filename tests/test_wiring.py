"""What the wiring makes of a request that ends otherwise than by a verdict, and of a change that cannot be read."""

import signal
import subprocess
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runner.errors import EngineUnavailable, StoreUnavailable, Terminated, UsageError
from runner.git.objects import PrivateObjects
from runner.model.result import Decision, Ending, Verdict
from runner.model.run import Gates, PolicyFacts, Run
from runner.policy.load import find_policy
from runner.ports import Moment
from runner.store.ledger import SqlLedger
from runner.store.runs import Record, SqlRuns
from runner.wiring.begin import Request, begin, unreadable
from runner.wiring.recorded import recorded
from testing.builders import a_change

ACCEPTED = Decision(verdict=Verdict.ACCEPT, ending=Ending.ACCEPTED, reason="every check passed")


@pytest.fixture
def where(tmp_path: Path) -> Any:
    return SimpleNamespace(state=tmp_path / "state")


def a_run() -> Run:
    policy = PolicyFacts(source="p.yaml", digest="d" * 64)
    return Run(id="abc123", started=datetime(2026, 11, 22, tzinfo=UTC), repository="/r", policy=policy, change=a_change("a.py"))


def untold(run: Run, moment: Moment) -> None:
    """Stands for gates that need not know."""


def stopped_by(problem: BaseException, where: Any) -> Record:
    with pytest.raises(type(problem)), recorded(a_run(), where, threading.Event(), untold):
        raise problem
    return SqlRuns(where.state).show("latest")


@pytest.mark.parametrize(
    ("problem", "code"),
    [(KeyboardInterrupt(), 130), (Terminated(signal.SIGINT), 130), (Terminated(signal.SIGTERM), 143), (Terminated(signal.SIGHUP), 129)],
)
def test_a_run_that_somebody_stopped_is_recorded_as_cancelled(problem: BaseException, code: int, where: Any) -> None:
    record = stopped_by(problem, where)
    assert (record.state, record.ending, record.verdict, record.exit_code) == ("ended", "cancelled", None, code)


@pytest.mark.parametrize(
    ("problem", "code", "reason"),
    [
        (EngineUnavailable("the engine went away"), 4, "the engine went away"),
        (OSError(28, "No space left on device"), 4, "No space left on device"),
        (UsageError("no such revision"), 2, "no such revision"),
        (ValueError("oops \udc80\x1b"), 70, "ValueError: oops \\udc80\\x1b"),
    ],
)
def test_a_run_that_a_fault_ended_is_recorded_as_failed_with_its_sentence(problem: Exception, code: int, reason: str, where: Any) -> None:
    record = stopped_by(problem, where)
    assert (record.state, record.ending, record.verdict, record.exit_code) == ("ended", "failed", None, code)
    assert reason in record.reason


def test_a_run_that_ended_is_recorded_with_its_report(where: Any) -> None:
    with recorded(a_run(), where, threading.Event(), untold) as record:
        done = record(a_run().with_(decision=ACCEPTED))
    kept = SqlRuns(where.state).show("latest")
    assert (done.notes, kept.ending, kept.exit_code) == ((), "accepted", 0)
    assert kept.report is not None


def test_the_record_is_begun_once_a_suite_is_under_way(where: Any) -> None:
    under_way = threading.Event()
    with recorded(a_run(), where, under_way, untold) as record:
        assert not where.state.exists()
        under_way.set()
        record(a_run().with_(decision=ACCEPTED))
    assert where.state.exists()


@pytest.mark.parametrize("problem", [None, Terminated(signal.SIGTERM)])
def test_whatever_ends_a_run_the_gates_are_told_of_its_decision(problem: BaseException | None, where: Any) -> None:
    told: list[Run] = []

    def tell(run: Run, moment: Moment) -> None:
        told.append(run)
        moment.append("g", "k", "outcome", run=run.id)

    with suppress(Terminated), recorded(a_run(), where, threading.Event(), tell) as record:
        if problem is not None:
            raise problem
        record(a_run().with_(decision=ACCEPTED))
    assert [run.decision.ending for run in told if run.decision] == [Ending.CANCELLED if problem else Ending.ACCEPTED]
    with SqlLedger(where.state).reading() as moment:
        assert moment.find("g", "k", "outcome", "abc123") is not None


def test_an_outcome_that_cannot_be_told_is_no_record_either(where: Any) -> None:
    def full(run: Run, moment: Moment) -> None:
        raise StoreUnavailable("the disk is full")

    with recorded(a_run(), where, threading.Event(), full) as record:
        done = record(a_run().with_(decision=ACCEPTED))
    assert "the disk is full" in done.notes[0]
    assert SqlRuns(where.state).show("latest").report is None


def test_a_record_that_cannot_be_written_is_a_note_and_no_other_verdict(where: Any) -> None:
    where.state.write_text("in the way")
    with recorded(a_run(), where, threading.Event(), untold) as record:
        done = record(a_run().with_(decision=ACCEPTED))
    assert done.decision == ACCEPTED
    assert "could not be recorded" in done.notes[0]


@pytest.mark.parametrize(("gates", "waits"), [(Gates.INFORM, False), (Gates.ENFORCE, True)])
def test_where_gates_only_inform_nobody_waits_long_for_the_database(
    gates: Gates, waits: bool, where: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module("runner.wiring.recorded")  # its function has its name
    monkeypatch.setattr(module, "IMPATIENCE", 0.1)
    monkeypatch.setattr(module, "PATIENCE", 1.5)
    began = time.monotonic()
    with SqlLedger(where.state).writing(), recorded(a_run().with_(gates=gates), where, threading.Event(), untold) as record:
        done = record(a_run().with_(decision=ACCEPTED, gates=gates))
        assert (time.monotonic() - began > 1.4) is waits
    assert "locked by another process" in done.notes[0]


@pytest.mark.parametrize(("stdin", "named"), [(None, b"x.diff"), (b"garbage", b"garbage")])
def test_a_change_that_cannot_be_read_is_named_by_what_was_given(
    tmp_path: Path, stdin: bytes | None, named: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    repo = tmp_path / "repo"
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    subprocess.run([*git, "init", "-q", "-b", "main", repo], check=True)
    subprocess.run([*git, "-C", repo, "commit", "-qm", "base", "--allow-empty"], check=True)
    (tmp_path / "x.diff").write_text("garbage")
    source = "-" if stdin is not None else "x.diff"
    with PrivateObjects(repo, tmp_path / "private") as objects:
        change = unreadable(Request(repo=repo, change=source, base="main", stdin=stdin), objects)
        assert (change.base_commit, change.base_tree) == (objects.resolve("main"), objects.tree_of(objects.resolve("main")))
    assert (change.tree, change.files, change.source, change.patch_id) == ("", (), source, sha256(named).hexdigest())


@pytest.mark.parametrize(
    ("change", "stdin", "first"),
    [
        (None, None, "main + uncommitted work onto main ({})"),
        ("-", b'[{"path": "b", "content": ""}]', "1 edit from standard input onto main ({})"),
        ("-", b"garbage", "standard input onto main ({})"),
        ("HEAD~1..HEAD", None, "main ({}) onto HEAD~1 ({})"),
        ("caf\udce9.diff", None, "caf\\xe9.diff onto main ({})"),
    ],
)
def test_the_first_line_that_anybody_sees_names_both_sides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str | None, stdin: bytes | None, first: str
) -> None:
    repo = tmp_path / "repo"
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid", "-C", repo]
    subprocess.run([*git[:-2], "init", "-q", "-b", "main", repo], check=True)
    subprocess.run([*git, "commit", "-qm", "base", "--allow-empty"], check=True)
    (repo / "a").write_text("x")
    subprocess.run([*git, "add", "a"], check=True)
    subprocess.run([*git, "commit", "-qm", "second"], check=True)
    (repo / "a").write_text("y")
    (tmp_path / "caf\udce9.diff").write_text("garbage")
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    progress: Any = SimpleNamespace(note=said.append, stage=said.append)
    request = Request(repo=repo, change=change, stdin=stdin)
    with PrivateObjects(repo, tmp_path / "private") as objects:
        policy = find_policy(None, objects, objects.tree_of(objects.resolve("HEAD")), "main")
        run = begin(request, objects, policy, progress)
        ids = [objects.resolve(name)[:7] for name in ("HEAD", "HEAD~1")]
    assert said[0] == first.format(*ids)
    assert (run.change.kind == "edits") == (stdin is not None and stdin.startswith(b"["))
    assert run.model_dump_json()


def test_a_wrong_use_is_told_with_the_notes_that_may_explain_it(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    for folder in (repo, repo / "inner"):
        subprocess.run([*git, "init", "-q", "-b", "main", folder], check=True)
    subprocess.run([*git, "-C", repo, "commit", "-qm", "base", "--allow-empty"], check=True)
    said: list[str] = []
    progress: Any = SimpleNamespace(note=said.append, stage=said.append)
    with PrivateObjects(repo, tmp_path / "private") as objects:
        policy = find_policy(None, objects, objects.tree_of(objects.resolve("HEAD")), "main")
        with pytest.raises(UsageError, match="nothing to judge"):
            begin(Request(repo=repo, change=None), objects, policy, progress)
    assert "'inner/' is a repository of its own; it was left out" in said
