"""`seatrial policy`."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.policy.load import load_text
from runner.shipped import shipped

Command = Callable[..., Any]
BAD = "seatrial: 1\nsandbox: {limts: {memory: 2GiB}}\ntests: {runner: pytst, reruns: many}\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    (folder / ".seatrial").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", folder], check=True)
    return folder


def commit(repo: Path, text: str) -> None:
    (repo / ".seatrial" / "policy.yaml").write_text(text)
    subprocess.run(["git", "add", "-A"], cwd=repo, check=True)
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid", "commit", "-qm", "x"], cwd=repo, check=True)


def test_every_fault_of_every_file_is_told_at_once_with_its_place(seatrial: Command, tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.yaml", tmp_path / "good.yaml"
    bad.write_text(BAD)
    good.write_text("seatrial: 1\n")
    answer = seatrial("policy", "lint", str(bad), str(good), str(tmp_path / "absent.yaml"))
    assert answer.code == 2
    lines = answer.out.splitlines()
    assert [line.partition(" ")[0] for line in lines[:3]] == [f"{bad}:2:11:", f"{bad}:3:17:", f"{bad}:3:32:"]
    assert 'did you mean "limits"?' in lines[0]
    assert lines[3:] == [f"{good}: no errors", f"{tmp_path}/absent.yaml: cannot be read: No such file or directory [error]"]


def test_json_has_line_and_column_as_numbers(seatrial: Command, tmp_path: Path) -> None:
    bad = tmp_path / "odd\x1b:1:1: name.yaml"
    bad.write_text(BAD)
    answer = seatrial("policy", "lint", str(bad), "--format", "json")
    assert answer.code == 2
    (file,) = answer.json["files"]
    assert answer.json["schema"] == "seatrial.lint/v1"
    assert [(e["line"], e["column"]) for e in file["errors"]] == [(2, 11), (3, 17), (3, 32)]
    assert file["errors"][0]["message"].startswith("sandbox.limts: unknown key")


def test_a_warning_is_told_and_is_no_error(seatrial: Command, tmp_path: Path) -> None:
    doubtful = tmp_path / "p.yaml"
    doubtful.write_text("seatrial: 1\nsandbox: {image: 'x:latest'}\n")
    answer = seatrial("policy", "lint", str(doubtful))
    assert (answer.code, answer.out.count("[warning]")) == (0, 1)


def test_without_a_file_the_work_trees_own_is_read(seatrial: Command, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo / "below").mkdir()
    monkeypatch.chdir(repo / "below")
    absent = seatrial("policy", "lint")
    assert (absent.code, "seatrial init" in absent.err) == (2, True)
    (repo / ".seatrial" / "policy.yaml").write_text("seatrial: 1\n")
    assert seatrial("policy", "lint").code == 0
    (repo / ".seatrial" / "policy.yaml").write_text("seatrial: 1\nnonsense: 1\n")
    assert seatrial("policy", "lint").code == 2


def test_a_policy_that_is_a_link_is_an_error_because_a_commit_holds_the_link_alone(
    seatrial: Command, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / "real.yaml").write_text("seatrial: 1\n")
    (repo / ".seatrial" / "policy.yaml").symlink_to("../real.yaml")
    monkeypatch.chdir(repo)
    assert seatrial("policy", "lint").code == 2
    assert seatrial("policy", "lint", "real.yaml").code == 0


def test_hostile_text_of_a_policy_is_shown_harmlessly(seatrial: Command, tmp_path: Path) -> None:
    bad = tmp_path / "p.yaml"
    bad.write_text('seatrial: 1\n"\\e[2J\\u202e": 1\n')
    answer = seatrial("policy", "lint", str(bad))
    assert answer.code == 2
    assert "\x1b" not in answer.out
    assert "\u202e" not in answer.out


def test_what_is_shown_is_the_policy_of_the_base_and_not_of_the_work_tree(seatrial: Command, repo: Path) -> None:
    commit(repo, "seatrial: 1\ntests: {args: [tests]}\n")
    (repo / ".seatrial" / "policy.yaml").write_text("seatrial: 1\ntests: {args: [other]}\n")
    answer = seatrial("policy", "show", "--repo", str(repo))
    assert answer.code == 0
    assert load_text(answer.out.encode(), "p").policy.tests.args == ("tests",)
    assert any(line.split() == ["args:", "[tests]", "#", ".seatrial/policy.yaml:2"] for line in answer.out.splitlines())


def test_show_tells_where_each_value_is_from_in_json_too(seatrial: Command, tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("seatrial: 1\nsandbox: {limits: {memory: 4GiB}}\n")
    answer = seatrial("policy", "show", "--policy", str(file), "--format", "json").json
    assert answer["policy"]["sandbox"]["limits"]["memory"] == "4GiB"
    assert answer["where"]["sandbox.limits.memory"] == f"{file}:2"
    assert answer["where"]["sandbox.limits.wall"].startswith("builtin:default:")
    assert (answer["source"], len(answer["digest"])) == (str(file), 64)


def test_a_policy_that_cannot_be_used_is_not_shown(seatrial: Command, tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(BAD)
    answer = seatrial("policy", "show", "--policy", str(file))
    assert (answer.code, answer.out) == (2, "")
    assert "the policy has 3 faults" in answer.err


def test_the_schema_is_the_one_that_ships(seatrial: Command) -> None:
    answer = seatrial("policy", "schema")
    assert json.loads(answer.out) == json.loads(shipped("policies/policy.v1.schema.json").read_text())
