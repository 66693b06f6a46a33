"""`seatrial init`."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.policy.load import load_text

Command = Callable[..., Any]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", tmp_path / "repo"], check=True)
    return tmp_path / "repo"


def written(repo: Path) -> str:
    return (repo / ".seatrial" / "policy.yaml").read_text()


def commit(repo: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(text)
    who = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    subprocess.run(["git", *who, "-C", repo, "add", "-A"], check=True)
    subprocess.run(["git", *who, "-C", repo, "commit", "-qm", "base"], check=True)


def test_without_a_commit_it_writes_a_valid_policy_that_leaves_things_open(seatrial: Command, repo: Path) -> None:
    answer = seatrial("init", "--repo", str(repo))
    assert answer.code == 0
    assert "could not be worked out" in answer.out
    assert "git add .seatrial/policy.yaml" in answer.out
    loaded = load_text(written(repo).encode(), "policy.yaml")
    assert loaded.warnings == ()
    assert (loaded.policy.tests.runner, loaded.policy.sandbox.build.recipe) == ("auto", "auto")
    assert loaded.policy.validation.paths.deny == (".github/workflows/**",)
    assert len(written(repo).splitlines()) <= 12


def test_what_the_last_commit_says_is_written_down_with_the_reasons(seatrial: Command, repo: Path) -> None:
    project = '[project]\nname = "berth"\nversion = "1"\n[project.optional-dependencies]\ntest = ["pytest"]\n'
    tox = "[testenv]\nsetenv = MODE = a: b\ncommands = pytest\n"
    commit(repo, {"pyproject.toml": project, "tox.ini": tox, "tests/test_a.py": "import yaml\n"})
    answer = seatrial("init", "--repo", str(repo), "--format", "json")
    assert "installs: extra test (project.optional-dependencies in pyproject.toml)" in answer.json["decisions"]
    loaded = load_text(written(repo).encode(), "policy.yaml")
    tests, sandbox = loaded.policy.tests, loaded.policy.sandbox
    assert (tests.runner, tests.args[0]) == ("pytest", "tests")
    assert (sandbox.build.recipe, sandbox.build.extras, sandbox.build.packages) == ("python", ("test",), ("PyYAML",))
    assert sandbox.env == {"MODE": "a: b"}
    for decision in answer.json["decisions"]:
        assert f"# {decision}\n" in written(repo)


def test_names_of_the_repository_cannot_break_out_of_the_policy(seatrial: Command, repo: Path) -> None:
    odd = 'a"b: [c]\u2028\\'
    commit(repo, {f"tests/test_{'x' * 5}.py": "", "tox.ini": f"[testenv]\ncommands = pytest -k '{odd}' tests\nsetenv = A = {odd} #\n"})
    assert seatrial("init", "--repo", str(repo)).code == 0
    loaded = load_text(written(repo).encode(), "policy.yaml")
    assert loaded.policy.tests.runner == "pytest"


def test_it_is_written_at_the_root_of_the_work_tree(seatrial: Command, repo: Path) -> None:
    (repo / "below").mkdir()
    assert seatrial("init", "--repo", str(repo / "below"), "--format", "json").json["policy"] == str(repo / ".seatrial" / "policy.yaml")


def test_a_policy_that_is_there_is_only_replaced_by_force(seatrial: Command, repo: Path) -> None:
    (repo / ".seatrial").mkdir()
    (repo / ".seatrial" / "policy.yaml").write_text("mine, and longer than what would be written\n" * 100)
    refused = seatrial("init", "--repo", str(repo))
    assert refused.code == 2
    assert "--force" in refused.err
    assert (repo / ".seatrial" / "policy.yaml").read_text().startswith("mine")
    assert seatrial("init", "--repo", str(repo), "--force").code == 0
    assert written(repo).startswith("# How Seatrial judges")


@pytest.mark.parametrize("link", [".seatrial", ".seatrial/policy.yaml"])
def test_a_link_is_not_followed_out_of_the_repository(seatrial: Command, repo: Path, tmp_path: Path, link: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    if "/" in link:
        (repo / ".seatrial").mkdir()
    (repo / link).symlink_to(outside / "target" if "/" in link else outside)
    assert seatrial("init", "--repo", str(repo), "--force").code == 2
    assert list(outside.iterdir()) == []


def test_outside_of_a_repository_nothing_is_written(seatrial: Command, tmp_path: Path) -> None:
    assert seatrial("init", "--repo", str(tmp_path)).code == 2
    assert not (tmp_path / ".seatrial").exists()
