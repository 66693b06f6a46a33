"""`seatrial audit` over a real log."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.store.database import Database

Command = Callable[..., Any]
HOSTILE = "\x1b[2J\u202e::error::x"


@pytest.fixture
def state(own_home: Path) -> Path:
    folder = own_home / "state" / "seatrial"
    folder.mkdir(mode=0o700, parents=True)
    for number in range(3):
        with Database(folder).writing() as transaction:
            transaction.audit("run.ended", f"r{number}", {"ending": "accepted", "reason": HOSTILE})
    return folder


def edit(state: Path, statement: str) -> None:
    with sqlite3.connect(state / "state.db") as raw:
        raw.execute(statement)


def test_a_whole_log_says_so_and_exits_0(seatrial: Command, state: Path) -> None:
    answer = seatrial("audit", "verify")
    assert (answer.code, answer.out) == (0, "WHOLE  3 entries, each follows the one before; 3 checkpoints agree\n")
    assert seatrial("audit", "verify", "--format", "json").json == {
        "schema": "seatrial.audit-verify/v1",
        "whole": True,
        "entries": 3,
        "checkpoints": 3,
        "flaw": None,
    }


def test_an_edit_is_told_with_its_number_and_exits_1(seatrial: Command, state: Path) -> None:
    edit(state, "UPDATE audit SET subject = 'other' WHERE seq = 2")
    answer = seatrial("audit", "verify")
    assert (answer.code, answer.out.splitlines()[0]) == (1, "BROKEN at 2")
    assert "entry 2 was edited" in answer.out
    report = seatrial("audit", "verify", "--format", "json")
    assert (report.code, report.json["whole"], report.json["flaw"]["seq"], report.json["entries"]) == (1, False, 2, 1)


def test_a_database_that_cannot_be_read_exits_4(seatrial: Command, state: Path) -> None:
    for file in state.glob("state.db-*"):
        file.unlink()
    (state / "state.db").write_bytes(b"no database at all, but long enough to be read" * 100)
    assert [seatrial("audit", command).code for command in ("verify", "list", "checkpoint")] == [4, 4, 4]


def test_nothing_recorded_is_no_failure_and_makes_nothing(seatrial: Command, own_home: Path) -> None:
    assert [seatrial("audit", command).code for command in ("verify", "list", "checkpoint")] == [0, 0, 0]
    assert not (own_home / "state").exists()


def test_a_checkpoint_kept_elsewhere_finds_a_log_that_was_stamped_anew(seatrial: Command, state: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text(seatrial("audit", "checkpoint").out)
    assert seatrial("audit", "verify", "--against", str(kept)).code == 0
    for file in (*state.glob("state.db*"), state / "audit.checkpoints"):
        file.unlink()
    assert seatrial("audit", "verify").code == 0
    with Database(state).writing() as transaction:
        transaction.audit("run.ended", "forged", {})
    answer = seatrial("audit", "verify", "--against", str(kept))
    assert (answer.code, answer.out.splitlines()[0]) == (1, "BROKEN at 2")


@pytest.mark.parametrize("content", [None, "", "\n\n", "3 1.000 abc\n", "x" * 100])
def test_a_file_without_checkpoints_is_a_usage_error(seatrial: Command, state: Path, tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "kept").write_text(content)
    answer = seatrial("audit", "verify", "--against", str(tmp_path / "kept"))
    assert (answer.code, answer.out) == (2, "")


def test_digests_leave_the_list_room_for_what_happened(seatrial: Command, state: Path) -> None:
    with Database(state).writing() as transaction:
        transaction.audit("run.ended", "r9", {"change": "a" * 64, "ending": "refused", "exit_code": 75})
    assert '{"change": "aaaaaaaaaaaa…", "ending": "refused", "exit_code": 75}' in seatrial("audit", "list", "-n", "1").out
    assert seatrial("audit", "list", "-n", "1", "--format", "json").json["entries"][0]["body"]["change"] == "a" * 64


def test_the_list_is_newest_first_and_can_be_narrowed(seatrial: Command, state: Path) -> None:
    with Database(state).writing() as transaction:
        transaction.audit("breaker.opened", "host", {})
    rows = [line.split() for line in seatrial("audit", "list").out.splitlines()]
    assert [(row[0], row[3], row[4]) for row in rows] == [
        ("4", "breaker.opened", "host"),
        ("3", "run.ended", "r2"),
        ("2", "run.ended", "r1"),
        ("1", "run.ended", "r0"),
    ]
    assert [entry["seq"] for entry in seatrial("audit", "list", "-n", "2", "--kind", "run.ended", "--format", "json").json["entries"]] == [
        3,
        2,
    ]
    assert [entry["seq"] for entry in seatrial("audit", "list", "--subject", "r1", "--format", "json").json["entries"]] == [2]
    assert (seatrial("audit", "list", "--kind", "none").code, seatrial("audit", "list", "--kind", "none").out) == (0, "")


def test_nothing_hostile_reaches_the_terminal_even_from_an_edited_log(seatrial: Command, state: Path) -> None:
    edit(state, "UPDATE audit SET at = 'noon', kind = char(27) || '[2J', subject = x'1b5b', body = char(27) WHERE seq = 2")
    edit(state, "UPDATE audit SET at = 9e300 WHERE seq = 1")
    edit(state, "UPDATE audit SET at = 'noon', hash = x'1b5b' WHERE seq = 3")
    for command in ("list", "verify", "checkpoint"):
        answer = seatrial("audit", command)
        assert answer.code in (0, 1)
        assert not set("\x1b\u202e") & set(answer.out)
        assert "\n::" not in answer.out
    assert seatrial("audit", "list", "--format", "json").json["entries"][1]["at"] == 0.0
