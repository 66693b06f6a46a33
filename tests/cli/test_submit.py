"""`seatrial submit` around a stand-in for the carrying."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.errors import InfrastructureError, PolicyInvalid, StoreUnavailable, Terminated, UsageError

Command = Callable[..., Any]
CODES = {
    "confirmed": 0,
    "rejected": 1,
    "held": 3,
    "expired": 3,
    "failed": 4,
    "rolled_back": 5,
    "stuck": 6,
    "refused": 75,
    "cancelled": 130,
}


@pytest.mark.parametrize(("ending", "code"), CODES.items())
def test_each_ending_has_its_exit_code_and_its_report(
    seatrial: Command, submitted: Command, run_of: Command, ending: str, code: int
) -> None:
    submitted(run_of(ending))
    text = seatrial("submit", "x.diff", "--target", "dir:/srv/app")
    assert (text.code, text.out.split("  ")[0]) == (code, ending.upper().replace("_", " "))
    answer = seatrial("submit", "x.diff", "--target", "dir:/srv/app", "--format", "json")
    assert (answer.code, answer.json["exit_code"], answer.json["schema"]) == (code, code, "seatrial.report/v1")


def test_what_was_typed_is_what_is_wanted(seatrial: Command, submitted: Command, run_of: Command) -> None:
    asked = submitted(run_of("confirmed"))
    options = ("--repo", "r", "--base", "main", "--policy", "p.yaml", "--author", "ann", "--agent", "bot", "--ticket", "T-1")
    seatrial("submit", "topic", "--target", "git:.#main", *options)
    seatrial("submit", "-", "--target", "dir:/srv/app", "--as", "diff", stdin=b"diff \xff\n")
    (_, first, detach), (_, second, _) = asked
    assert (first.change, first.target, first.repo, first.base, first.policy) == ("topic", "git:.#main", Path("r"), "main", Path("p.yaml"))
    assert (first.author, first.agent, first.ticket, detach, first.stdin) == ("ann", "bot", "T-1", False, None)
    assert (second.change, second.kind, second.stdin, second.repo) == ("-", "diff", b"diff \xff\n", Path())


def test_detached_it_prints_the_id_and_nothing_else(seatrial: Command, submitted: Command, run_of: Command) -> None:
    asked = submitted(run_of("held"))
    for flag in ("-d", "--detach"):
        answer = seatrial("submit", "x.diff", "--target", "dir:/srv/app", flag)
        assert (answer.code, answer.out) == (0, "abc123abc123\n")
    assert [one[-1] for one in asked] == [True, True]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["x.diff"], "--target"),
        (["--target", "dir:/x"], "CHANGE"),
        (["x.diff", "--target", "dir:/x", "--format", "jsn"], "did you mean 'json'"),
        (["x.diff", "--target", "dir:/x", "--author", "a\x1bb"], "printable"),
        (["x.diff", "--target", "dir:/x", "--agent", "a" * 201], "200"),
        (["x.diff", "--target", "dir:/x", "--report", "json=/no/such/folder/x"], "/no/such/folder"),
        (["x.diff", "y.diff", "--target", "dir:/x"], "y.diff"),
    ],
)
def test_wrong_usage_is_refused_before_anything_runs(
    seatrial: Command, submitted: Command, run_of: Command, arguments: list[str], words: str
) -> None:
    asked = submitted(run_of("confirmed"))
    answer = seatrial("submit", *arguments)
    assert (answer.code, asked) == (2, [])
    assert words.lower() in answer.err.lower()


@pytest.mark.parametrize(
    ("problem", "code", "name"),
    [
        (UsageError("no", hint="do"), 2, "usage"),
        (PolicyInvalid(("p.yaml:1:1: no",)), 2, "policy-invalid"),
        (InfrastructureError("no", hint="do"), 4, "infrastructure"),
        (StoreUnavailable("no"), 4, "store-unavailable"),
        (Terminated(15), 143, "terminated"),
        (Terminated(1), 129, "terminated"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (RuntimeError("oops"), 70, "bug"),
    ],
)
def test_what_ends_it_otherwise_is_one_message_and_its_exit_code(
    seatrial: Command, submitted: Command, problem: BaseException, code: int, name: str
) -> None:
    submitted(problem)
    answer = seatrial("submit", "x.diff", "--target", "dir:/srv/app", "--format", "json")
    assert (answer.code, answer.json["code"], "Traceback" in answer.err) == (code, name, False)


def test_a_hint_of_several_lines_keeps_them(seatrial: Command, submitted: Command) -> None:
    from runner.wiring.submitting import UNIT

    submitted(UsageError("nobody watches", hint=f"Start one that stays:\n{UNIT}"))
    assert f"  {UNIT}\n" in seatrial("submit", "x.diff", "--target", "dir:/srv/app", "-d").err


def test_reports_are_written_to_files_too(seatrial: Command, submitted: Command, run_of: Command, tmp_path: Path) -> None:
    submitted(run_of("rolled_back"))
    answer = seatrial("submit", "x.diff", "--target", "dir:/srv/app", "--report", f"json={tmp_path}/r.json", "-q")
    assert (answer.code, answer.err, json.loads((tmp_path / "r.json").read_text())["ending"]) == (5, "", "rolled_back")
