"""What lies between two trees, read from `git diff-tree`; names travel NUL-terminated."""

from runner.errors import ChangeRefused
from runner.git.cat import sizes
from runner.git.command import Git, ProcessLimits
from runner.model.change import FileChange, Status
from runner.model.text import shown
from runner.model.units import show_size
from runner.ports import TreeEntry

_DIFF = ("diff-tree", "-r", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--full-index")
_LIMITS = ProcessLimits(memory=2**30)
MOST_CONTENT = 256 * 2**20
_PAIR = tuple[TreeEntry | None, TreeEntry | None]


def raw(git: Git, old: str, new: str) -> tuple[_PAIR, ...]:
    """Old and new entry of every path that differs; `None` where it is absent."""
    answer = git.run(*_DIFF, "--raw", "--no-abbrev", "-z", old, new)
    if not answer.ok:
        raise ChangeRefused(f"the two trees cannot be compared: {answer.reason}")
    fields = answer.out.split(b"\0")[:-1]
    return tuple(_pair(head, path) for head, path in zip(fields[::2], fields[1::2], strict=True))


def _pair(head: bytes, path: bytes) -> _PAIR:
    old_mode, new_mode, old_blob, new_blob, _ = head.decode("ascii").lstrip(":").split(" ")
    before = None if old_mode == "000000" else TreeEntry(old_mode, old_blob, path)
    after = None if new_mode == "000000" else TreeEntry(new_mode, new_blob, path)
    return before, after


def files(git: Git, old: str, new: str) -> tuple[FileChange, ...]:
    """Every path that differs, with sizes and line counts; raises ChangeRefused when the contents are too large to compare."""
    pairs = raw(git, old, new)
    known = sizes(git, {side.blob for pair in pairs for side in pair if side and side.mode != "160000"})
    if (content := sum(known.values())) > MOST_CONTENT:
        raise ChangeRefused(f"the changed files hold {show_size(content)}; at most {show_size(MOST_CONTENT)} can be judged")
    counts = _counts(git, old, new) if pairs else {}
    return tuple(_file(some, before, after, known, counts) for before, after in pairs if (some := after or before))


def _file(
    some: TreeEntry, before: TreeEntry | None, after: TreeEntry | None, known: dict[str, int], counts: dict[bytes, tuple[int, int] | None]
) -> FileChange:
    added_deleted = counts.get(some.path, (0, 0))
    added, deleted = added_deleted or (0, 0)
    nothing = "0" * len(some.blob)
    return FileChange(
        name=some.path,
        path=shown(some.path),
        status=_status(before, after),
        old_mode=before.mode if before else "000000",
        new_mode=after.mode if after else "000000",
        old_blob=before.blob if before else nothing,
        new_blob=after.blob if after else nothing,
        old_size=known.get(before.blob, 0) if before else 0,
        new_size=known.get(after.blob, 0) if after else 0,
        added=added,
        deleted=deleted,
        binary=added_deleted is None,
    )


def _status(before: TreeEntry | None, after: TreeEntry | None) -> Status:
    if before is None:
        return Status.ADDED
    if after is None:
        return Status.DELETED
    return Status.MODIFIED if before.mode[:3] == after.mode[:3] else Status.TYPE_CHANGED


def _counts(git: Git, old: str, new: str) -> dict[bytes, tuple[int, int] | None]:
    """Lines added and deleted by path; `None` for binary files."""
    answer = git.run(*_DIFF, "--numstat", "-z", old, new, limits=_LIMITS)
    if not answer.ok:
        raise ChangeRefused(f"the changed files cannot be compared: {answer.reason}")
    counts: dict[bytes, tuple[int, int] | None] = {}
    for line in answer.out.split(b"\0")[:-1]:
        added, deleted, path = line.split(b"\t", 2)
        counts[path] = None if added == b"-" else (int(added), int(deleted))
    return counts


def patch(git: Git, old: str, new: str, most: int) -> bytes:
    """The canonical diff: binary, full index, no renames; raises ChangeRefused when it is larger than `most` bytes."""
    answer = git.run(*_DIFF, "--patch", "--binary", old, new, limits=_LIMITS, most=most)
    if answer.cut:
        raise ChangeRefused(
            f"the change is larger than {show_size(most)} as a patch", hint="Split it, or raise `validate.intake.max_patch` in the policy."
        )
    if not answer.ok:
        raise ChangeRefused(f"the change cannot be written as a patch: {answer.reason}")
    return answer.out


def patch_id(git: Git, diff: bytes) -> str:
    """`git patch-id --stable` of a diff; for one without any lines, which has none, the object id of its text."""
    answer = git.run("patch-id", "--stable", stdin=diff, limits=_LIMITS)
    words = answer.out.decode("ascii", "replace").split()
    if answer.ok and words:
        return words[0]
    return git.run("hash-object", "--stdin", stdin=diff).out.decode().strip()
