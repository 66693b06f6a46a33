"""What a server is sent for CHANGE: a diff or edits as they are, and everything else as a diff against a commit that the server has."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runner.errors import ChangeRefused, UsageError
from runner.model.text import cut, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.changes.kinds import Kind

_MOST_FILES: Final = 100_000
"""The policy, which the server has, allows less."""
_LONGEST_NAME: Final = 100


class Offer(NamedTuple):
    """A change as it is sent; `kind` is `diff` or `edits`, `base` a commit, or what was typed, or empty, `name` what people call it."""

    content: bytes
    kind: str
    base: str
    name: str


def offered(asked: "Mapping[str, Any]", note: "Callable[[str], None]") -> Offer:
    """Read CHANGE here; `asked` has what was typed. Raises UsageError, and ChangeRefused for what is no change that can be sent."""
    from runner.changes.kinds import Kind, kind_of

    forced = Kind(asked["kind"]) if asked["kind"] else None
    if kind_of(asked["change"], forced) in (Kind.DIFF, Kind.EDITS):
        return _as_it_is(asked, forced)
    return _as_a_diff(asked, forced, note)


def _as_it_is(asked: "Mapping[str, Any]", forced: "Kind | None") -> Offer:
    """No repository is needed: the base is the server's affair, as `--base` names it there."""
    from runner.changes.caps import HARDEST
    from runner.changes.diff import read_file
    from runner.changes.kinds import kind_of_content
    from runner.model.units import show_size

    spec: str = asked["change"]
    if forced is None and spec != "-":
        _check_ambiguity(spec, asked["repo"])
    content = asked["stdin"] if spec == "-" else read_file(Path(spec))
    if content is None:
        raise UsageError("nothing came on standard input", hint="Pipe a diff in, e.g. `git diff | seatrial check -`.")
    if len(content) > HARDEST:
        raise ChangeRefused(f"the change is more than {show_size(HARDEST)}", hint="Split it.")
    return Offer(content, str(forced or kind_of_content(content, spec)), asked["base"] or "", _name("" if spec == "-" else Path(spec).name))


def _check_ambiguity(spec: str, repo: Path) -> None:
    """As without a server, a file must not pass for a branch: where this is a repository at all."""
    from runner.changes.kinds import check_ambiguity, looks_like_a_file
    from runner.git.objects import PrivateObjects

    if looks_like_a_file(spec):
        return
    with TemporaryDirectory(prefix="seatrial-") as folder:
        try:
            objects = PrivateObjects(repo, Path(folder))
        except UsageError:
            return
        with objects:
            check_ambiguity(spec, objects)


def _as_a_diff(asked: "Mapping[str, Any]", forced: "Kind | None", note: "Callable[[str], None]") -> Offer:
    """What is read in the repository here, as git's own binary diff of both trees."""
    from runner.changes.caps import HARDEST, Caps
    from runner.changes.read import read_change
    from runner.git.objects import PrivateObjects

    caps = Caps(max_patch=HARDEST, max_files=_MOST_FILES)
    with TemporaryDirectory(prefix="seatrial-") as folder, PrivateObjects(asked["repo"], Path(folder)) as objects:
        change = read_change(asked["change"], objects=objects, base=asked["base"], limits=caps, note=note, kind=forced)
        note(f"{change.head_label} onto {change.base_label}")
        return Offer(objects.patch(change.base_tree, change.tree, HARDEST), "diff", change.base_commit, _name(change.head_label))


def _name(called: str) -> str:
    """In one line that a server takes."""
    return cut(printable(" ".join(called.split())), _LONGEST_NAME)
