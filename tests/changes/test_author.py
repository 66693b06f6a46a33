"""Who git says made a change."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.changes.author import claimed_by
from runner.changes.kinds import Kind
from runner.git.objects import PrivateObjects


def commit_as(repository: Path, git_in: Callable[..., str], author: str) -> None:
    (repository / "a.txt").write_text(author)
    git_in(repository, "commit", "-qam", "edit", f"--author={author}")


@pytest.mark.parametrize("spec", ["HEAD", "HEAD~1..HEAD", "HEAD~1...", "HEAD~1.."])
def test_a_revision_names_the_author_of_its_newest_commit(spec: str, repository: Path, tmp_path: Path, git_in: Callable[..., str]) -> None:
    commit_as(repository, git_in, "Ann <ann@example.invalid>")
    with PrivateObjects(repository, tmp_path / "private") as objects:
        assert claimed_by(spec, objects=objects) == "ann@example.invalid"


@pytest.mark.parametrize(("spec", "kind"), [(None, None), ("-", None), ("-", Kind.EDITS), (".", Kind.OVERLAY)])
def test_what_is_no_commit_claims_nobody(spec: str | None, kind: Kind | None, objects: PrivateObjects) -> None:
    assert claimed_by(spec, objects=objects, kind=kind) == ""


def test_a_commit_without_a_plain_author_claims_what_it_says_and_no_more(
    repository: Path, tmp_path: Path, git_in: Callable[..., str]
) -> None:
    tree, parent = git_in(repository, "rev-parse", "HEAD^{tree}").strip(), git_in(repository, "rev-parse", "HEAD").strip()
    raw = b"tree %s\nparent %s\nauthor \xff<x\x1b]0;\xe9<%s> 1 +0000\ncommitter c <c> 1 +0000\n\nm\n" % (
        tree.encode(),
        parent.encode(),
        b"a" * 500,
    )
    made = subprocess.run(
        ["git", "-C", repository, "hash-object", "-t", "commit", "-w", "--literally", "--stdin"], input=raw, capture_output=True, check=True
    )
    with PrivateObjects(repository, tmp_path / "private") as objects:
        assert claimed_by(made.stdout.decode().strip(), objects=objects) == "a" * 200
