"""A run as a row, as it begins and as it ends, and what the audit log says of it."""

import json
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from runner.errors import StoreUnavailable
from runner.model.run import Command, Run, State
from runner.store import owners
from runner.store.names import storable

if TYPE_CHECKING:
    from sqlalchemy import Connection

BEGAN: Final = "run.began"
HELD: Final = "run.held"
ENDED: Final = "run.ended"
"""Kinds of entries of the audit log; their subject is the run."""
UNDECIDED: Final = (State.QUEUED.value, State.RUNNING.value)
"""States that a run may leave."""


def beginning(run: Run, state: Path) -> dict[str, object]:
    """The row of a run that begins here. Raises StoreUnavailable."""
    return {"id": run.id, **identity(run), **fate_of(run), **whereabouts(state), "ended": None, "report": None}


def begin(connection: "Connection", row: Mapping[str, object]) -> None:
    """Write a run down that begins; one that a server was asked for is there already, and may begin again in another process."""
    from sqlalchemy import insert, update

    from runner.store.schema import runs

    waited = (runs.c.id == row["id"], runs.c.state.in_(UNDECIDED))
    if not connection.execute(update(runs).where(*waited).values(row)).rowcount:
        connection.execute(insert(runs).values(row))


def whereabouts(state: Path, place: Callable[[Path], str] = owners.place) -> dict[str, str]:
    """This machine, and the state folder that has the locks and logs of the runs begun here."""
    try:
        return {"host": storable(socket.gethostname()), "place": place(state)}
    except OSError as problem:
        hint = "Set XDG_STATE_HOME to a folder that you can write to."
        raise StoreUnavailable(f"{state} cannot be used: {problem.strerror}", hint=hint) from problem


def identity(run: Run) -> dict[str, object]:
    """What does not change while the run goes on."""
    return {
        "change_id": run.change.id,
        "patch_id": run.change.patch_id,
        "repository": _text(run.repository),
        "base": run.change.base_commit,
        "started": time_of(run.started),
        "policy_digest": run.policy.digest,
        "command": run.command.value,
        "target": _text(run.target) if run.command is not Command.CHECK else "",
    }


def fate_of(run: Run) -> dict[str, object]:
    """Where the run is, and what was decided."""
    decision = run.decision
    return {
        "state": run.state.value,
        "ending": decision.ending.value if decision and decision.ending else None,
        "verdict": decision.verdict.value if decision and decision.verdict else None,
        "reason": _text(decision.reason) if decision else "",
    }


def _text(said: str) -> str:
    """What every database takes: a change may have put NUL, or half a character, into a reason to keep its run off the record."""
    return said.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def told(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit log says of a decision."""
    named = {"change": "change_id", "policy": "policy_digest"}
    return {key: values[named.get(key, key)] for key in ("change", "policy", "state", "ending", "verdict", "exit_code", "reason")}


def exit_code(report: str) -> int | None:
    """That of a JSON report, where it has one."""
    code = json.loads(report).get("exit_code")
    return code if isinstance(code, int) else None


def time_of(moment: datetime) -> str:
    """A moment as the table has it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
