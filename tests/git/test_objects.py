import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.errors import ChangeRefused, InfrastructureError, UsageError
from runner.git.objects import PrivateObjects
from runner.git.trees import parse
from runner.model.change import Status

GitIn = Callable[..., str]


def commit_all(git_in: GitIn, repository: Path) -> None:
    git_in(repository, "add", "-A")
    git_in(repository, "commit", "-qm", "more")


def test_read_gives_files_and_links_and_nothing_else(objects: PrivateObjects) -> None:
    tree = objects.tree_of(objects.resolve("HEAD"))
    assert objects.read(tree, "a.txt") == b"one\ntwo\nthree\n"
    assert objects.read(tree, "link") == b"src"
    for absent in ("src", "nowhere", "a.txt/x", "link/m.py", "", "/a.txt", "../a.txt", "src//m.py"):
        assert objects.read(tree, absent) is None


def test_listing_gives_one_directory(objects: PrivateObjects) -> None:
    tree = objects.tree_of(objects.resolve("HEAD"))
    top = {entry.path: entry.mode for entry in objects.listing(tree)}
    assert top == {b"a.txt": "100644", b"link": "120000", b"run.sh": "100755", b"src": "040000"}
    assert [entry.path for entry in objects.listing(tree, "src")] == [b"m.py"]
    assert objects.listing(tree, "a.txt") == objects.listing(tree, "nowhere") == ()


def test_hostile_names_survive_every_way_of_reading(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    odd = [b"new\nline", b"\xff\xfe", b"-dash", b'quo"te', b"tab\there", b" blank ", "ünï".encode()]
    for name in odd:
        Path(repository, "odd").mkdir(exist_ok=True)
        Path(os.fsdecode(bytes(repository) + b"/odd/" + name)).write_bytes(name)
    before = git_in(repository, "rev-parse", "HEAD^{tree}")
    commit_all(git_in, repository)
    with PrivateObjects(repository, tmp_path / "private") as objects:
        tree = objects.tree_of(objects.resolve("HEAD"))
        found = {entry.path: entry.blob for entry in objects.entries(tree) if entry.path.startswith(b"odd/")}
        assert found.keys() == {b"odd/" + name for name in odd}
        assert {entry.path for entry in objects.listing(tree, "odd")} == set(odd)
        assert set(objects.blobs(found.values()).values()) == set(odd)
        assert dict(objects.stream_blobs(found.values())) == objects.blobs(found.values())
        assert {new.path for old, new in objects.raw_diff(before, tree) if new} == found.keys()
        changes = {file.path: file for file in objects.diff(before, tree)}
        assert changes["odd/\\xff\\xfe"].utf8 is False
        assert changes["odd/new\nline"].utf8 is True
        assert changes["odd/new\nline"].added == 2
        assert objects.with_paths(before, found, tree) == tree
        assert objects.with_paths(tree, found, before) == before


def test_a_diff_tells_status_sizes_lines_and_binary(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    (repository / "a.txt").write_text("one\n2\nthree\nfour\n")
    (repository / "src" / "m.py").unlink()
    (repository / "b.bin").write_bytes(b"\0" * 100)
    (repository / "link").unlink()
    (repository / "link").write_text("a file now\n")
    commit_all(git_in, repository)
    with PrivateObjects(repository, tmp_path / "private") as objects:
        files = {f.path: f for f in objects.diff(objects.tree_of(objects.resolve("v1.2.0")), objects.tree_of(objects.resolve("HEAD")))}
    edited, gone, binary, link = files["a.txt"], files["src/m.py"], files["b.bin"], files["link"]
    assert (edited.status, edited.added, edited.deleted, edited.old_size, edited.new_size) == (Status.MODIFIED, 2, 1, 14, 17)
    assert (gone.status, gone.deleted, gone.new_mode, gone.new_size) == (Status.DELETED, 2, "000000", 0)
    assert (binary.status, binary.binary, binary.added, binary.new_size) == (Status.ADDED, True, 0, 100)
    assert (link.status, link.old_mode, link.new_mode) == (Status.TYPE_CHANGED, "120000", "100644")


def test_with_paths_takes_files_only_and_leaves_the_rest(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    base = git_in(repository, "rev-parse", "HEAD^{tree}")
    (repository / "a.txt").unlink()
    (repository / "a.txt").mkdir()
    (repository / "a.txt" / "conftest.py").write_text("evil\n")
    (repository / "src" / "new.py").write_text("new\n")
    (repository / "run.sh").unlink()
    commit_all(git_in, repository)
    with PrivateObjects(repository, tmp_path / "private") as objects:
        tree = objects.tree_of(objects.resolve("HEAD"))
        paths = [new.path if new else old.path for old, new in objects.raw_diff(base, tree) if old or new]
        assert objects.with_paths(base, paths, tree) == tree
        assert objects.with_paths(tree, paths, base) == base
        assert objects.with_paths(base, [], tree) == base
        mixed = objects.with_paths(base, [b"a.txt", b"src/new.py", b"nowhere/at/all"], tree)
        assert {entry.path for entry in objects.entries(mixed)} == {b"link", b"run.sh", b"src/m.py", b"src/new.py"}


def test_a_missing_object_is_explained(objects: PrivateObjects) -> None:
    for ask in (
        lambda: objects.blobs(["1" * 40]),
        lambda: list(objects.stream_blobs(["1" * 40])),
        lambda: list(objects.entries("1" * 40)),
        lambda: objects.listing("1" * 40),
    ):
        with pytest.raises(UsageError, match="does not have object") as refused:
            ask()
        assert "partial clone" in refused.value.hint
    assert objects.read(objects.tree_of(objects.resolve("HEAD")), "link") == b"src", "and the store still works"


def test_a_damaged_object_is_an_infrastructure_error_and_not_a_crash(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    blob = git_in(repository, "rev-parse", "HEAD:a.txt")
    file = repository / ".git" / "objects" / blob[:2] / blob[2:]
    file.chmod(0o644)
    file.write_bytes(b"damage")
    with PrivateObjects(repository, tmp_path / "private") as objects:
        with pytest.raises((InfrastructureError, UsageError)):
            objects.blobs([blob])
        assert objects.read(objects.tree_of(objects.resolve("HEAD")), "link") == b"src"


@pytest.mark.parametrize(
    "content", [b"100644 a", b"100644 a\0short", b"x a\0" + b"i" * 20, b"100644 a\0" + b"i" * 20 + b"100644 a\0" + b"j" * 20]
)
def test_a_malformed_tree_is_refused(content: bytes) -> None:
    with pytest.raises(ChangeRefused):
        parse(content, 20)


def test_many_threads_may_read_at_once(objects: PrivateObjects) -> None:
    tree = objects.tree_of(objects.resolve("HEAD"))
    right: list[bool] = []

    def read() -> None:
        seen = [(objects.read(tree, "a.txt"), objects.read(tree, "link")) for _ in range(100)]
        right.append(set(seen) == {(b"one\ntwo\nthree\n", b"src")})

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * 4


def test_no_process_is_left_when_the_store_is_closed_or_a_stream_abandoned(repository: Path, tmp_path: Path) -> None:
    with PrivateObjects(repository, tmp_path / "private") as objects:
        tree = objects.tree_of(objects.resolve("HEAD"))
        process = objects._cat._process
        assert process is not None
        some = objects.entries(tree)
        next(some)
        some.close()
    assert process.poll() is not None


def test_objects_of_other_repositories_can_be_read_too(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    for name in ("one", "two"):
        git_in(tmp_path, "init", "-q", name)
        (tmp_path / name / "a.txt").write_text(f"{name}\n")
        commit_all(git_in, tmp_path / name)
    heads = [git_in(tmp_path / name, "rev-parse", "HEAD") for name in ("one", "two")]
    with PrivateObjects(repository, tmp_path / "private", others=(tmp_path / "one", repository)) as objects:
        assert objects.read(objects.tree_of(heads[0]), "a.txt") == b"one\n"
        with pytest.raises(UsageError, match="does not have object"):
            objects.tree_of(heads[1])
        with PrivateObjects(repository, tmp_path / "private", others=(tmp_path / "two",)) as second:
            assert second.read(second.tree_of(heads[1]), "a.txt") == b"two\n"
        first = list(objects.entries(objects.tree_of(heads[0])))
        assert [entry.path for entry in first] == [b"a.txt"], "who opens the same store for another repository takes nothing away"


def test_a_commit_and_its_pack_are_made_in_the_private_store_only(repository: Path, objects: PrivateObjects, git_in: GitIn) -> None:
    head = objects.resolve("HEAD")
    made = objects.commit(objects.rewrite(objects.tree_of(head), {b"a.txt": None}), head, "x\0\udcff", who="A <a@b>", when=7)
    assert objects.parent_of(made) == head
    assert objects.date_of(made) == 7
    assert git_in(repository, "index-pack", "--stdin", "--strict", stdin=b"".join(objects.packed(made, (head,)))).startswith("pack\t")
    with pytest.raises(InfrastructureError, match="pack"):
        list(objects.packed("1" * 40, ()))


def test_with_files_gives_other_contents_and_keeps_modes(objects: PrivateObjects) -> None:
    base = objects.tree_of(objects.resolve("HEAD"))
    made = objects.with_files(base, {"run.sh": b"#!/bin/sh\nexit 1\n", "src/m.py": b"M = 2\n"})
    assert (objects.read(made, "run.sh"), objects.read(made, "src/m.py")) == (b"#!/bin/sh\nexit 1\n", b"M = 2\n")
    before, after = ({entry.path: (entry.mode, entry.blob) for entry in objects.entries(tree)} for tree in (base, made))
    assert {path: mode for path, (mode, _) in before.items()} == {path: mode for path, (mode, _) in after.items()}
    assert {path for path in before if before[path] != after[path]} == {b"run.sh", b"src/m.py"}
    for name in ("link", "nowhere.py", "src"):
        with pytest.raises(KeyError):
            objects.with_files(base, {name: b"x"})
