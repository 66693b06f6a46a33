"""What a server was asked for is read once, and ends, whatever goes wrong with it."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import runner.wiring
import runner.wiring.intake
from runner.errors import InfrastructureError, StoreUnavailable
from runner.model.configuration import Configuration
from runner.model.request import Asked
from runner.model.run import Command
from runner.store.places import Places
from runner.wiring.begin import Request
from runner.wiring.carrying import Stores, stores
from runner.wiring.intake import ENDED, FETCHED, Intake

RUN = "abc123abc123"
SILENT = SimpleNamespace(note=lambda said: None)


@pytest.fixture
def where(tmp_path: Path) -> Places:
    return Places(tmp_path / "cache", tmp_path / "state")


@pytest.fixture
def kept(where: Places) -> Iterator[Stores]:
    with stores(where) as opened:
        yield opened


@pytest.fixture
def intake(where: Places, tmp_path: Path) -> Intake:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    told = {
        "seatrial-server": 1,
        "repos": {"app": {"path": str(tmp_path)}},
        "targets": {"main": {"target": f"git:{tmp_path}#main", "repo": "app"}},
    }
    return Intake(Configuration.model_validate(told), where, lambda run: SILENT)  # type: ignore[arg-type]


def queued(kept: Stores, command: Command, **named: str) -> None:
    asked = {"repo": "app"} if command is Command.CHECK else {"repo": "", "target": "main"}
    kept.requests.queue(Asked(**{"run": RUN, "command": command, "change": b"x", "author": "ci", **asked, **named}), by="t1")  # type: ignore[arg-type]


def ended(kept: Stores) -> tuple[str, str | None, str]:
    record = kept.runs.show(RUN)
    return record.state, record.ending, record.reason


@pytest.mark.parametrize("command", [Command.SUBMIT, Command.CHECK])
def test_a_bug_of_ours_is_an_end_of_the_request_and_says_so(
    command: Command, kept: Stores, intake: Intake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(runner.wiring.intake, "prepare", broken)
    monkeypatch.setattr(runner.wiring, "check", broken)
    queued(kept, command)
    assert (intake.read(RUN) if command is Command.SUBMIT else (intake.read(RUN), intake.check(RUN))[1]) == ENDED
    assert ended(kept) == ("ended", "failed", "this is a bug in Seatrial: RecursionError: too deep")
    assert "Traceback" in caplog.text
    assert intake.read(RUN) == ENDED


def test_a_record_that_cannot_be_used_is_no_end(kept: Stores, intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*_: object) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(runner.wiring.intake, "prepare", unavailable)
    queued(kept, Command.SUBMIT)
    with pytest.raises(StoreUnavailable):
        intake.read(RUN)
    assert kept.requests.waiting() == (RUN,)


def test_what_is_to_be_checked_is_fetched_before_and_once(kept: Stores, intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []
    judged: list[Path] = []

    def place_of(name: str, *_: object) -> Path:
        fetched.append(name)
        return Path(f"/fetched/{len(fetched)}")

    def check(request: Request, *_: object) -> None:
        judged.append(request.repo)
        raise InfrastructureError("no engine")

    monkeypatch.setattr(runner.wiring.intake, "place_of", place_of)
    monkeypatch.setattr(runner.wiring, "check", check)
    queued(kept, Command.CHECK)
    assert intake.read(RUN) == FETCHED
    assert (fetched, judged) == (["app"], [])
    assert intake.check(RUN) == ENDED
    assert (fetched, judged) == (["app"], [Path("/fetched/1")])
    assert ended(kept) == ("ended", "failed", "no engine")


def test_what_another_process_fetched_is_fetched_here_before_it_is_judged(
    kept: Stores, intake: Intake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    judged: list[Path] = []

    def check(request: Request, *_: object) -> None:
        judged.append(request.repo)
        raise InfrastructureError("no engine")

    monkeypatch.setattr(runner.wiring, "check", check)
    queued(kept, Command.CHECK)
    assert intake.check(RUN) == ENDED
    assert judged == [tmp_path]


def test_what_was_cancelled_while_it_waited_for_a_sandbox_is_not_judged(
    kept: Stores, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner.wiring, "check", lambda *_: pytest.fail("it was judged"))
    queued(kept, Command.CHECK)
    assert intake.read(RUN) == FETCHED
    assert kept.requests.cancel(RUN, by="anne", reason="no need")
    assert intake.check(RUN) == ENDED
    assert ended(kept)[1] == "cancelled"


def test_a_name_that_this_machine_does_not_know_is_said(kept: Stores, intake: Intake) -> None:
    queued(kept, Command.CHECK, repo="other")
    assert intake.read(RUN) == ENDED
    assert ended(kept)[1:] == ("failed", "this worker knows no repository 'other'")


def test_who_checks_hears_who_cancels(kept: Stores, intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    def check(_request: Request, _progress: object, wish: Callable[[], str]) -> None:
        heard.append(wish())
        kept.requests.cancel(RUN, by="anne", reason="no need")
        heard.append(wish())

    monkeypatch.setattr(runner.wiring, "check", check)
    queued(kept, Command.CHECK)
    assert intake.check(RUN) == ENDED
    assert heard == ["", "anne cancelled it: no need"]


@pytest.mark.parametrize(("command", "called"), [(Command.CHECK, "the repository 'app'"), (Command.SUBMIT, "the target 'main'")])
def test_a_path_of_the_configuration_with_no_repository_is_the_fault_of_the_server(
    command: Command, called: str, kept: Stores, intake: Intake, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / ".git")
    queued(kept, command)
    assert intake.read(RUN) == ENDED
    assert ended(kept)[1] == "failed"
    assert ended(kept)[2].startswith(f"{called} cannot be used as the server's configuration names it: ")
    assert kept.runs.show(RUN).exit_code == 4
