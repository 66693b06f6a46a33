"""Turns what a person gave as CHANGE into a Change, whatever kind it is."""

from collections.abc import Callable
from pathlib import Path

from runner.changes.caps import Caps
from runner.changes.diff import from_diff, read_file
from runner.changes.kinds import Kind, check_ambiguity, kind_of, kind_of_content
from runner.changes.revision import from_range, from_revision
from runner.errors import UsageError
from runner.git.objects import PrivateObjects
from runner.model.change import Change

_BEGINNING = 4096


def _silent(text: str) -> None:
    """Say nothing."""


def read_change(
    spec: str | None,
    *,
    objects: PrivateObjects,
    base: str | None = None,
    stdin: bytes | None = None,
    limits: Caps | None = None,
    note: Callable[[str], None] = _silent,
    kind: Kind | None = None,
    called: str = "",
) -> Change:
    """The change named by `spec`; `None` is the work tree, `-` what is in `stdin`. `kind` settles what `spec` leaves open.

    `called` is what people call a diff or edits, where that is not `spec`.

    Raises UsageError when there is no such thing or two of that name, a file and a revision,
    ChangeRefused when it is no change that can be judged (that is a reject, not a mistake of the caller).
    """
    caps = limits or Caps()
    taken = kind_of(spec, kind)
    if spec is None:
        from runner.changes.work import from_work

        return from_work(objects=objects, base=base, caps=caps, note=note)
    if taken is Kind.RANGE:
        if base is not None:
            raise UsageError(f"'{spec}' names its base itself", hint="Leave --base out, or give only the revision.")
        return from_range(spec, objects=objects, caps=caps)
    if taken is Kind.REVISION:
        return from_revision(spec, objects=objects, base=base, caps=caps)
    if spec != "-" and kind is None:
        check_ambiguity(spec, objects)
    if taken is Kind.OVERLAY:
        from runner.changes.overlay import from_overlay

        return from_overlay(Path(spec), objects=objects, base=base, caps=caps, note=note, sure=kind is not None)
    content = _content(spec, stdin)
    if (kind or kind_of_content(content, spec)) is Kind.EDITS:
        from runner.changes.edits import from_edits

        return from_edits(content, source=spec, objects=objects, base=base, caps=caps, called=called)
    return from_diff(content, source=spec, objects=objects, base=base, caps=caps, called=called)


def kind_given(spec: str | None, *, stdin: bytes | None, kind: Kind | None) -> Kind:
    """The kind that `read_change` takes, by no more than the beginning of a file; a pipe, which is read once, counts as a diff."""
    taken = kind_of(spec, kind)
    if spec is None or kind is not None or taken is not Kind.DIFF:
        return taken
    if spec == "-":
        return kind_of_content(stdin or b"", spec)
    return kind_of_content(read_file(Path(spec), _BEGINNING), spec) if Path(spec).is_file() else taken


def _content(spec: str, stdin: bytes | None) -> bytes:
    if spec != "-":
        return read_file(Path(spec))
    if stdin is None:
        raise UsageError("nothing came on standard input", hint="Pipe a diff in, e.g. `git diff | seatrial check -`.")
    return stdin
