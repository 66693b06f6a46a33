import os
from pathlib import Path

import pytest

from runner.targets.folder import managed
from runner.targets.folder.managed import Found, Known, named_again, read, seen_of


def status_changed(found: dict[bytes, Found], folder: Path) -> dict[bytes, Found]:
    """What was found, with each file as it looks now."""
    return {path: one._replace(seen=seen_of(os.lstat(folder / os.fsdecode(path)))) for path, one in found.items()}


@pytest.fixture
def linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, dict[bytes, Found], Known]:
    """A folder of one file that was read, and got a second name since."""
    monkeypatch.setattr(managed, "_RECENT", -(10**12))
    folder, known = tmp_path / "live", Known()
    folder.mkdir()
    (folder / "a").write_bytes(b"old")
    os.utime(folder / "a", (1, 1))
    found = read(folder, (b"a",), 40, known)
    os.link(folder / "a", tmp_path / "second")
    return folder, found, known


def test_a_file_that_only_got_a_second_name_is_not_read_again(linked: tuple[Path, dict[bytes, Found], Known], monkeypatch) -> None:
    folder, found, known = linked
    now = status_changed(found, folder)
    assert now != found
    named_again(now, known, folder.stat().st_dev)
    monkeypatch.setattr(managed, "_hashed", lambda *_: pytest.fail("it was read again"))
    assert read(folder, (b"a",), 40, known) == now


@pytest.mark.parametrize("edit", [lambda path: path.write_bytes(b"new"), lambda path: path.chmod(0o755)], ids=["content", "mode"])
def test_a_file_that_was_edited_when_it_got_a_second_name_is_read_again(linked: tuple[Path, dict[bytes, Found], Known], edit) -> None:
    folder, found, known = linked
    edit(folder / "a")
    named_again(status_changed(found, folder), known, folder.stat().st_dev)
    again = read(folder, (b"a",), 40, known)[b"a"]
    assert (again.mode, again.blob) != (found[b"a"].mode, found[b"a"].blob)
