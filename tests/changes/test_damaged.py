"""Damaged and hostile patches by the hundred: a refusal or an answer, and not one byte outside the private store."""

import os
import random
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from runner.changes.read import read_change
from runner.errors import ChangeRefused, UsageError
from runner.git.objects import PrivateObjects
from runner.model.change import Change
from runner.model.result import Outcome, Result
from runner.validators import intake

COUNT = int(os.environ.get("SEATRIAL_DAMAGED", "400"))
PIECES = 8
Mutation = Callable[[random.Random, bytes], bytes]
EDIT = b"diff --git a/a.txt b/a.txt\nindex 4cb29ea..cd4a35d 100644\n--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"
ADD = b"diff --git a/src/new.py b/src/new.py\nnew file mode 100644\nindex 0000000..587be6b\n--- /dev/null\n+++ b/src/new.py\n@@ -0,0 +1,2 @@\n+x = 1\n+y = 2\n"
DELETE = b"diff --git a/src/m.py b/src/m.py\ndeleted file mode 100644\n--- a/src/m.py\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-def f(x):\n-    return x + 1\n"
RENAME = b"diff --git a/run.sh b/go.sh\nsimilarity index 100%\nrename from run.sh\nrename to go.sh\n"
COPY = b"diff --git a/a.txt b/copy.txt\nsimilarity index 100%\ncopy from a.txt\ncopy to copy.txt\n"
MODE = b"diff --git a/a.txt b/a.txt\nold mode 100644\nnew mode 100755\n"
LINK = b"diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n"
BINARY = (
    b"diff --git a/bin b/bin\nnew file mode 100644\nindex " + b"0" * 40 + b"..f76dd238ade08917e6712764a16a22005a50573d\n"
    b"GIT binary patch\nliteral 1\nIcmZPo000310RR91\n\nliteral 0\nHcmV?d00001\n\n"
)
PARTS = (EDIT, ADD, DELETE, RENAME, COPY, MODE, LINK, BINARY)
NAMES = (
    b"../evil",
    b"../../../../tmp/evil",
    b"/etc/evil",
    b"src/../../evil",
    b".git/hooks/post-checkout",
    b".GIT/config",
    b"git~1/config",
    b".g\xe2\x80\x8cit/x",
    b'"q\\nuo\\033te"',
    b'"\\377\\376"',
    b'"\\056git/x"',
    b'"open',
    b"-rf",
    b"link/through",
    b"a.txt/below",
    b"src",
    b"CON",
    b"x" * 300,
    b"d/" * 600 + b"f",
    b".gitmodules",
    b"a\tb",
    b"a b",
    b"",
    b".",
    b"\xff",
)
MODES = (b"120000", b"160000", b"100755", b"104755", b"040000", b"0", b"777777777777", b"x")
NUMBERS = (b"0", b"1", b"99999999999", b"-1", b"4294967296", b"18446744073709551616", b"")


def cut(chance: random.Random, patch: bytes) -> bytes:
    return patch[: chance.randrange(len(patch) + 1)]


def flip(chance: random.Random, patch: bytes) -> bytes:
    broken = bytearray(patch)
    for _ in range(min(chance.randint(1, 6), len(broken))):
        broken[chance.randrange(len(broken))] = chance.randrange(256)
    return bytes(broken)


def swap_lines(chance: random.Random, patch: bytes) -> bytes:
    lines = patch.splitlines(keepends=True)
    if len(lines) > 1:
        one, two = chance.sample(range(len(lines)), 2)
        lines[one], lines[two] = lines[two], lines[one]
    return b"".join(lines)


def drop_or_repeat_a_line(chance: random.Random, patch: bytes) -> bytes:
    lines = patch.splitlines(keepends=True)
    if lines:
        at = chance.randrange(len(lines))
        lines[at : at + 1] = chance.choice(([], [lines[at]] * 2))
    return b"".join(lines)


def rename(chance: random.Random, patch: bytes) -> bytes:
    old = chance.choice((b"a.txt", b"src/new.py", b"src/m.py", b"run.sh", b"go.sh", b"copy.txt", b"bin"))
    return patch.replace(old, chance.choice(NAMES), chance.choice((1, 2, 99)))


def another_mode(chance: random.Random, patch: bytes) -> bytes:
    return patch.replace(chance.choice((b"100644", b"100755", b"120000")), chance.choice(MODES), chance.choice((1, 9)))


def another_number(chance: random.Random, patch: bytes) -> bytes:
    mark = chance.choice((b"-1,3", b"+1,3", b"+1,2", b"literal 1", b"100%", b"-0,0"))
    head = mark.rstrip(b"0123456789%")
    return patch.replace(mark, head + chance.choice(NUMBERS))


def windows(chance: random.Random, patch: bytes) -> bytes:
    return patch.replace(b"\n", b"\r\n", chance.choice((1, 3, -1)))


def mail(chance: random.Random, patch: bytes) -> bytes:
    return b"From 1 Mon Sep 17\nSubject: =?utf-8?q?x?=\n\n---\n a.txt | 2 +-\n\n" + patch + b"-- \n2.39\n"


def noise(chance: random.Random, patch: bytes) -> bytes:
    at = chance.randrange(len(patch) + 1)
    return patch[:at] + chance.randbytes(chance.choice((1, 10, 1000))) + patch[at:]


def hide(chance: random.Random, patch: bytes) -> bytes:
    return patch.replace(b"+x = 1", b"+x = '" + chance.choice(("\u202e", "\x1b", "\u200b", "\u2066", "\r")).encode() + b"'")


MUTATIONS: tuple[Mutation, ...] = (
    cut,
    flip,
    swap_lines,
    drop_or_repeat_a_line,
    rename,
    another_mode,
    another_number,
    windows,
    mail,
    noise,
    hide,
)


def damaged(seed: int) -> bytes:
    """One to three parts, changed in one to three ways; the same for the same seed."""
    chance = random.Random(seed)
    patch = b"".join(chance.sample(PARTS, chance.randint(1, 3)))
    for _ in range(chance.randint(1, 3)):
        patch = chance.choice(MUTATIONS)(chance, patch)
    return patch


def fingerprint(folder: Path, leave_out: Path) -> str:
    """Names, kinds, modes and contents of everything in a folder but the private store."""
    digest = sha256()
    for path in sorted(folder.rglob("*")):
        if path == leave_out or leave_out in path.parents:
            continue
        status = path.lstat()
        digest.update(f"{path}\0{status.st_mode}\0".encode("utf-8", "surrogateescape"))
        digest.update(str(path.readlink()).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


def ask(objects: PrivateObjects, patch: bytes) -> Result | None:
    try:
        change = read_change("-", objects=objects, stdin=patch)
    except (ChangeRefused, UsageError) as problem:
        refused = str(problem)
    else:
        return judged(change, objects)
    assert refused.strip()
    assert refused.isprintable()
    return None


def judged(change: Change, objects: PrivateObjects) -> Result:
    result = intake.judge(change, objects, intake.Options())
    for file in change.files:
        evil = file.new_mode in ("120000", "160000") or ".." in file.path.split("/") or ".git" in file.path.lower().split("/")
        assert not (evil and result.outcome is Outcome.PASS), file
    return result


@pytest.mark.parametrize("piece", range(PIECES))
@pytest.mark.timeout(600)
def test_damaged_patches_are_answered_and_write_nothing_outside_the_store(repository: Path, tmp_path: Path, piece: int) -> None:
    private = tmp_path / "private"
    with PrivateObjects(repository, private) as objects:
        before = fingerprint(tmp_path, private)
        answers = {seed: ask(objects, damaged(seed)) for seed in range(piece, COUNT, PIECES)}
    assert fingerprint(tmp_path, private) == before
    assert not any(Path(folder, "evil").exists() for folder in ("/etc", "/tmp", "/"))
    assert not list(private.glob("index-*")), "temporary indexes are removed"
    outcomes = [answer.outcome for answer in answers.values() if answer]
    assert len(answers) // 20 < len(outcomes) < len(answers), "some must survive their damage and some must not"
    assert len(answers) < 50 or len(set(outcomes)) > 1
