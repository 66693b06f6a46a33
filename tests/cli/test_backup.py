"""`seatrial backup` over a real vault."""

from collections.abc import Callable, Iterable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from runner.ports import Item
from runner.store.backups import SqlBackups
from runner.store.database import Database
from runner.vault.options import Options
from runner.vault.vault import FileVault

Command = Callable[..., Any]
HOSTILE = b"\x1b[2J\xff\n::error::x"


@pytest.fixture
def vault(own_home: Path) -> FileVault:
    state = own_home / "state" / "seatrial"
    state.mkdir(mode=0o700, parents=True)
    return FileVault(state, SqlBackups(state), Options())


def keep(vault: FileVault, content: bytes, target: str = "dir:/srv/app") -> str:
    things: Iterable[Item] = (
        Item(b"d", "folder", 0o755, bytes),
        Item(b"d/f", "file", 0o755, partial(bytes, content)),
        Item(HOSTILE, "file", 0o644, partial(bytes, content)),
        Item(b"l", "link", 0, partial(bytes, b"d/f")),
    )
    kept = vault.keep(target, "run1", things)
    vault.release("run1")
    return kept.id


def damage(vault: FileVault, content: bytes) -> None:
    name = sha256(content).hexdigest()
    (vault.state / "vault/objects" / name[:2] / name[2:]).unlink()


def test_the_list_is_newest_first_and_says_why_each_stays(seatrial: Command, vault: FileVault) -> None:
    old, new = keep(vault, b"old"), keep(vault, b"new", "git:/srv/app.git#refs/heads/main")
    vault.backups.checked(old, "bad")
    assert seatrial("backup", "pin", old[:9], "--reason", "before the move").code == 0
    answer = seatrial("backup", "list")
    rows = [line.split(maxsplit=5) for line in answer.out.splitlines()]
    assert answer.code == 0
    assert (rows[0][0], [row[0] for row in rows[1:]]) == ("BACKUP", [new[:12], old[:12]])
    assert "DAMAGED, pinned: before the move" in answer.out
    assert "dir:/srv/app" in answer.out
    found = seatrial("backup", "list", "--target", "dir:/srv/app", "--format", "json").json
    assert found["schema"] == "seatrial.backups/v1"
    assert [(one["id"], one["verified"], one["pinned"], one["used"]) for one in found["backups"]] == [(old, None, "before the move", False)]


def test_nothing_kept_is_no_failure_and_makes_nothing(seatrial: Command, own_home: Path) -> None:
    answer = seatrial("backup", "list")
    assert (answer.code, answer.out, answer.err) == (0, "", "there is no backup yet\n")
    assert seatrial("backup", "verify", "--all").code == 0
    assert [seatrial("backup", command, "latest").code for command in ("show", "verify")] == [2, 2]
    assert not (own_home / "state").exists()


def test_a_backup_is_shown_by_any_name_of_it(seatrial: Command, vault: FileVault) -> None:
    kept = keep(vault, b"content")
    for name in (kept, kept[:5], "latest"):
        answer = seatrial("backup", "show", name)
        assert (answer.code, answer.out.splitlines()[:2]) == (0, [kept, "2 files, 1 link, 1 folder, 17B"])
    assert "dir:/srv/app  made 20" in answer.out
    told = seatrial("backup", "show", "latest", "--files", "--format", "json").json
    assert (told["id"], told["files"], told["links"], told["folders"], len(told["entries"])) == (kept, 2, 1, 1, 4)
    assert [seatrial("backup", "show", name).code for name in ("zz", "f" * 64, "../x")] == [2, 2, 2]


def test_no_name_of_a_file_reaches_the_terminal_as_it_is(seatrial: Command, vault: FileVault) -> None:
    keep(vault, b"content")
    damage(vault, b"content")
    for command in (("show", "latest", "--files"), ("verify", "latest")):
        out = seatrial("backup", *command).out
        assert "\\x1b[2J\\xff" in out
        assert not set("\x1b\u202e") & set(out)
        assert "\n::" not in out


def test_a_damage_is_told_by_path_and_exits_4(seatrial: Command, vault: FileVault) -> None:
    kept, other = keep(vault, b"content"), keep(vault, b"other")
    answer = seatrial("backup", "verify", "--all")
    assert (answer.code, sorted(answer.out.splitlines())) == (0, sorted(f"WHOLE    {name}" for name in (kept, other)))
    damage(vault, b"content")
    answer = seatrial("backup", "verify", "--all")
    assert answer.code == 4
    assert f"DAMAGED  {kept}" in answer.out
    assert f"  d/f: object {sha256(b'content').hexdigest()} is gone" in answer.out
    assert f"WHOLE    {other}" in answer.out
    told = seatrial("backup", "verify", kept[:8], "--format", "json")
    assert (told.code, told.json["backups"][0]["whole"], len(told.json["backups"][0]["damages"][0]["paths"])) == (4, False, 2)
    assert "DAMAGED" in seatrial("backup", "list").out


def test_a_share_takes_those_that_were_not_verified_for_longest(seatrial: Command, vault: FileVault) -> None:
    made = [keep(vault, b"%d" % number) for number in range(4)]
    first = seatrial("backup", "verify", "--all", "--share", "50%").out
    second = seatrial("backup", "verify", "--all", "--share", "50%").out
    assert [{name for name in made if name in out} for out in (first, second)] == [set(made[:2]), set(made[2:])]


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify",),
        ("verify", "--all", "latest"),
        ("verify", "latest", "--share", "10%"),
        ("verify", "--all", "--share", "0%"),
        ("verify", "--all", "--share", "200%"),
        ("verify", "--all", "--share", "x"),
        ("restore", "latest"),
        ("pin", "latest"),
        ("pin", "latest", "--reason", "  "),
        ("pin", "latest", "--reason", "x", "--off"),
        ("show",),
        ("nonsense",),
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_a_usage_error(seatrial: Command, vault: FileVault, arguments: tuple[str, ...]) -> None:
    keep(vault, b"content")
    answer = seatrial("backup", *arguments)
    assert (answer.code, answer.out) == (2, "")


def test_a_backup_is_restored_to_a_folder_and_that_is_recorded(seatrial: Command, vault: FileVault, tmp_path: Path) -> None:
    kept = keep(vault, b"content")
    there = tmp_path / "there"
    dry = seatrial("backup", "restore", "latest", "--to", str(there), "--dry-run")
    assert (dry.code, dry.out, there.exists()) == (0, f"would restore {kept[:12]} to {there}: 2 files, 14B\n", False)
    answer = seatrial("backup", "restore", "latest", "--to", str(there), "--format", "json")
    assert (answer.code, answer.json["files"], answer.json["folder"]) == (0, 2, str(there))
    assert ((there / "d/f").read_bytes(), (there / "l").readlink()) == (b"content", Path("d/f"))
    assert seatrial("backup", "restore", "latest", "--to", str(there)).code == 2
    assert seatrial("audit", "list", "--kind", "backup.restored", "--format", "json").json["entries"][0]["subject"] == kept


def test_a_damaged_backup_is_not_restored(seatrial: Command, vault: FileVault, tmp_path: Path) -> None:
    keep(vault, b"content")
    damage(vault, b"content")
    answer = seatrial("backup", "restore", "latest", "--to", str(tmp_path / "there"))
    assert (answer.code, (tmp_path / "there").exists()) == (4, False)
    assert "is damaged" in answer.err


def test_a_backup_named_in_full_is_restored_without_any_record(seatrial: Command, vault: FileVault, tmp_path: Path) -> None:
    kept = keep(vault, b"content")
    for file in vault.state.glob("state.db*"):
        file.unlink()
    (vault.state / "state.db").write_bytes(b"no database at all, but long enough to be read" * 100)
    assert seatrial("backup", "list").code == 4
    answer = seatrial("backup", "restore", kept, "--to", str(tmp_path / "there"))
    assert (answer.code, (tmp_path / "there/d/f").read_bytes()) == (0, b"content")
    assert "could not be recorded" in answer.err


def test_a_pin_can_be_taken_off(seatrial: Command, vault: FileVault) -> None:
    kept = keep(vault, b"content")
    assert seatrial("backup", "pin", "latest", "--reason", "wait").out == f"{kept[:12]} stays\n"
    assert seatrial("backup", "pin", "latest", "--off", "--format", "json").json == {
        "schema": "seatrial.pin/v1",
        "id": kept,
        "pinned": None,
    }
    assert vault.backups.all()[0][0].pinned == ""


def test_a_prune_marks_first_and_deletes_later_and_a_dry_run_does_neither(seatrial: Command, vault: FileVault, tmp_path: Path) -> None:
    old, new = keep(vault, b"old"), keep(vault, b"new")
    policy = tmp_path / "p.yaml"
    policy.write_text("seatrial: 1\nbackup: {keep_within: 0s, keep_last: 1, advanced: {grace: 1h}}\n")
    prune = ("backup", "prune", "--policy", str(policy))
    dry = seatrial(*prune, "--dry-run")
    assert (dry.code, dry.out.splitlines()[0][:22]) == (0, f"would mark {old[:11]}")
    assert seatrial(*prune, "--dry-run", "--format", "json").json["spare"][0]["marked"] is None
    assert seatrial(*prune).out.splitlines()[-1] == "0 deleted, 1 spare, 1 stay; 0B freed"
    with Database(vault.state).writing() as transaction:
        transaction.connection.exec_driver_sql("UPDATE backups SET marked = marked - 3601")
    assert seatrial(*prune, "--dry-run").out.splitlines()[-1] == "1 to delete, 0 spare, 1 stay; 3B to free"
    done = seatrial(*prune, "--format", "json").json
    assert ([one["id"] for one in done["deleted"]], done["freed"], done["problem"]) == ([old], 3, None)
    assert [record.id for record in vault.backups.all()[0]] == [new]


def test_a_prune_by_the_default_policy_keeps_what_is_new(seatrial: Command, vault: FileVault, tmp_path: Path) -> None:
    keep(vault, b"old"), keep(vault, b"new")
    assert seatrial("backup", "prune", "--repo", str(tmp_path)).out == "0 deleted, 0 spare, 2 stay; 0B freed\n"


def test_every_command_explains_itself_with_an_example(seatrial: Command) -> None:
    for command in ("list", "show", "verify", "restore", "pin", "prune"):
        answer = seatrial("backup", command, "--help")
        assert answer.code == 0
        assert f"seatrial backup {command}" in answer.out.partition("Examples:")[2]
