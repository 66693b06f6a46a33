"""`seatrial doctor` on this machine, and on worse ones."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

Command = Callable[..., Any]
NO_ENGINE = "tcp://127.0.0.1:1"
"""Not a missing socket file: the docker library leaks the socket with which it looked for that."""


def _statuses(answer: Any) -> dict[str, str]:
    return {fact["name"]: fact["status"] for fact in answer.json["facts"]}


@pytest.mark.docker
def test_a_machine_with_an_engine_can_judge(seatrial: Command, tmp_path: Path) -> None:
    answer = seatrial("doctor", "--repo", str(tmp_path), "--format", "json")
    told = {fact["name"]: fact["value"] for fact in answer.json["facts"]}
    assert (answer.code, answer.json["able"]) == (0, True)
    assert "cgroup v" in told["docker"]
    assert told["leftovers"] == "none"
    assert "base image" in told
    assert "registry" in told
    assert _statuses(answer)["policy"] == "warn"


def test_without_an_engine_everything_else_is_still_told(seatrial: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    answer = seatrial("doctor", "--format", "json")
    assert (answer.code, answer.json["able"], _statuses(answer)["docker"]) == (4, False, "bad")
    assert {"seatrial", "git", "cores", "cache", "state", "database", "record", "docker", "policy"} <= set(_statuses(answer))
    text = seatrial("doctor")
    assert text.code == 4
    assert "BAD   docker" in text.out
    assert "Is the engine running?" in text.out


def test_a_machine_without_git_is_told_what_to_install(seatrial: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    answer = seatrial("doctor", "--format", "json")
    assert (answer.code, _statuses(answer)["git"]) == (4, "bad")


def test_a_disk_that_is_nearly_full_is_bad_and_a_rather_full_one_a_warning(
    seatrial: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    for free, status in ((2**29, "bad"), (2 * 2**30, "warn"), (50 * 2**30, "ok")):
        monkeypatch.setattr("shutil.disk_usage", lambda _, free=free: SimpleNamespace(total=2**40, used=0, free=free))
        assert _statuses(seatrial("doctor", "--format", "json"))["cache"] == status


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_folders_of_somebody_else_are_bad(seatrial: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own_home: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    (own_home / "state" / "seatrial").mkdir(parents=True)
    os.chown(own_home / "state" / "seatrial", 12345, 12345)
    assert _statuses(seatrial("doctor", "--format", "json"))["state"] == "bad"


def test_a_policy_of_the_repository_that_is_broken_is_bad(seatrial: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import subprocess

    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    repo = tmp_path / "repo"
    git = ["git", "-C", str(repo), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "init", "-q", repo], check=True)
    (repo / ".seatrial").mkdir()
    (repo / ".seatrial" / "policy.yaml").write_text("seatrial: 1\nnonsense: 2\n")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "x"], check=True)
    facts = {fact["name"]: fact for fact in seatrial("doctor", "--repo", str(repo), "--format", "json").json["facts"]}
    assert facts["policy"]["status"] == "bad"
    assert "policy.yaml:2:1" in facts["policy"]["value"]


def test_the_database_is_told_without_its_password(seatrial: Command, monkeypatch: pytest.MonkeyPatch, own_home: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    told = {fact["name"]: fact["value"] for fact in seatrial("doctor", "--format", "json").json["facts"]}
    assert told["database"].startswith("SQLite 3")
    assert told["database"].endswith(f"nothing recorded yet, answers at {own_home / 'state' / 'seatrial' / 'state.db'}")
    monkeypatch.setenv("SEATRIAL_DATABASE", "postgresql://me:0pen-5esame@/db?host=/nonexistent")
    answer = seatrial("doctor", "--format", "json")
    assert (_statuses(answer)["database"], _statuses(answer)["record"]) == ("bad", "bad")
    assert "postgresql://me@/nonexistent/db cannot be reached" in answer.out
    assert "0pen-5esame" not in answer.out + answer.err
    monkeypatch.setenv("SEATRIAL_DATABASE", "mysql://me:0pen-5esame@host/db")
    answer = seatrial("doctor")
    assert "names a database of the kind 'mysql': only postgresql is known" in answer.out
    assert "0pen-5esame" not in answer.out + answer.err


@pytest.mark.postgres
def test_a_postgres_database_that_answers_is_told_with_its_version(
    seatrial: Command, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    monkeypatch.setenv("SEATRIAL_DATABASE", postgres_url)
    told = {fact["name"]: fact["value"] for fact in seatrial("doctor", "--format", "json").json["facts"]}
    assert told["database"].startswith("PostgreSQL 1")
    assert told["record"] == "no run yet"
