"""`seatrial init`."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.cli.init import POLICY
from runner.policy.load import load_text

Command = Callable[..., Any]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", tmp_path / "repo"], check=True)
    return tmp_path / "repo"


def test_the_policy_it_writes_is_valid_and_about_ten_lines(seatrial: Command, repo: Path) -> None:
    answer = seatrial("init", "--repo", str(repo))
    assert (answer.code, (repo / ".seatrial" / "policy.yaml").read_text()) == (0, POLICY)
    assert "git add .seatrial/policy.yaml" in answer.out
    loaded = load_text(POLICY.encode(), "policy.yaml")
    assert loaded.warnings == ()
    assert loaded.policy.validation.paths.deny == (".github/workflows/**",)
    assert len(POLICY.splitlines()) <= 12


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
    assert (repo / ".seatrial" / "policy.yaml").read_text() == POLICY


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
