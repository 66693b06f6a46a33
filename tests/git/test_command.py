"""Whose fault it is when git ends before its time, and what git is never told by the repository."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.errors import ChangeRefused, InfrastructureError
from runner.git import command
from runner.git.command import Git, ProcessLimits
from runner.git.objects import PrivateObjects

GitIn = Callable[..., str]
EDIT = b"diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"


@pytest.fixture
def ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """`ending("apply", "kill -9 $$")`: git does that instead of its command `apply`, and everything else as ever."""

    def set_up(words: str, instead: str) -> None:
        script = tmp_path / "git.sh"
        script.write_text(f'#!/bin/sh\ncase " $* " in *" {words} "*) {instead};; esac\nexec {command.executable()} "$@"\n')
        script.chmod(0o755)
        monkeypatch.setattr(command, "executable", lambda: str(script))

    return set_up


def judge(objects: PrivateObjects, base: str) -> None:
    tree = objects.apply(base, EDIT)
    objects.diff(base, tree)
    objects.patch_id(objects.patch(base, tree))


@pytest.mark.parametrize("signal", ["KILL", "TERM"])
@pytest.mark.parametrize("words", ["apply", "--raw", "--numstat", "--patch", "patch-id", "update-index", "mktree"])
def test_a_git_that_somebody_else_killed_is_not_the_changes_fault(
    objects: PrivateObjects, ending: Callable[[str, str], None], words: str, signal: str
) -> None:
    base = objects.tree_of(objects.resolve("HEAD"))
    ending(words, f"kill -{signal} $$")
    with pytest.raises(InfrastructureError):
        judge(objects, base)


def test_a_git_that_is_killed_while_it_lists_a_tree_is_not_a_missing_object(
    objects: PrivateObjects, ending: Callable[[str, str], None]
) -> None:
    ending("ls-tree", "kill -9 $$")
    with pytest.raises(InfrastructureError, match="was killed"):
        list(objects.entries(objects.tree_of(objects.resolve("HEAD"))))


def test_a_git_that_took_too_long_is_not_the_changes_fault(
    objects: PrivateObjects, ending: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    base = objects.tree_of(objects.resolve("HEAD"))
    ending("apply", "exec sleep 60")
    monkeypatch.setattr(ProcessLimits.__init__, "__defaults__", (30, 0.3, 512 * 2**20, 256 * 2**20))
    with pytest.raises(InfrastructureError, match=r"git apply took longer than 0\.3 s"):
        objects.apply(base, EDIT)


@pytest.mark.parametrize(
    ("instead", "says"),
    [("kill -XCPU $$", "processor time"), ("kill -XFSZ $$", "larger file"), ("echo 'fatal: Out of memory' >&2; exit 128", "Out of memory")],
)
def test_a_git_that_used_more_than_it_may_is_the_changes_fault(
    objects: PrivateObjects, ending: Callable[[str, str], None], instead: str, says: str
) -> None:
    base = objects.tree_of(objects.resolve("HEAD"))
    ending("apply", instead)
    with pytest.raises(ChangeRefused, match=says):
        objects.apply(base, EDIT)


def test_a_change_that_prints_too_much_is_still_the_changes_fault(objects: PrivateObjects) -> None:
    base = objects.tree_of(objects.resolve("HEAD"))
    with pytest.raises(ChangeRefused, match="larger than"):
        objects.patch(base, objects.apply(base, EDIT), 10)


def test_a_git_that_cannot_be_started_is_the_machines_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "executable", lambda: str(tmp_path / "nothing"))
    with pytest.raises(InfrastructureError, match="cannot be started"):
        Git(tmp_path, tmp_path).run("version")


def test_a_replacement_of_a_commit_changes_neither_its_parent_nor_its_tree(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    first = git_in(repository, "rev-parse", "HEAD")
    (repository / "a.txt").write_text("second\n")
    git_in(repository, "commit", "-qam", "second")
    second = git_in(repository, "rev-parse", "HEAD")
    other = git_in(repository, "commit-tree", "-m", "other", git_in(repository, "mktree"))
    git_in(repository, "replace", "--graft", second, other)
    with PrivateObjects(repository, tmp_path / "private") as objects:
        assert objects.resolve("HEAD^") == objects.parent_of(second) == first
        assert objects.describe(second) == "1.2.0", "the graft would hide the tag"


def test_no_transport_is_allowed_whatever_the_repository_says(tmp_path: Path) -> None:
    """A setting for one protocol wins over `protocol.allow`, so the repository could name a program to fetch with."""
    target = tmp_path / "pwned"
    (tmp_path / "home").mkdir()
    git = Git(tmp_path, tmp_path / "home", config=("protocol.ext.allow=always",))
    answer = git.run("ls-remote", f"ext::touch {target}")
    assert (answer.ok, target.exists()) == (False, False)
    assert "not allowed" in answer.reason
