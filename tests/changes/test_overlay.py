"""A directory of files laid over the base: added or replaced, never deleted, never followed, never read without bounds."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.changes import overlay as module
from runner.changes.caps import HARDEST, Caps
from runner.changes.kinds import Kind
from runner.changes.read import read_change
from runner.changes.start import start_of
from runner.errors import ChangeRefused, UsageError
from runner.git.objects import PrivateObjects

GitIn = Callable[..., str]


@pytest.fixture
def over(tmp_path: Path) -> Path:
    (tmp_path / "over").mkdir()
    return tmp_path / "over"


def test_files_are_added_and_replaced_and_the_rest_stays(objects: PrivateObjects, over: Path) -> None:
    (over / "src" / "deep").mkdir(parents=True)
    (over / "empty").mkdir()
    (over / "a.txt").write_bytes(b"new\r\nno newline at the end")
    (over / "run.sh").write_text("#!/bin/sh\necho hello\n")
    (over / "run.sh").chmod(0o755)
    (over / "src" / "deep" / "caf\udce9").write_bytes(b"")
    (over / "src" / "link").symlink_to("/etc/passwd")
    change = read_change(str(over), objects=objects)
    assert {file.path: (file.status.value, file.new_mode) for file in change.files} == {
        "a.txt": ("M", "100644"),
        "src/deep/caf\\xe9": ("A", "100644"),
        "src/link": ("A", "120000"),
    }
    assert objects.read(change.tree, "a.txt") == b"new\r\nno newline at the end"
    assert objects.read(change.tree, "src/link") == b"/etc/passwd"
    assert objects.read(change.tree, "src/m.py") == b"def f(x):\n    return x + 1\n"
    assert (change.kind, change.source, change.head_label) == ("overlay", str(over), f"{over} (4 files)")
    assert start_of(str(over), objects=objects, base=None).commit == change.base_commit


def test_a_checkout_or_a_part_of_the_repository_is_taken_only_when_that_is_said(
    objects: PrivateObjects, repository: Path, over: Path, git_in: GitIn
) -> None:
    git_in(over, "init", "-q")
    (over / "a.txt").write_text("x\n")
    with pytest.raises(UsageError, match="has a \\.git") as refused:
        read_change(str(over), objects=objects)
    assert "--as overlay" in refused.value.hint
    with pytest.raises(UsageError, match="part of the repository"):
        read_change(str(repository / "src"), objects=objects)
    said: list[str] = []
    change = read_change(str(over), objects=objects, kind=Kind.OVERLAY, note=said.append)
    assert [file.path for file in change.files] == ["a.txt"]
    assert any("'.git' is no part of the change" in text for text in said)
    within = repository / "out"
    within.mkdir()
    (within / "b.txt").write_text("an untracked folder is no part of it\n")
    assert [file.path for file in read_change(str(within), objects=objects).files] == ["b.txt"]


def test_a_directory_that_is_also_a_branch_is_not_guessed(objects: PrivateObjects, over: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (over / "main").mkdir()
    (over / "main" / "a.txt").write_text("x\n")
    monkeypatch.chdir(over)
    with pytest.raises(UsageError, match="both a directory and a revision") as refused:
        read_change("main", objects=objects)
    assert "--as" in refused.value.hint
    assert read_change("main", objects=objects, kind=Kind.OVERLAY).kind == "overlay"
    with pytest.raises(UsageError, match="first commit"):
        read_change("main", objects=objects, kind=Kind.REVISION)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ((), "has no files"),
        (("sub/.git/config",), r"inside a \.git"),
        (("sub/.GIT",), r"inside a \.git"),
        (("a.txt/below",), "cannot be added: what leads to it is a file"),
        (("link/below",), "cannot be added: what leads to it"),
        (("src",), "would be a file and is a directory"),
        (tuple(f"f{number}" for number in range(11)), "more than 10 files"),
    ],
)
def test_what_cannot_be_laid_over_the_base_is_refused(objects: PrivateObjects, over: Path, names: tuple[str, ...], says: str) -> None:
    for name in names:
        (over / name).parent.mkdir(parents=True, exist_ok=True)
        (over / name).write_text("x")
    with pytest.raises(ChangeRefused, match=says):
        read_change(str(over), objects=objects, limits=Caps(max_files=10))


@pytest.mark.timeout(60)
def test_pipes_are_left_out_and_huge_files_are_not_read(objects: PrivateObjects, over: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(over / "pipe")
    (over / "b").write_text("x")
    said: list[str] = []
    assert [file.path for file in read_change(str(over), objects=objects, note=said.append).files] == ["b"]
    assert said == ["'pipe' is neither a file nor a link; it was left out"]
    with (over / "huge").open("wb") as huge:
        huge.truncate(HARDEST + 1)
    with pytest.raises(ChangeRefused, match="'huge' is"):
        read_change(str(over), objects=objects)
    (over / "huge").unlink()
    monkeypatch.setattr(module, "_MOST_SEEN", 1)
    with pytest.raises(ChangeRefused, match="more than 1 entries"):
        read_change(str(over), objects=objects)


def test_a_file_that_never_keeps_still_is_not_judged_half(objects: PrivateObjects, over: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from runner.changes import folder
    from runner.errors import InfrastructureError

    (over / "b").write_text("x")
    original, states = folder._state, iter(range(1000))
    monkeypatch.setattr(folder, "_state", lambda now: (*original(now), next(states)))
    with pytest.raises(InfrastructureError, match="kept changing"):
        read_change(str(over), objects=objects)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_a_pipe_or_a_directory_by_the_time_it_is_opened_is_not_read(
    over: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None]
) -> None:
    """Between the look at a name and the opening of it, somebody may put something else there."""
    from runner.changes.folder import Folder
    from runner.errors import InfrastructureError

    (over / "b").write_text("x")
    make(over / "a")
    keeper = os.open(over / "a", os.O_RDWR) if make is os.mkfifo else None  # a pipe with a writer that says nothing
    look = Folder.look
    monkeypatch.setattr(Folder, "look", lambda self, name: look(self, b"b"))
    with Folder(over) as opened:
        with pytest.raises(InfrastructureError, match="kept changing"):
            opened.read(b"a")
        assert list(opened.pieces(b"a")) == []
    if keeper is not None:
        os.close(keeper)
