"""The promotion-side attacks on `apply --cached`, by real git: refused, or made into a tree for intake to judge."""

import base64
import contextlib
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.errors import ChangeRefused, InfrastructureError, UsageError
from runner.git import apply as applying
from runner.git.objects import PrivateObjects

GitIn = Callable[..., str]


def new_file(name: str, text: str = "x\n", mode: str = "100644") -> bytes:
    lines = text.splitlines(keepends=True)
    body = "".join("+" + line for line in lines)
    end = "" if text.endswith("\n") else "\n\\ No newline at end of file\n"
    quoted = f'"a/{name}" "b/{name}"' if "\\" in name else f"a/{name} b/{name}"
    side = f'"b/{name}"' if "\\" in name else f"b/{name}"
    return f"diff --git {quoted}\nnew file mode {mode}\n--- /dev/null\n+++ {side}\n@@ -0,0 +1,{len(lines)} @@\n{body}{end}".encode()


EDIT = b"diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"


def base_of(objects: PrivateObjects) -> str:
    return objects.tree_of(objects.resolve("HEAD"))


def names(objects: PrivateObjects, tree: str) -> set[bytes]:
    return {entry.path for entry in objects.entries(tree)}


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param(new_file("../evil"), id="leaves the tree"),
        pytest.param(new_file("src/../../evil"), id="leaves in the middle"),
        pytest.param(new_file("../../etc/evil"), id="leaves twice"),
        pytest.param(new_file("link/evil"), id="through a link"),
        pytest.param(new_file("l2", "src", "120000") + new_file("l2/evil"), id="through its own link"),
        pytest.param(new_file(".git/hooks/pre-commit", mode="100755"), id="git hook"),
        pytest.param(new_file(".git/x"), id="git directory"),
        pytest.param(new_file("src/.git"), id="git file below"),
        pytest.param(new_file(".GIT/x"), id="git in capitals"),
        pytest.param(new_file("GIT~1/x"), id="short name"),
        pytest.param(new_file(".git::$INDEX_ALLOCATION/x"), id="stream"),
        pytest.param(new_file(".git./x"), id="trailing dot"),
        pytest.param(new_file(".g\\342\\200\\214it/config"), id="ignorable character"),
        pytest.param(b"diff --git a/a.txt b/.git/a\nsimilarity index 100%\nrename from a.txt\nrename to .git/a\n", id="rename into git"),
        pytest.param(b"diff --git a/../x b/new\nsimilarity index 100%\ncopy from ../project/a.txt\ncopy to new\n", id="copy from outside"),
        pytest.param(b"diff --git a/etc/passwd b/new\nsimilarity index 100%\ncopy from /etc/passwd\ncopy to new\n", id="copy absolute"),
        pytest.param(new_file(".gitmodules", "a.txt", "120000"), id="gitmodules as a link"),
        pytest.param(b"diff --git a/a.txt b/a.txt\nold mode 100644\nnew mode 120000\n", id="file to link by mode"),
        pytest.param(EDIT.replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(EDIT.replace(b"-1,3", b"-1,99999999999"), id="huge count"),
        pytest.param(EDIT.replace(b"two", b"TWO"), id="another base"),
        pytest.param(EDIT[:-8], id="cut off"),
        pytest.param(EDIT[:-1], id="without its last newline"),
        pytest.param(new_file("a.txt"), id="exists already"),
        pytest.param(new_file("a.txt/inner"), id="below a file"),
        pytest.param(new_file("src", "x\n"), id="over a directory"),
        pytest.param(b"2c\ntwo\n.\n", id="ed script"),
        pytest.param(b"just words\n", id="garbage"),
        pytest.param(b"\0\xff\xfe" * 100, id="noise"),
    ],
)
def test_what_git_does_not_take_is_refused_with_its_reason_and_a_hint(objects: PrivateObjects, patch: bytes) -> None:
    with pytest.raises(ChangeRefused, match=r"the patch(ed tree| does not apply)") as refused:
        objects.apply(base_of(objects), patch)
    assert refused.value.hint
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("patch", "name"),
    [
        (new_file("plain"), b"plain"),
        (new_file("x\\nevil\\033"), b"x\nevil\x1b"),
        (new_file("\\377"), b"\xff"),
        (new_file('say\\"hi\\"'), b'say"hi"'),
        (new_file("\\056github/x"), b".github/x"),
        (new_file("-rf"), b"-rf"),
        (new_file("a b"), b"a b"),
        (new_file("l" * 300), b"l" * 300),
        (b"--- /dev/null\n+++ b/traditional\t2024-01-01\n@@ -0,0 +1 @@\n+x\n", b"traditional"),
        (b"diff --git a/src/e b/src/e\nnew file mode 100644\nindex 0000000..e69de29\n", b"src/e"),
        (b"From: A\nSubject: [PATCH] x\n\n---\n a.txt | 2 +-\n\n" + new_file("mailed") + b"-- \n2.39.5\n", b"mailed"),
    ],
)
def test_names_arrive_in_the_tree_byte_for_byte(objects: PrivateObjects, patch: bytes, name: bytes) -> None:
    base = base_of(objects)
    assert names(objects, objects.apply(base, patch)) == names(objects, base) | {name}


def test_the_file_that_changes_is_the_one_git_changes_whatever_the_header_says(objects: PrivateObjects) -> None:
    base = base_of(objects)
    patch = b"diff --git a/a.txt b/a.txt\n--- a/src/m.py\n+++ b/src/m.py\n@@ -1,2 +1,2 @@\n def f(x):\n-    return x + 1\n+    return x\n"
    try:
        tree = objects.apply(base, patch)
    except ChangeRefused:  # newer versions of git refuse the disagreement
        return
    assert [file.path for file in objects.diff(base, tree)] == ["src/m.py"]


def test_odd_modes_become_plain_ones(objects: PrivateObjects) -> None:
    tree = objects.apply(base_of(objects), new_file("suid", mode="104755"))
    assert {e.mode for e in objects.entries(tree) if e.path == b"suid"} == {"100755"}


def test_one_file_may_be_patched_twice(objects: PrivateObjects) -> None:
    again = EDIT.replace(b"-two", b"-2").replace(b"+2\n", b"+zwei\n")
    assert objects.read(objects.apply(base_of(objects), EDIT + again), "a.txt") == b"one\nzwei\nthree\n"


def binary_bomb(size: int) -> bytes:
    """A new binary file of `size` zero bytes, as `git diff --binary` writes it."""
    packed = zlib.compress(b"\0" * size, 9)
    rows = []
    for start in range(0, len(packed), 52):
        row = packed[start : start + 52]
        length = chr(ord("A") + len(row) - 1) if len(row) <= 26 else chr(ord("a") + len(row) - 27)
        rows.append(length.encode() + base64.b85encode(row, pad=True))
    head = b"diff --git a/bomb b/bomb\nnew file mode 100644\nindex " + b"0" * 40 + b".." + b"1" * 40 + b"\nGIT binary patch\n"
    return head + b"literal %d\n" % size + b"\n".join(rows) + b"\n\nliteral 0\nHcmV?d00001\n\n"


def test_a_binary_bomb_is_refused_before_git_sees_it(objects: PrivateObjects, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = binary_bomb(70 * 2**20)
    monkeypatch.setattr(applying, "_apply_to_whole", pytest.fail)
    with pytest.raises(ChangeRefused, match="unpack to 70MiB"):
        objects.apply(base_of(objects), bomb)


def test_a_bomb_that_git_does_see_is_stopped_by_its_memory_limit(objects: PrivateObjects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "MOST_UNPACKED", 2**40)
    # The declared size alone makes git ask for the memory; the content behind it need not be there.
    bomb = binary_bomb(1000).replace(b"literal 1000\n", b"literal 900000000\n")
    with pytest.raises(ChangeRefused, match=r"[Oo]ut of memory|more than it may"):
        objects.apply(base_of(objects), bomb)


def test_a_small_binary_file_is_applied(objects: PrivateObjects, repository: Path, git_in: GitIn) -> None:
    (repository / "b.bin").write_bytes(bytes(range(256)) * 4)
    git_in(repository, "add", "-N", "b.bin")
    patch = git_in(repository, "diff", "--binary", "--full-index").encode() + b"\n\n"
    tree = objects.apply(base_of(objects), patch)
    assert objects.read(tree, "b.bin") == bytes(range(256)) * 4


CASES = [
    EDIT,
    new_file("src/deep/er/new.py"),
    new_file("a b/c d"),
    b"diff --git a/src/m.py b/src/m.py\ndeleted file mode 100644\n--- a/src/m.py\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-def f(x):\n-    return x + 1\n",
    b"diff --git a/src/m.py b/lib/n.py\nsimilarity index 100%\nrename from src/m.py\nrename to lib/n.py\n",
    b"diff --git a/src/m.py b/lib/n.py\nsimilarity index 100%\ncopy from src/m.py\ncopy to lib/n.py\n",
    b"diff --git a/run.sh b/run.sh\nold mode 100755\nnew mode 100644\n",
    b"diff --git a/link b/link\ndeleted file mode 120000\n--- a/link\n+++ /dev/null\n@@ -1 +0,0 @@\n-src\n\\ No newline at end of file\n"
    + new_file("link", "now a file\n"),
    b"diff --git a/a.txt b/a.txt\ndeleted file mode 100644\n--- a/a.txt\n+++ /dev/null\n@@ -1,3 +0,0 @@\n-one\n-two\n-three\n"
    + new_file("a.txt/inner"),
]


@pytest.mark.parametrize("patch", CASES)
def test_a_part_of_the_index_gives_the_same_tree_as_the_whole(objects: PrivateObjects, tmp_path: Path, patch: bytes) -> None:
    base = base_of(objects)
    whole = applying._apply_to_whole(objects._git, objects._reader, base, patch, tmp_path)
    assert whole != base
    assert objects.apply(base, patch) == whole
    part = applying._apply_to_part(objects._git, objects._reader, base, patch, tmp_path)
    assert part in (None, whole)
    assert part == whole or b"a.txt/inner" in patch, "the quick way should settle all but a file that becomes a directory"


def test_the_canonical_patch_applies_to_the_same_tree_again(objects: PrivateObjects) -> None:
    base = base_of(objects)
    for patch in CASES:
        tree = objects.apply(base, patch)
        assert objects.apply(base, objects.patch(base, tree)) == tree


def test_the_patch_id_ignores_base_and_line_numbers(objects: PrivateObjects) -> None:
    lines = [f"line {number}\n" for number in range(20)]
    edited = [*lines[:10], "edited\n", *lines[11:]]
    base = objects.apply(base_of(objects), new_file("long.txt", "".join(lines)))
    shifted = objects.apply(base_of(objects), new_file("long.txt", "zero\n" + "".join(lines)))
    here = objects.apply(base_of(objects), new_file("long.txt", "".join(edited)))
    there = objects.apply(base_of(objects), new_file("long.txt", "zero\n" + "".join(edited)))
    assert objects.patch_id(objects.patch(base, here)) == objects.patch_id(objects.patch(shifted, there))
    assert objects.patch_id(objects.patch(base, here)) != objects.patch_id(objects.patch(base, shifted))
    mode_only = objects.patch(base_of(objects), objects.apply(base_of(objects), CASES[6]))
    assert len(objects.patch_id(mode_only)) == 40


def test_an_absolute_name_stays_inside_the_tree(objects: PrivateObjects) -> None:
    base = base_of(objects)
    for head in (
        b"--- /dev/null\n+++ /etc/evil\n",
        b"diff --git /etc/evil /etc/evil\nnew file mode 100644\n--- /dev/null\n+++ /etc/evil\n",
    ):
        assert names(objects, objects.apply(base, head + b"@@ -0,0 +1 @@\n+x\n")) == names(objects, base) | {b"etc/evil"}


def test_the_users_repository_keeps_every_byte(objects: PrivateObjects, repository: Path) -> None:
    """Only time stamps of objects may move: git renews that of an object it would otherwise write again."""

    def contents() -> dict[Path, bytes | None]:
        return {path: path.read_bytes() if path.is_file() else None for path in repository.parent.rglob("*") if "private" not in path.parts}

    before = contents()
    for patch in [*CASES, b"garbage"]:
        with contextlib.suppress(ChangeRefused):
            objects.patch(base_of(objects), objects.apply(base_of(objects), patch))
    assert contents() == before


def test_a_partial_clone_without_the_file_is_not_the_changes_fault(repository: Path, tmp_path: Path, git_in: GitIn) -> None:
    git_in(repository, "config", "uploadpack.allowFilter", "true")
    git_in(tmp_path, "clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{repository}", "partial")
    with PrivateObjects(tmp_path / "partial", tmp_path / "private") as objects:
        with pytest.raises(UsageError, match="does not have object") as refused:
            objects.apply(base_of(objects), EDIT)
        assert "partial clone" in refused.value.hint
        assert objects.apply(base_of(objects), new_file("other.txt"))


def test_a_file_name_cannot_pass_the_blame_to_the_machine(objects: PrivateObjects) -> None:
    for name in (b"No space left on device", b"unable to read"):
        with pytest.raises(ChangeRefused):
            objects.apply(base_of(objects), EDIT.replace(b"a.txt", name))


def test_a_full_disk_is_not_the_changes_fault(objects: PrivateObjects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "_LEAST_FREE", 2**60)
    with pytest.raises(InfrastructureError, match="disk is full"):
        objects.apply(base_of(objects), b"garbage")


def test_a_text_without_a_diff_is_told_without_an_option_of_git(objects: PrivateObjects) -> None:
    with pytest.raises(ChangeRefused, match="there is no diff in it") as refused:
        objects.apply(base_of(objects), b"hello\n")
    assert "--" not in str(refused.value)
