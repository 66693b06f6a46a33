"""The change of a run as a patch: from the trees that were tried, where they are at hand, else as it was sent."""

from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from runner.errors import ChangeRefused, SeatrialError
from runner.model.request import Asked
from runner.store.requests import Request
from runner.store.submissions import Filed
from runner.targets.spec import parse
from runner.wiring.filing import opened

MOST: Final = 2**20
"""Bytes of a patch that is shown."""


class Given(NamedTuple):
    """The patch, or why there is none to show; `note` says what it is."""

    patch: bytes
    note: str = ""


def change_of(filed: Filed | None, request: Request | None, state: Path) -> Given:
    """The change of a submission, or of a request to check one."""
    if filed is None:
        return _as_sent(request.asked) if request else Given(b"", "this change was checked where it was made, and its trees were not kept")
    change = filed.run.change
    try:
        return Given(_patch(filed.run.repository, filed.submission.target, state, change.base_tree, change.tree))
    except ChangeRefused as refused:
        return Given(b"", f"{refused}; it is not shown here")
    except (SeatrialError, OSError) as problem:
        return Given(b"", f"the trees of this change are not at hand here: {problem}")


def _as_sent(asked: Asked) -> Given:
    if asked.revision:
        return Given(b"", f"the change is {asked.revision} of the repository {asked.repo or asked.target}")
    if asked.kind != "diff":
        return Given(b"", "the change was sent as edits, and nobody has kept its trees")
    if len(asked.change) > MOST:
        return Given(b"", "the change is too large to be shown here")
    return Given(asked.change, "as it was sent")


@lru_cache(maxsize=32)
def _patch(repository: str, target: str, state: Path, base: str, tree: str) -> bytes:
    with opened(Path(repository), parse(target), state) as objects:
        return objects.patch(base, tree, MOST)
