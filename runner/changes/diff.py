"""A change from a diff: a file, or standard input."""

from pathlib import Path
from typing import IO

from runner.changes.caps import HARDEST, Caps
from runner.changes.sides import base_of, change_of
from runner.errors import ChangeRefused, UsageError
from runner.git.mentions import header_count
from runner.git.objects import PrivateObjects
from runner.model.change import Change
from runner.model.units import show_size


def read_bounded(stream: IO[bytes], most: int = HARDEST) -> bytes:
    """Everything in a stream, but never more than `most` bytes and one, which is how one sees that there was more."""
    return stream.read(most + 1)


def read_file(path: Path, most: int = HARDEST) -> bytes:
    """A diff file, as far as it may be read; raises UsageError when it cannot be."""
    try:
        with path.open("rb") as stream:
            return read_bounded(stream, most)
    except IsADirectoryError as problem:
        raise UsageError(f"'{path}' is a directory, not a file") from problem
    except OSError as problem:
        raise UsageError(f"'{path}' cannot be read: {problem.strerror}") from problem


def from_diff(patch: bytes, *, source: str, objects: PrivateObjects, base: str | None, caps: Caps, called: str = "") -> Change:
    """The change that a patch makes of a base; raises ChangeRefused with git's reason when it does not apply exactly."""
    _check_size(patch, caps)
    start = base_of(objects, base)
    try:
        tree = objects.apply(objects.tree_of(start.commit), patch)
    except ChangeRefused as refused:
        raise ChangeRefused(str(refused).replace("does not apply:", f"does not apply to {start.label}:", 1), hint=refused.hint) from refused
    head = called or ("the diff on standard input" if source == "-" else source)
    return change_of(objects, start, tree, kind="diff", source=source, head=head, caps=caps)


def _check_size(patch: bytes, caps: Caps) -> None:
    most = min(caps.max_patch, HARDEST)
    if len(patch) > most:
        known = show_size(len(patch)) if len(patch) <= HARDEST else f"more than {show_size(HARDEST)}"
        raise ChangeRefused(
            f"the patch is {known}; at most {show_size(most)} are taken",
            hint="Split it, or raise `validate.intake.max_patch` in the policy.",
        )
    if not patch.strip():
        raise ChangeRefused("the patch is empty", hint="Give the output of `git diff`; is there a change at all?")
    if (files := header_count(patch)) > 2 * caps.max_files:
        raise ChangeRefused(
            f"the patch has headers for {files} files; at most {caps.max_files} are taken",
            hint="Split it, or raise `validate.intake.max_files` in the policy.",
        )
