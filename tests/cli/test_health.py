"""`seatrial health`."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.errors import EngineUnavailable
from runner.sandbox.containers import DockerSandbox

Command = Callable[..., Any]
EASY = "{soft: none, hard: none}"
NO_LIMITS = "".join(f"    {name}: {EASY}\n" for name in ("psi_io", "psi_cpu", "psi_memory", "memory_available", "pids_free", "inodes_free"))


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that answers at once, wherever these tests run."""
    monkeypatch.setattr(DockerSandbox, "ping", lambda _self: 0.002)


@pytest.fixture
def policy(tmp_path: Path) -> Callable[..., str]:
    """Write a policy in which only disk_free is judged, by these limits; its name."""

    def written(soft: str, hard: str, more: str = "") -> str:
        file = tmp_path / "p.yaml"
        limits = f"    disk_free: {{soft: {soft}, hard: {hard}}}\n    docker_ping: {EASY}\n{NO_LIMITS}{more}"
        file.write_text(f"seatrial: 1\npreflight:\n  health:\n{limits}")
        return str(file)

    return written


def test_a_machine_within_its_limits_is_shown_with_them_and_with_its_history(seatrial: Command, policy: Callable[..., str]) -> None:
    easy = policy('"<1B"', "none")
    first = seatrial("health", "--policy", easy)
    assert (first.code, first.err) == (0, "")
    assert first.out.splitlines()[0].split()[:4] == ["STATE", "SIGNAL", "VALUE", "SOFT"]
    assert "first sample of this machine" in first.out
    disk = next(line for line in first.out.splitlines() if "disk free" in line)
    assert "good" in disk
    assert "<1B" in disk
    assert any(bar in disk for bar in "▁▂▃▄▅▆▇█")
    assert "state, cache" in disk
    again = seatrial("health", "--policy", easy)
    assert again.out.splitlines()[-1].startswith("pass: every signal is within its limits, nearest to its own disk free: ")
    assert again.out.endswith(f"the limit is <1B [{easy}:4]\n")


def test_a_hard_limit_ends_with_75_and_says_when_to_come_back(seatrial: Command, policy: Callable[..., str]) -> None:
    answer = seatrial("health", "--policy", policy("none", '"<1000000GiB"'))
    assert answer.code == 75
    assert "refuse: disk free is " in answer.out
    assert "p.yaml:4]" in answer.out
    assert answer.out.endswith("retry after 5m\n")


def test_a_soft_limit_ends_well_or_holds_as_the_policy_says(seatrial: Command, policy: Callable[..., str]) -> None:
    assert seatrial("health", "--policy", policy('"<1000000GiB"', "none")).code == 0
    assert seatrial("health", "--policy", policy('"<1000000GiB"', "none", "    advanced: {soft: hold}\n")).code == 3


def test_json_is_whole_and_its_history_grows(seatrial: Command, policy: Callable[..., str]) -> None:
    easy = policy('"<1B"', "none")
    first = seatrial("health", "--policy", easy, "--format", "json").json
    assert (first["schema"], first["outcome"], first["exit_code"], first["kept"]) == ("seatrial.health/v1", "warn", 0, True)
    signals = {signal["name"]: signal for signal in first["signals"]}
    assert signals["disk_free"]["state"] == "good"
    assert 0 < signals["disk_free"]["values"][0]["share"] <= 1
    assert signals["disk_free"]["history"] == []
    assert signals["cpu"]["state"] == "absent"
    second = seatrial("health", "--policy", easy, "--format", "json").json
    assert second["outcome"] == "pass"
    assert len({signal["name"]: signal for signal in second["signals"]}["disk_free"]["history"]) == 1


def test_a_docker_that_does_not_answer_is_refused(seatrial: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(_self: object) -> float:
        raise EngineUnavailable("Cannot ping the container engine: \x1b[31mnobody.")

    monkeypatch.setattr(DockerSandbox, "ping", silent)
    answer = seatrial("health")
    assert answer.code == 75
    assert "does not answer" in answer.out
    assert "\x1b" not in answer.out


def test_the_policy_of_the_last_commit_here_is_the_one_that_judges(
    seatrial: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = tmp_path / "repo"
    (repo / ".seatrial").mkdir(parents=True)
    (repo / ".seatrial/policy.yaml").write_text('seatrial: 1\npreflight: {health: {disk_free: {hard: "<5%"}}}\n')
    assert seatrial("health", "--repo", str(repo), "--format", "json").json["policy"]["source"] == "builtin:default"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", "-C", str(repo)]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True)
    answer = seatrial("health", "--repo", str(repo), "--format", "json").json
    assert answer["policy"]["source"] == ".seatrial/policy.yaml of HEAD"


def test_a_bad_policy_is_a_usage_error(seatrial: Command, policy: Callable[..., str]) -> None:
    answer = seatrial("health", "--policy", policy('"<5"', "none"))
    assert answer.code == 2
    assert "needs a unit" in answer.err


def test_a_store_that_cannot_be_written_does_not_hide_the_machine(seatrial: Command, own_home: Path) -> None:
    seatrial("health")
    state = own_home / "state" / "seatrial"
    import sqlite3

    other = sqlite3.connect(next(state.glob("*.db")), isolation_level=None)
    other.execute("CREATE TRIGGER full BEFORE INSERT ON gate_log BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END")
    other.close()
    answer = seatrial("health", "--policy", "/dev/null")
    assert answer.code == 2, "a device is no policy"
    from runner.gates.health import history

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "SPACING", 0.0)
        answer = seatrial("health")
    assert "the sample could not be kept" in answer.out
    assert "disk free" in answer.out


def test_a_store_that_cannot_be_read_ends_with_4(seatrial: Command, own_home: Path) -> None:
    state = own_home / "state" / "seatrial"
    state.mkdir(parents=True, mode=0o700)
    (state / "state.db").write_bytes(b"no database, whatever it is" * 50)
    assert seatrial("health").code == 4
