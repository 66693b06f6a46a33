"""The history of a repository in numbers: what it says, what is kept of it, and what of it cannot be trusted."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.git import history
from runner.git.objects import PrivateObjects
from runner.model.history import Past, Spread, spread

GitIn = Callable[..., str]
MOST = 500


def commit(repository: Path, git_in: GitIn, name: str, files: dict[str, str], author: str = "a@example.org") -> str:
    for path, text in files.items():
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_text(text)
    git_in(repository, "add", "-A")
    git_in(repository, "commit", "-qm", name, "--author", f"N <{author}>")
    return git_in(repository, "rev-parse", "HEAD")


def past(repository: Path, tmp_path: Path, revision: str = "HEAD", *paths: str, most: int = MOST, keep: bool = True) -> Past:
    with PrivateObjects(repository, tmp_path / "private") as objects:
        told = objects.history(tmp_path / "kept" if keep else None)
        return told.past(objects.resolve(revision), [os.fsencode(path) for path in paths], most)


def kept(tmp_path: Path) -> Path:
    (file,) = (tmp_path / "kept").iterdir()
    return file


def test_commits_are_told_by_their_numbers(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    commit(repository, git_in, "second", {"src/m.py": "def f(x):\n    return x + 2\n", "src/n.py": "n = 1\n"}, "b@example.org")
    commit(repository, git_in, "third", {"src/m.py": "def f(x):\n    return x + 3\n"})
    told = past(repository, tmp_path, "HEAD", "src/m.py", "src/n.py", "never.py")
    assert told.commits == 3
    assert told.spread["files"] == spread([4, 2, 1])
    assert told.spread["lines added"] == spread([8, 2, 1])
    assert (told.files[b"src/m.py"].times, told.files[b"src/m.py"].people) == (3, 2)
    assert (told.files[b"src/n.py"].times, told.files[b"src/n.py"].people) == (1, 1)
    assert b"never.py" not in told.files


def test_merges_and_reverts_are_left_out(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    git_in(repository, "checkout", "-qb", "side")
    commit(repository, git_in, "side", {"b.txt": "b\n"})
    git_in(repository, "checkout", "-q", "-")
    commit(repository, git_in, "main", {"c.txt": "c\n"})
    git_in(repository, "merge", "-q", "--no-ff", "-m", "merge", "side")
    git_in(repository, "revert", "--no-edit", "HEAD^1")
    assert past(repository, tmp_path).commits == 3  # first, side, main


def test_a_later_base_is_read_on_and_an_earlier_one_is_not_told_of_what_came_after(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    first = git_in(repository, "rev-parse", "HEAD")
    assert past(repository, tmp_path).commits == 1
    commit(repository, git_in, "second", {"new.txt": "1\n"})
    assert past(repository, tmp_path, "HEAD", "new.txt").files[b"new.txt"].times == 1
    earlier = past(repository, tmp_path, first, "new.txt")
    assert (earlier.commits, earlier.files) == (1, {})


def test_a_history_that_is_kept_needs_no_git(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = past(repository, tmp_path, "HEAD", "src/m.py")
    monkeypatch.setattr(history.GitHistory, "_read", None)
    assert past(repository, tmp_path, "HEAD", "src/m.py") == first


def test_only_new_commits_are_read(repository: Path, tmp_path: Path, git_in: GitIn, monkeypatch: pytest.MonkeyPatch) -> None:
    past(repository, tmp_path)
    newest = commit(repository, git_in, "second", {"new.txt": "1\n"})
    asked: list[str] = []
    read = history.GitHistory._batch
    monkeypatch.setattr(history.GitHistory, "_batch", lambda self, ids: asked.extend(ids) or read(self, ids))
    assert past(repository, tmp_path).commits == 2
    assert asked == [newest]


@pytest.mark.parametrize(
    "damage",
    [
        b"", b"{", b"[]\n[]", b"\xff\xfe", b'{"schema": 1}\n', b"[" * 100_000, b'{"schema":1,"head":"%s","most":500,"commits":9,"newest":0,"spread":{"files":[1]},"files":{}}\n[]',
        b'{"schema":1,"head":"%s","most":500,"commits":"x","newest":0,"spread":{},"files":{}}\n[[1]]', b'{"schema":0}\n[["a"]]',
    ],
)  # fmt: skip
def test_a_damaged_file_is_made_anew(repository: Path, tmp_path: Path, git_in: GitIn, damage: bytes) -> None:
    whole = past(repository, tmp_path, "HEAD", "src/m.py")
    file = kept(tmp_path)
    head = git_in(repository, "rev-parse", "HEAD").encode()
    file.write_bytes(damage.replace(b"%s", head))
    assert past(repository, tmp_path, "HEAD", "src/m.py") == whole
    assert json.loads(file.read_text().partition("\n")[0])["head"] == head.decode()


def test_a_folder_that_cannot_be_written_keeps_nothing_and_changes_nothing(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file")
    assert past(repository, tmp_path).commits == 1
    assert past(repository, tmp_path, keep=False).commits == 1


def test_a_shallow_clone_has_no_history(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    commit(repository, git_in, "second", {"new.txt": "1\n"})
    git_in(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    assert past(tmp_path / "shallow", tmp_path) == Past()


def test_hostile_names_say_nothing_but_themselves(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    names = ["a\nb.py", "\x01c.py", ":d e.py", "1\t2\tf.py", "é.py"]
    commit(repository, git_in, "\x01" + "f" * 40 + "\x021\x02x\x02y", dict.fromkeys(names, "1\n"), "\x02evil\x01@example.org")
    told = past(repository, tmp_path, "HEAD", *names)
    assert told.commits == 2
    assert {os.fsdecode(path) for path in told.files} == set(names)
    assert "evil" not in kept(tmp_path).read_text()


def test_a_commit_of_very_many_files_says_nothing_of_each(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    commit(repository, git_in, "many", {f"many/{number}.txt": "1\n" for number in range(100)})
    told = past(repository, tmp_path, "HEAD", "many/1.txt")
    assert told.files == {}
    assert told.spread["files"] == spread([4, 100])


def test_a_history_that_takes_too_long_is_read_on_next_time(
    repository: Path, tmp_path: Path, git_in: GitIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        commit(repository, git_in, str(number), {"a.txt": f"{number}\n"})
    monkeypatch.setattr(history, "_BATCH", 2)
    ticks = iter([0.0, 0.0, 99.0, *[0.0] * 99])
    monkeypatch.setattr(history.time, "monotonic", lambda: next(ticks))
    assert past(repository, tmp_path).commits == 2
    assert past(repository, tmp_path).commits == 5


def test_only_as_many_commits_as_asked_for(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    commit(repository, git_in, "second", {"new.txt": "1\n"})
    assert past(repository, tmp_path, most=1).commits == 1
    assert past(repository, tmp_path, most=2).commits == 2


def test_a_repository_of_another_object_format(tmp_path: Path, git_in: GitIn) -> None:
    made = subprocess.run(["git", "init", "-q", "--object-format=sha256", str(tmp_path / "r")], check=False, capture_output=True)
    assert made.returncode == 0
    commit(tmp_path / "r", git_in, "first", {"a.txt": "1\n"})
    assert past(tmp_path / "r", tmp_path, "HEAD", "a.txt").files[b"a.txt"].times == 1


def test_robust_z_is_that_of_the_median_and_does_not_divide_by_nothing() -> None:
    alike = spread([3, 3, 3])
    assert alike.deviation == 0
    assert alike.z(3) == 0
    assert 0 < alike.z(30) < 20
    assert Spread(1.0, 0.6745).z(0) == pytest.approx(-1.0)
