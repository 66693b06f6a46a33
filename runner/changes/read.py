"""Turns what a person gave as CHANGE into a Change, whatever kind it is."""

from collections.abc import Callable
from pathlib import Path

from runner.changes.caps import Caps
from runner.changes.diff import from_diff, read_file
from runner.changes.revision import from_range, from_revision
from runner.errors import UsageError
from runner.git.objects import PrivateObjects
from runner.model.change import Change


def _silent(text: str) -> None:
    """Say nothing."""


def read_change(
    spec: str,
    *,
    objects: PrivateObjects,
    base: str | None = None,
    stdin: bytes | None = None,
    limits: Caps | None = None,
    note: Callable[[str], None] = _silent,
) -> Change:
    """The change named by `spec`: a diff file, `-` for the diff in `stdin`, a revision, or `A..B`.

    A file wins over a revision of the same name; `note` is told so. Raises UsageError when there is no such thing,
    ChangeRefused when it is no change that can be judged (that is a reject, not a mistake of the caller).
    """
    caps = limits or Caps()
    if spec == "-":
        if stdin is None:
            raise UsageError("nothing came on standard input", hint="Pipe a diff in, e.g. `git diff | seatrial check -`.")
        return from_diff(stdin, source="-", objects=objects, base=base, caps=caps)
    if _is_file(spec):
        if ".." not in spec and not _looks_like_a_file(spec) and _is_revision(objects, spec):
            note(f"'{spec}' is both a file and a revision; the file was taken. For the revision, write 'refs/heads/{spec}' or its id.")
        return from_diff(read_file(Path(spec)), source=spec, objects=objects, base=base, caps=caps)
    if is_range(spec):
        if base is not None:
            raise UsageError(f"'{spec}' names its base itself", hint="Leave --base out, or give only the revision.")
        return from_range(spec, objects=objects, caps=caps)
    if _looks_like_a_file(spec):
        raise UsageError(f"there is no file '{spec}'", hint="Give a diff file, `-`, a revision or A..B.")
    return from_revision(spec, objects=objects, base=base, caps=caps)


def is_range(spec: str) -> bool:
    """Whether `spec` is taken as `A..B`."""
    return spec != "-" and not _is_file(spec) and ".." in spec and not spec.startswith(("./", "../", "/"))


def is_single_revision(spec: str) -> bool:
    """Whether `spec` is taken as one revision."""
    return spec != "-" and not _is_file(spec) and not is_range(spec) and not _looks_like_a_file(spec)


def _is_file(spec: str) -> bool:
    try:
        return Path(spec).exists()
    except (OSError, ValueError):
        return False


def _is_revision(objects: PrivateObjects, spec: str) -> bool:
    try:
        objects.resolve(spec)
    except UsageError:
        return False
    return True


def _looks_like_a_file(spec: str) -> bool:
    return spec.startswith(("./", "../", "/")) or spec.endswith((".diff", ".patch"))
