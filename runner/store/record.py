"""One run as the record keeps it, for whoever looks."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from runner.model.said import Said
from runner.model.value import Value
from runner.store import attention

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Record(Value):
    """One run as the store keeps it; `report` is the JSON report, absent while the run goes on."""

    id: str
    change_id: str
    patch_id: str
    repository: str
    base: str
    started: str
    ended: str | None
    state: str
    ending: str | None
    verdict: str | None
    reason: str
    policy_digest: str
    exit_code: int | None
    host: str | None = None
    """The machine that it was on; its logs are there."""
    command: str = "check"
    target: str = ""
    """Where a submitted change goes."""
    stage: str = ""
    """The last stage that a submitted run came through."""
    waits: str = ""
    """Why a person is waited for, in a sentence; empty where nobody is."""
    verbs: tuple[str, ...] = ()
    """What a person may say then (`runner.model.said.VERBS`)."""
    decisions: tuple[Said, ...] = ()
    """What people said to it, oldest first; only of a run that is shown by itself."""
    report: str | None = None


def records(connection: "Connection", rows: Iterable[Mapping[str, Any]]) -> tuple[Record, ...]:
    """Rows of `runs`, each with what it waits for."""
    every = list(rows)
    waiting = attention.awaited(connection, every)
    return tuple(Record(**row, **waiting[row["id"]].told() if row["id"] in waiting else {}) for row in every)
