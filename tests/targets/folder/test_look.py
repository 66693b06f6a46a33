"""What a live folder holds, and why it cannot be a target or take a step; whatever somebody puts there."""

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.errors import UsageError
from runner.git.objects import PrivateObjects
from runner.model.promotion import Place
from runner.targets.folder import FolderTarget, obstacles
from tests.targets.folder.laid import NEW, ODD, OLD, Child, Live, exchanged, held, lay, stepped


def test_it_says_which_tree_it_holds(live: Live) -> None:
    assert live.look() == "old"
    live.promote()
    assert live.look() == "new"


@exchanged
def test_what_was_edited_is_told_as_compared_with_the_first(live: Live, objects: PrivateObjects) -> None:
    (live.path / "a.txt").write_text("mine")
    (live.path / os.fsdecode(ODD)).write_text("mine")
    look = live.target().look(objects, (live.before,))
    assert (look.tree, set(look.edited)) == ("", {"a.txt", "odd\\n\\xff name"})
    assert "a.txt" in look.reason


@exchanged
@pytest.mark.parametrize("what", ["fifo", "folder", "link", "parent"])
def test_hostile_things_in_the_place_of_a_file_are_no_files_and_nothing_hangs(live: Live, objects: PrivateObjects, what: str) -> None:
    path = live.path / "src" / "m.py"
    path.rename(live.top / "m.py")
    if what == "fifo":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    elif what == "link":
        path.symlink_to(live.top / "m.py")
    else:
        (live.top / "m.py").rename(path)
        (live.path / "src").rename(live.top / "src")
        (live.path / "src").symlink_to(live.top / "src")
    look = live.target().look(objects, (live.before,))
    assert look.tree == ""
    assert "src/m.py" in look.edited


@exchanged
def test_a_link_that_comes_and_goes_in_the_place_of_a_folder_is_never_followed(live: Live, objects: PrivateObjects) -> None:
    """Outside lie the very same files; what is read through the link would pass."""
    outside = live.top / "outside"
    lay(outside, {b"m.py": OLD[b"src/m.py"], b"same.py": OLD[b"src/same.py"]})
    (live.path / "src" / "m.py").write_text("edited")
    (live.path / "src").rename(live.top / "real")
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            (live.path / "src").symlink_to(outside)
            (live.path / "src").unlink()
            (live.top / "real").rename(live.path / "src")
            (live.path / "src").rename(live.top / "real")

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for _ in range(100):
            assert live.target().look(objects, (live.before,)).tree == ""
    finally:
        done.set()
        thread.join()


@exchanged
def test_what_cannot_be_a_target_is_said(live: Live, objects: PrivateObjects, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "r" / ".git" / "x").mkdir(parents=True)
    (tmp_path / "nowhere").symlink_to("missing")
    cases = {
        tmp_path / "missing": "There is no folder",
        tmp_path / "file": "is not a folder",
        tmp_path / "nowhere": "is not a folder",
        tmp_path / "r" / ".git": "inside of a .git folder",
        tmp_path / "r" / ".git" / "x": "inside of a .git folder",
        Path("/"): "root of the file system",
    }
    for path, says in cases.items():
        with pytest.raises(UsageError, match=says):
            FolderTarget(path, ()).look(objects, (live.before,))


@exchanged
def test_the_key_names_the_folder_whichever_way_it_was_written(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(live.path)
    (live.top / "way").symlink_to(live.path.parent)
    for path in (live.path, Path(), Path("../app"), live.top / "way" / "app"):
        assert FolderTarget(path, ()).key == f"dir:{os.path.realpath(live.path)}"
    (live.path.parent / "link").symlink_to("app")
    assert FolderTarget(live.path.parent / "link", ()).key == f"dir:{os.path.realpath(live.path.parent)}/link"


@exchanged
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_folder_that_may_not_be_written_to_is_said(live: Live) -> None:
    for folder in (live.path, live.path.parent):
        folder.chmod(0o555)
    for folder in (live.top, *live.top.parents):
        folder.chmod(folder.stat().st_mode | 0o011) if str(folder).startswith("/tmp/") else None

    def look() -> None:
        os.seteuid(65534)
        live.target()._place.folder()

    child = Child(look)
    assert child.wait() == 1
    assert "may not be written to" in child.said()


def put(live: Live, path: bytes) -> None:
    lay(live.path, {path: ("file", b"the service's")})


@pytest.mark.parametrize(
    ("path", "says"),
    [(b"fresh/deep/new.py", "fresh/deep/new.py"), (b"fresh", "'fresh'"), (b"was_folder/mine", "was_folder/mine")],
)
def test_what_the_service_has_where_the_change_puts_something_is_an_obstacle(live: Live, path: bytes, says: str) -> None:
    with live.objects() as objects:
        assert live.target().obstacle(objects, live.before, live.after) == ""
        put(live, path)
        assert says in live.target().obstacle(objects, live.before, live.after)
        assert held(live.path) == OLD | {path: ("file", b"the service's")}


@stepped
@pytest.mark.parametrize("path", [b"fresh/deep/new.py", b"fresh", b"was_folder/mine"])
def test_what_the_service_puts_there_at_the_last_moment_stops_the_step(live: Live, path: bytes) -> None:
    with live.objects() as objects:
        prepared = live.target().prepare(live.promotion(), objects)
        put(live, path)
        with pytest.raises(Exception, match=r"belongs to the service|not what the change was tried upon") as stopped:
            live.target().swap(prepared, objects)
        assert stopped.value.code == "target-moved"
        live.target().tidy(prepared, objects)
    assert (held(live.path), live.left()) == (OLD | {path: ("file", b"the service's")}, live.beside)


@exchanged
def test_a_submodule_is_an_obstacle(live: Live, objects: PrivateObjects, git_in: Callable[..., str]) -> None:
    commit = git_in(live.repository, "rev-parse", "HEAD")
    tree = git_in(live.repository, "mktree", stdin=f"160000 commit {commit}\tsub\n".encode())
    assert "'sub' is a submodule" in live.target().obstacle(objects, live.before, tree)
    with pytest.raises(UsageError, match="sub"):
        live.target().prepare(live.promotion().model_copy(update={"after": tree}), objects)


@exchanged
def test_a_change_of_what_is_kept_is_an_obstacle_and_what_is_kept_is_left_alone(live: Live) -> None:
    with live.objects() as objects:
        live.keep = ("a.txt",)
        assert "'a.txt' of `promote.keep`" in live.target().obstacle(objects, live.before, live.after)
        live.keep = ("src/same.py", "same.txt")
        (live.path / "src" / "same.py").write_text("the service's now")
        assert live.target().obstacle(objects, live.before, live.after) == ""
        promotion = live.target().prepare(live.promotion(), objects)
        live.target().swap(promotion, objects)
        assert held(live.path) == NEW | {b"src/same.py": ("file", b"the service's now")}
        (live.path / "same.txt").unlink()
        assert live.target().take_back(promotion, objects).place is Place.OLD
    left = OLD | {b"src/same.py": ("file", b"the service's now")}
    assert held(live.path) == {path: one for path, one in left.items() if path != b"same.txt"}


@exchanged
def test_too_little_space_is_an_obstacle(live: Live, objects: PrivateObjects, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(live.path)
    few = os.statvfs_result((*real[:3], 1, 1, *real[5:]))
    monkeypatch.setattr(obstacles.os, "statvfs", lambda path: few)
    assert "MiB" in live.target().obstacle(objects, live.before, live.after)


@pytest.mark.parametrize("live", ["symlink"], indirect=True)
def test_a_database_in_a_release_is_an_obstacle(live: Live, objects: PrivateObjects) -> None:
    import sqlite3

    with sqlite3.connect(live.path / "app.db") as database:
        database.execute("create table t (n)")
    database.close()
    assert "'app.db' lies in a release" in live.target().obstacle(objects, live.before, live.after)


@pytest.mark.parametrize("live", ["symlink"], indirect=True)
def test_a_new_release_is_linked_to_what_is_shared(live: Live) -> None:
    shared = live.path.parent / "shared"
    lay(
        shared,
        {b"data/state": ("file", b"1"), b"src/uploads/one": ("file", b"1"), b"a.txt": ("file", b"not used"), b".env": ("file", b"e")},
    )
    promotion = live.promote()
    assert str((live.path / "data").readlink()) == "../../shared/data"
    assert str((live.path / "src" / "uploads").readlink()) == "../../../shared/src/uploads"
    assert (live.path / ".env").read_text() == "e"
    assert (live.path / "a.txt").read_text() == "new a\n"
    live.ask("tidy", promotion)
    assert (shared / "data" / "state").read_text() == "1"
    assert live.ask("take_back", promotion.model_copy(update={"run": "r1"})).place is Place.OLD
    assert held(live.path) == OLD, "the old release is left as the operator made it"


@pytest.mark.parametrize("live", ["symlink"], indirect=True)
def test_a_release_that_another_link_leads_to_is_never_removed(live: Live) -> None:
    first = live.promote()
    live.ask("tidy", first)
    (live.path.parent / "staging").symlink_to(f"releases/{live.after[:12]}.seatrial-r1-1")
    for number, (before, after) in enumerate([(live.after, live.before), (live.before, live.after)]):
        again = live.promote(live.promotion(f"n{number}").model_copy(update={"before": before, "after": after}))
        live.ask("tidy", again)
    assert (live.path.parent / "staging" / "a.txt").read_text() == "new a\n"


@pytest.mark.parametrize("live", ["symlink"], indirect=True)
def test_a_link_that_an_operator_made_to_lead_elsewhere_is_left_alone(live: Live) -> None:
    promotion = live.promote()
    (live.path.parent / "releases" / "mine").mkdir()
    live.path.unlink()
    live.path.symlink_to("releases/mine")
    standing = live.ask("take_back", promotion)
    assert standing.place is Place.OTHER
    assert str((live.path).readlink()) == "releases/mine"


@exchanged
def test_a_folder_that_an_operator_put_in_its_place_is_left_alone(live: Live) -> None:
    with live.objects() as objects:
        prepared = live.target().prepare(live.promotion(), objects)
        live.path.rename(live.top / "away")
        lay(live.path, OLD)
        with pytest.raises(Exception, match="not the folder any more") as stopped:
            live.target().swap(prepared, objects)
        assert stopped.value.code == "target-moved"
        live.target().tidy(prepared, objects)
    assert (held(live.path), live.left()) == (OLD, live.beside)


def test_what_the_vault_is_given_is_what_is_there(live: Live) -> None:
    lay(live.path, {b"data/log": ("file", b"the service's")})
    (live.path / "a.txt").chmod(0o640)
    with live.objects() as objects:
        items = list(live.target().items(objects, live.before))
        found = {item.path: (item.kind, item.read()) for item in items}
        kinds = {"file": "file", "exec": "file", "link": "link"}
        folders = {b"": b"", b"src": b"", b"gone": b"", b"gone/deep": b"", b"was_folder": b"", b"was_folder/q": b""}
        assert found == {path: (kinds[kind], data) for path, (kind, data) in OLD.items()} | dict.fromkeys(folders, ("folder", b""))
        seen: set[bytes] = set()
        for item in items:
            assert item.path == b"" or item.path.rpartition(b"/")[0] in seen
            seen.add(item.path)
        assert next(item.mode for item in items if item.path == b"a.txt") == 0o640
        late = next(item for item in live.target().items(objects, live.before) if item.path == b"a.txt")
        (live.path / "a.txt").write_text("edited")
        with pytest.raises(OSError, match="was changed"):
            late.read()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
@pytest.mark.parametrize("where", ["itself", "inside"])
@exchanged
def test_a_mount_point_is_replaced_file_by_file(live: Live, where: str) -> None:
    at = live.path if where == "itself" else live.path / "data"
    at.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "none", at], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        if where == "itself":
            lay(live.path, OLD)
        lay(live.path, {b"data/log": ("file", b"l")})
        promotion = live.promote()
        assert promotion.method == "journal"
        assert held(live.path) == NEW | {b"data/log": ("file", b"l")}
        assert live.ask("take_back", promotion).place is Place.OLD
        live.ask("tidy", promotion)
        assert held(live.path) == OLD | {b"data/log": ("file", b"l")}
        assert live.left() == live.beside
    finally:
        subprocess.run(["umount", at], check=True)


@exchanged
def test_where_nothing_can_be_exchanged_it_is_a_journal(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    from runner.targets.folder import place

    def refused(one: Path, other: Path) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(place, "exchange", refused)
    promotion = live.promote()
    assert promotion.method == "journal"
    assert live.ask("take_back", promotion).place is Place.OLD
    live.ask("tidy", promotion)
    assert (held(live.path), live.left()) == (OLD, live.beside)


@exchanged
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_what_can_have_no_second_name_makes_it_a_journal(live: Live) -> None:
    """An unprivileged operator may not link files of others, where the kernel protects them."""
    if Path("/proc/sys/fs/protected_hardlinks").read_text().strip() != "1":
        pytest.skip("hard links are not protected here")
    lay(live.path, {b"data/cache": ("file", b"c")})
    for path in [live.path.parent, live.path, *live.path.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    os.chown(live.path / "data" / "cache", 0, 0)
    for folder in (live.top, *live.top.parents):
        folder.chmod(folder.stat().st_mode | 0o011) if str(folder).startswith("/tmp/") else None

    def promote() -> None:
        with live.objects() as objects:
            target = live.target()
            target.look(objects, (live.before, live.after))
            objects.read(live.after, "a.txt")
            os.seteuid(65534)
            prepared = target.prepare(live.promotion(), objects)
            assert prepared.method == "journal", prepared.method
            target.swap(prepared, objects)

    child = Child(promote)
    assert child.wait() == 0, child.said()
    assert held(live.path) == NEW | {b"data/cache": ("file", b"c")}
