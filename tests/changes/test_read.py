import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.changes import diff
from runner.changes.caps import Caps
from runner.changes.kinds import Kind
from runner.changes.read import read_change
from runner.changes.start import start_of
from runner.errors import ChangeRefused, UsageError
from runner.git.objects import PrivateObjects

GitIn = Callable[..., str]
EDIT = b"diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"


@pytest.fixture
def history(repository: Path, git_in: GitIn) -> Path:
    """Two more commits on main, and a side branch that merges into it."""
    for number, text in enumerate(["one\n2\nthree\n", "one\n2\n3\n"]):
        (repository / "a.txt").write_text(text)
        git_in(repository, "commit", "-qam", f"edit {number}")
    git_in(repository, "checkout", "-q", "-b", "side", "HEAD~2")
    (repository / "side.txt").write_text("side\n")
    git_in(repository, "add", "-A")
    git_in(repository, "commit", "-qm", "side")
    git_in(repository, "checkout", "-q", "main")
    git_in(repository, "merge", "-q", "--no-ff", "-m", "merge", "side")
    return repository


def test_a_diff_on_standard_input_applies_to_what_is_checked_out(objects: PrivateObjects) -> None:
    change = read_change("-", objects=objects, stdin=EDIT)
    assert (change.kind, change.source) == ("diff", "-")
    assert change.base_label == f"main ({change.base_commit[:7]})"
    assert [(file.path, file.added, file.deleted) for file in change.files] == [("a.txt", 1, 1)]
    assert objects.read(change.tree, "a.txt") == b"one\n2\nthree\n"
    assert change.base_tree == objects.tree_of(objects.resolve("HEAD"))


def test_what_comes_without_a_name_is_called_as_somebody_says(history: Path, objects: PrivateObjects) -> None:
    change = read_change("-", objects=objects, base="v1.2.0", stdin=EDIT, called="fix.diff")
    assert (change.head_label, change.source) == ("fix.diff", "-")
    edits = read_change("-", objects=objects, stdin=b'[{"path": "b", "content": ""}]', called="edits.json")
    assert (edits.head_label, edits.source) == ("edits.json (1 edit)", "-")


def test_a_diff_file_applies_to_the_base_that_is_named(history: Path, objects: PrivateObjects, tmp_path: Path) -> None:
    (tmp_path / "change.diff").write_bytes(EDIT)
    change = read_change(str(tmp_path / "change.diff"), objects=objects, base="v1.2.0")
    assert change.base_label == f"v1.2.0 ({change.base_commit[:7]})"
    with pytest.raises(ChangeRefused, match=r"does not apply to main \(\w{7}\): .*a\.txt") as refused:
        read_change(str(tmp_path / "change.diff"), objects=objects)
    assert "--base" in refused.value.hint


def test_the_same_change_has_the_same_id_wherever_it_comes_from(history: Path, objects: PrivateObjects) -> None:
    ways = [
        read_change("-", objects=objects, base="v1.2.0", stdin=EDIT),
        read_change("HEAD~2", objects=objects),
        read_change("HEAD~2", objects=objects, base="v1.2.0"),
        read_change("v1.2.0..HEAD~2", objects=objects),
    ]
    assert len({change.id for change in ways}) == len({change.patch_id for change in ways}) == 1
    assert [change.kind for change in ways] == ["diff", "revision", "revision", "range"]


def test_a_merge_is_compared_with_its_first_parent(history: Path, objects: PrivateObjects) -> None:
    assert [file.path for file in read_change("HEAD", objects=objects).files] == ["side.txt"]


def test_an_empty_side_of_a_range_is_what_is_checked_out(history: Path, objects: PrivateObjects) -> None:
    assert read_change("v1.2.0..", objects=objects).tree == objects.tree_of(objects.resolve("HEAD"))
    assert read_change("..v1.2.0", objects=objects).base_tree == objects.tree_of(objects.resolve("HEAD"))


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("no-such-thing", "no revision"),
        ("no-such.diff", "no file"),
        ("./nothing", "no file"),
        ("HEAD....main", "no revision"),
        ("HEAD..nowhere", "no revision"),
        ("--output=x", "not a revision"),
        ("v1.2.0", "first commit"),
        ("bad\0name", "not a revision"),
        ("x" * 5000, "no revision"),
    ],
)
def test_what_names_no_change_is_a_usage_error(objects: PrivateObjects, spec: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_change(spec, objects=objects)


def test_a_range_takes_no_base_and_a_dash_needs_input(objects: PrivateObjects) -> None:
    with pytest.raises(UsageError, match="names its base itself"):
        read_change("HEAD..main", objects=objects, base="main")
    with pytest.raises(UsageError, match="standard input"):
        read_change("-", objects=objects)
    with pytest.raises(UsageError, match="no revision"):
        read_change("-", objects=objects, base="nowhere", stdin=EDIT)


@pytest.mark.parametrize(("spec", "kind"), [("main", Kind.REVISION), ("HEAD..main", Kind.RANGE), ("main...", Kind.RANGE)])
def test_a_file_that_is_called_like_what_is_judged_is_not_judged_instead(
    objects: PrivateObjects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, kind: Kind
) -> None:
    """Who may put a file where the command runs, e.g. into the workspace of a job, would choose what is judged."""
    (tmp_path / spec).write_bytes(EDIT)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=f"both a file and a {kind}") as refused:
        read_change(spec, objects=objects)
    assert f"--as {kind}" in refused.value.hint
    assert read_change(f"./{spec}", objects=objects).kind == "diff"
    with pytest.raises((ChangeRefused, UsageError), match=r"is the first commit|the change is empty"):  # so it is the revision
        read_change(spec, objects=objects, kind=kind)


@pytest.mark.parametrize(
    ("patch", "says"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"hello\n", "does not apply"),
        (EDIT.replace(b"\n", b"\r\n"), "does not apply"),
        (EDIT + b" " * 2**20, "at most 1MiB"),
        (b"diff --git a/x b/x\n" * 3000, "headers for 3000 files"),
    ],
)
def test_what_is_no_change_that_can_be_judged_is_refused(objects: PrivateObjects, patch: bytes, says: str) -> None:
    with pytest.raises(ChangeRefused, match=says) as refused:
        read_change("-", objects=objects, stdin=patch)
    assert refused.value.hint


def test_a_change_that_changes_nothing_is_refused(history: Path, objects: PrivateObjects) -> None:
    with pytest.raises(ChangeRefused, match="nothing differs"):
        read_change("HEAD..main", objects=objects)


def test_caps_hold_for_revisions_too(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    for number in range(12):
        (repository / f"f{number}.txt").write_text("some line\n" * 100)
    git_in(repository, "add", "-A")
    git_in(repository, "commit", "-qm", "many")
    with PrivateObjects(repository, tmp_path / "private") as objects:
        assert read_change("HEAD", objects=objects)
        with pytest.raises(ChangeRefused, match="touches 12 files; at most 10"):
            read_change("HEAD", objects=objects, limits=Caps(max_files=10))
        with pytest.raises(ChangeRefused, match="larger than 1KiB"):
            read_change("HEAD", objects=objects, limits=Caps(max_patch=1024))


def test_the_cap_holds_before_anything_is_parsed(objects: PrivateObjects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PrivateObjects, "apply", pytest.fail)
    with pytest.raises(ChangeRefused, match="at most"):
        read_change("-", objects=objects, stdin=EDIT, limits=Caps(max_patch=10))


def test_a_file_without_end_is_read_only_so_far() -> None:
    assert len(diff.read_file(Path("/dev/zero"), 1000)) == 1001


def test_a_directory_and_an_unreadable_file_are_usage_errors(objects: PrivateObjects, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a directory"):
        diff.read_file(tmp_path)
    if os.geteuid():
        (tmp_path / "secret").touch(mode=0)
        with pytest.raises(UsageError, match="cannot be read"):
            read_change(str(tmp_path / "secret"), objects=objects)


def test_a_dirty_work_tree_does_not_matter_and_stays(repository: Path, objects: PrivateObjects, git_in: GitIn) -> None:
    (repository / "a.txt").write_text("dirty\n")
    (repository / "untracked").write_text("x")
    git_in(repository, "add", "a.txt")
    before = git_in(repository, "status", "--porcelain")
    assert objects.read(read_change("-", objects=objects, stdin=EDIT).tree, "a.txt") == b"one\n2\nthree\n"
    assert git_in(repository, "status", "--porcelain") == before


def test_a_branch_is_judged_from_where_it_left_what_is_checked_out_and_not_by_its_last_commit_alone(
    repository: Path, tmp_path: Path, git_in: GitIn
) -> None:
    base = git_in(repository, "rev-parse", "HEAD")
    git_in(repository, "checkout", "-qb", "agent")
    for number, name in enumerate(("a.txt", "src/m.py")):
        (repository / name).write_text(f"{number}\n")
        git_in(repository, "commit", "-qam", name)
    git_in(repository, "checkout", "-q", "main")
    (repository / "run.sh").write_text("later on main\n")
    git_in(repository, "commit", "-qam", "later")
    with PrivateObjects(repository, tmp_path / "p") as objects:
        change = read_change("agent", objects=objects)
        assert (change.base_commit, [file.path for file in change.files]) == (base, ["a.txt", "src/m.py"])
        assert start_of("agent", objects=objects, base=None).commit == base


def test_a_commit_of_what_is_checked_out_is_compared_with_its_parent(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    base = git_in(repository, "rev-parse", "HEAD")
    (repository / "a.txt").write_text("x\n")
    git_in(repository, "commit", "-qam", "x")
    with PrivateObjects(repository, tmp_path / "p") as objects:
        assert read_change("HEAD", objects=objects).base_commit == base


def test_a_revision_without_a_common_commit_needs_a_base(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    git_in(repository, "checkout", "-q", "--orphan", "alone")
    git_in(repository, "commit", "-qm", "alone")
    git_in(repository, "checkout", "-q", "main")
    with PrivateObjects(repository, tmp_path / "p") as objects, pytest.raises(UsageError, match="in common"):
        read_change("alone", objects=objects)


def test_a_name_that_spells_out_anothers_bytes_does_not_pass_for_it(repository: Path, objects: PrivateObjects, git_in: GitIn) -> None:
    for name in ("a\udcff.txt", "a\\xff.txt"):
        (repository / name).write_text("x")
        git_in(repository, "add", "-A")
        git_in(repository, "commit", "-qm", "one")
        (file,) = read_change(git_in(repository, "rev-parse", "HEAD"), objects=objects).files
        assert (file.path, file.spelling, file.utf8) == ("a\\xff.txt", name, name == "a\\xff.txt")
    with pytest.raises(ChangeRefused, match=r"both read as 'a\\xff\.txt'"):
        read_change(f"v1.2.0..{git_in(repository, 'rev-parse', 'HEAD')}", objects=objects)
