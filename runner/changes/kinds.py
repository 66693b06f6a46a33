"""Which kind of change a person means by CHANGE."""

import re
from enum import StrEnum
from pathlib import Path

from runner.errors import UsageError
from runner.git.objects import PrivateObjects

KNOWN = "a diff file, `-`, a revision, A..B, A...B, a directory or JSON edits"
_EDITS = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[\s*[{\]]")
_PLACES = ("./", "../", "/")
_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*[{\[]")


class Kind(StrEnum):
    """What `--as` takes."""

    DIFF = "diff"
    REVISION = "revision"
    RANGE = "range"
    WORK = "work"
    OVERLAY = "overlay"
    EDITS = "edits"


def kind_of(spec: str | None, forced: Kind | None = None) -> Kind:
    """The kind that `spec` is taken as, by its looks and by what lies on disk; no git process is started.

    A file counts as a diff here: only its content tells edits (`kind_of_content`). Raises UsageError when `forced` cannot be.
    """
    if spec is None:
        if forced not in (None, Kind.WORK):
            raise UsageError(f"--as {forced} needs a CHANGE", hint="Without one, the work tree is judged.")
        return Kind.WORK
    return _by_looks(spec) if forced is None else _checked(spec, forced)


def kind_of_content(content: bytes, spec: str) -> Kind:
    """Whether a file, or standard input, holds a diff or edits: these begin as a JSON list of objects does."""
    if _EDITS.match(content) or (spec.endswith(".json") and _JSON.match(content)):
        return Kind.EDITS
    return Kind.DIFF


def check_ambiguity(spec: str, objects: PrivateObjects) -> None:
    """Raises UsageError when a file or directory is also a revision or range: whoever can put a file there would choose what is judged."""
    if spec.startswith(_PLACES):
        return
    if ".." in spec:
        other, known = Kind.RANGE, all(_is_revision(objects, side or "HEAD") for side in re.split(r"\.{2,3}", spec, maxsplit=1))
    else:
        other, known = Kind.REVISION, not looks_like_a_file(spec) and _is_revision(objects, spec)
    if known:
        what, mine = ("directory", " or --as overlay") if Path(spec).is_dir() else ("file", "")
        raise UsageError(
            f"'{spec}' is both a {what} and a {other}", hint=f"Say which: --as {other}{mine}, or ./{spec} for what lies on disk."
        )


def looks_like_a_file(spec: str) -> bool:
    """Whether nobody would call a branch so."""
    return spec.startswith(_PLACES) or spec.endswith((".diff", ".patch", ".json", "/"))


def _by_looks(spec: str) -> Kind:
    if spec == "-":
        return Kind.DIFF
    if _exists(spec):
        return Kind.OVERLAY if Path(spec).is_dir() else Kind.DIFF
    if ".." in spec and not spec.startswith(_PLACES):
        return Kind.RANGE
    if looks_like_a_file(spec):
        raise UsageError(f"there is no file '{spec}'", hint=f"Give {KNOWN}.")
    return Kind.REVISION


def _checked(spec: str, kind: Kind) -> Kind:
    problem = {
        Kind.WORK: "takes no CHANGE: it is the work tree of the repository",
        Kind.RANGE: "" if ".." in spec else f"needs A..B or A...B, and '{spec}' is neither",
        Kind.OVERLAY: "" if _exists(spec) and Path(spec).is_dir() else f"needs a directory, and '{spec}' is none",
        Kind.REVISION: "needs a revision, not standard input" if spec == "-" else "",
    }.get(kind, "" if spec == "-" or _exists(spec) else f"needs a file or `-`, and there is no file '{spec}'")
    if problem:
        raise UsageError(f"--as {kind} {problem}", hint="`seatrial check --help` tells the kinds.")
    return kind


def _exists(spec: str) -> bool:
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
