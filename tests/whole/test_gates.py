"""Gates that are enforced, from the command line to the record: what they stop has never run."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.store.ledger import SqlLedger
from runner.store.places import places
from runner.store.runs import SqlRuns
from testing.commands import Command
from testing.whole import ROOT, commit, git

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("uncontrolled")]
Seatrial = Callable[..., subprocess.CompletedProcess[str]]
GOOD = str(ROOT / "examples/changes/good.diff")
BROKEN = str(ROOT / "examples/changes/broken.diff")
CALM = "health: {docker_ping: {soft: none, hard: none}, psi_memory: {soft: none, hard: none}, memory_available: {soft: none, hard: none}}"
"""Limits that a busy machine may breach are not what these tests are about."""
ENFORCE = ("--gates", "enforce", "--format", "json")


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests were charged for must not count here."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def policy(tmp_path: Path) -> Callable[[str], str]:
    """Writes the operator's policy."""

    def write(preflight: str) -> str:
        file = tmp_path / "policy.yaml"
        file.write_text(f"seatrial: 1\npreflight:\n  {preflight}\n" + ("" if preflight.startswith("health") else f"  {CALM}\n"))
        return str(file)

    return write


def report(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def result(answer: dict[str, Any], check: str) -> dict[str, Any]:
    (found,) = (one for one in answer["results"] if one["check"] == check)
    return dict(found)


def charged() -> bool:
    with SqlLedger(places().state).reading() as moment:
        return bool(moment.keys("rate"))


def test_a_flood_is_refused_before_anything_runs_and_told_when_to_come_back(seatrial: Seatrial, policy: Callable[[str], str]) -> None:
    file = policy("rate: [{limit: 1, per: 1h, key: [target]}]")
    first, second = (seatrial("check", GOOD, "--policy", file, *ENFORCE) for _ in range(2))
    assert (first.returncode, report(first)["verdict"]) == (0, "accept")
    answer = report(second)
    assert (second.returncode, answer["verdict"], answer["ending"], answer["next"]) == (
        75,
        None,
        "refused",
        f"seatrial limits --policy {file}",
    )
    refusal = result(answer, "rate")
    assert refusal["outcome"] == "refuse"
    assert 3500 < answer["retry_after"] == refusal["retry_after"] <= 3600
    assert refusal["policy"] == f"{file}:3"
    assert refusal["measured"] is not None
    assert refusal["limit"] is not None
    assert set(answer["timings"]) == {"preflight"}, "something ran"
    assert answer["sandbox"] is None
    assert SqlRuns(places().state).show("latest").ending == "refused"


def test_a_check_that_only_informs_is_never_refused_and_charges_nothing(seatrial: Seatrial, policy: Callable[[str], str]) -> None:
    file = policy("rate: [{limit: 1, per: 1h, key: [target]}]")
    for _ in range(2):
        done = seatrial("check", GOOD, "--policy", file, "--format", "json")
        assert (done.returncode, result(report(done), "rate")["outcome"]) == (0, "pass")
    seatrial("check", GOOD, "--policy", file, *ENFORCE)
    informed = seatrial("check", GOOD, "--policy", file, "--format", "json")
    answer = result(report(informed), "rate")
    assert (informed.returncode, answer["outcome"]) == (0, "warn")
    assert answer["reason"].startswith("would refuse: ")


def test_a_run_of_bad_changes_opens_the_breaker_of_its_author_and_of_nobody_else(seatrial: Seatrial, policy: Callable[[str], str]) -> None:
    file = policy("breaker: {author: {consecutive: 2}}")
    for _ in range(2):
        assert seatrial("check", BROKEN, "--policy", file, "--author", "ann", *ENFORCE).returncode == 1
    refused = seatrial("check", GOOD, "--policy", file, "--author", "ann", *ENFORCE)
    assert (refused.returncode, report(refused)["next"]) == (75, "seatrial breaker list")
    assert result(report(refused), "breaker")["outcome"] == "refuse"
    assert seatrial("check", GOOD, "--policy", file, "--author", "bob", *ENFORCE).returncode == 0


def test_gits_author_can_only_tighten(seatrial: Seatrial, berth: Path, policy: Callable[[str], str]) -> None:
    file = policy("breaker: {author: {consecutive: 1}}")
    assert seatrial("check", BROKEN, "--policy", file, "--author", "ann@example.invalid", *ENFORCE).returncode == 1
    git(berth, "checkout", "-q", "-b", "side")
    (berth / "NOTES.md").write_text("more\n")
    git(berth, "add", "-A")
    git(berth, "commit", "-qm", "notes", "--author=Ann <ann@example.invalid>")
    git(berth, "checkout", "-q", "main")
    claimed = seatrial("check", "side", "--policy", file, "--author", "bob", *ENFORCE)
    assert result(report(claimed), "breaker")["outcome"] == "refuse"
    git(berth, "checkout", "-q", "side")
    git(berth, "commit", "-q", "--amend", "--no-edit", "--author=Bob <bob@example.invalid>")
    git(berth, "checkout", "-q", "main")
    mocked = seatrial("check", "side", "--policy", file, "--author", "ann@example.invalid", *ENFORCE)
    assert result(report(mocked), "breaker")["outcome"] == "refuse", "git's author opened what the caller's word had closed"


def test_a_sick_host_refuses_before_anything_runs(seatrial: Seatrial, policy: Callable[[str], str]) -> None:
    done = seatrial("check", GOOD, "--policy", policy('health: {disk_free: {soft: "<100%", hard: "<99.99%"}}'), *ENFORCE)
    answer = report(done)
    assert (done.returncode, answer["next"]) == (75, f"seatrial health --policy {answer['policy']['source']}")
    assert result(answer, "health")["retry_after"] > 0
    assert set(answer["timings"]) == {"preflight"}


def test_a_record_that_cannot_be_written_stops_an_enforced_run_and_no_other(
    seatrial: Seatrial, policy: Callable[[str], str], tmp_path: Path
) -> None:
    (tmp_path / "state" / "seatrial").mkdir(parents=True, mode=0o700)
    (tmp_path / "state" / "seatrial" / "state.db").mkdir()
    enforced, informed = seatrial("check", GOOD, *ENFORCE), seatrial("check", GOOD, "--format", "json")
    assert (enforced.returncode, report(enforced)["ending"], set(report(enforced)["timings"])) == (4, "failed", {"preflight"})
    assert (informed.returncode, report(informed)["verdict"]) == (0, "accept")


def test_every_step_of_an_enforced_run_is_in_the_audit_log_which_is_whole(seatrial: Seatrial, policy: Callable[[str], str]) -> None:
    seatrial("check", GOOD, "--policy", policy("rate: []"), *ENFORCE)
    assert seatrial("breaker", "open", "author", "--reason", "looking into it", "--for", "1h").returncode == 0
    listed = json.loads(seatrial("audit", "list", "--format", "json").stdout)
    assert len(listed["entries"]) >= 3
    assert seatrial("audit", "verify").returncode == 0


def test_commands_of_the_gates_answer_on_a_machine_without_any_record(seatrial: Seatrial) -> None:
    for command in (["health"], ["limits"], ["breaker", "list"], ["audit", "list"], ["audit", "verify"]):
        done = seatrial(*command)
        assert done.returncode == 0, (command, done.stderr)
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("change", ["good", "broken"])
def test_a_killed_run_leaves_the_gates_usable(change: str, seatrial: Seatrial, berth: Path, policy: Callable[[str], str]) -> None:
    file = policy("breaker: {}")
    commit(berth)
    argv = ("check", str(ROOT / f"examples/changes/{change}.diff"), "--policy", file, *ENFORCE)
    process = Command(argv, cwd=berth, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not charged():
        assert time.monotonic() < deadline, "the run was never charged"
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert seatrial("check", GOOD, "--policy", file, *ENFORCE).returncode == 0
    assert seatrial("audit", "verify").returncode == 0
