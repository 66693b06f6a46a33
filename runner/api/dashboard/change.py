"""The change of a run as a patch: from the trees that were tried, where they are at hand, else as it was sent."""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from runner.api.dashboard import edits, patch
from runner.api.dashboard.patch import Patch
from runner.errors import ChangeRefused, SeatrialError
from runner.model.request import Asked
from runner.reports.remarks import Remark
from runner.store.requests import Request
from runner.store.submissions import Filed
from runner.targets.spec import parse
from runner.wiring.filing import opened

MOST: Final = 2**20
"""Bytes of a patch that is shown."""


class Given(NamedTuple):
    """The patch or, where there never was one, the JSON edits or the name that were sent; `note` says what it is, or why there is nothing."""

    patch: bytes
    note: str = ""
    are_edits: bool = False
    name: str = ""

    def rows(self, remarks: Iterable[Remark]) -> Patch:
        """What is to be shown of it, with findings at their lines."""
        return edits.read(self.patch, remarks) if self.are_edits else patch.read(self.patch, remarks)


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
        where = f"the repository {asked.repo}" if asked.repo else f"the repository of {asked.target}"
        return Given(b"", f"it was sent as a {asked.kind} of {where}, and its commits are there", name=asked.revision)
    if len(asked.change) > MOST:
        return Given(b"", "the change is too large to be shown here")
    if asked.kind == "edits":
        return Given(asked.change, "as it was sent: what files are to hold, and nothing of what they held", are_edits=True)
    return Given(asked.change, "as it was sent")


@lru_cache(maxsize=32)
def _patch(repository: str, target: str, state: Path, base: str, tree: str) -> bytes:
    with opened(Path(repository), parse(target), state) as objects:
        return objects.patch(base, tree, MOST)
