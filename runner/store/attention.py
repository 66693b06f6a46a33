"""What of the record concerns people: the runs that wait for the word of one, and what was said to a run."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from runner.model.promotion import Step
from runner.model.run import Command, State
from runner.model.said import Said

if TYPE_CHECKING:
    from sqlalchemy import Connection

_CHUNK: Final = 100
_DECIDED: Final = ("monitor", "settle", "recorded")
"""Last stages after which nobody is asked any more."""
_KINDS: Final = {
    "run.approved": "approve",
    "run.denied": "deny",
    "run.cancel": "cancel",
    "run.confirm": "confirm",
    "run.rollback": "rollback",
}
"""Entries of the audit log that are somebody's word."""
_MOST: Final = 100


class Awaited(NamedTuple):
    """What a run waits for: why, in a sentence, and what a person may say to it."""

    reason: str
    verbs: tuple[str, ...]

    def told(self) -> dict[str, Any]:
        """As `runner.store.runs.Record` has it."""
        return {"waits": self.reason, "verbs": self.verbs}


_NOTHING: Final = Awaited("", ())


def awaited(connection: "Connection", rows: Iterable[Mapping[str, Any]]) -> dict[str, Awaited]:
    """Of rows of `runs`, those that wait for a person: submitted and held, or promoted with nobody but a person to confirm it."""
    asked = {str(row["id"]): row for row in rows if row["state"] in (State.HELD.value, State.RUNNING.value)}
    found: dict[str, Awaited] = {}
    names = list(asked)
    for begin in range(0, len(names), _CHUNK):
        for run, facts in _facts(connection, names[begin : begin + _CHUNK]):
            row = asked[run]
            what = _held(row, facts) if row["state"] == State.HELD.value else _promoted(connection, row, facts)
            if what.verbs:
                found[run] = what
    return found


def said(connection: "Connection", run: str) -> tuple[Said, ...]:
    """What people said to a run, oldest first; the latest hundred. Hostile text."""
    from sqlalchemy import select

    from runner.store.schema import audit

    query = select(audit.c.at, audit.c.kind, audit.c.body).where(audit.c.subject == run, audit.c.kind.in_(_KINDS))
    rows = connection.execute(query.order_by(audit.c.seq.desc()).limit(_MOST)).all()
    return tuple(_said(_KINDS[row.kind], row.at, _parsed(row.body)) for row in reversed(rows))


def _facts(connection: "Connection", names: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Where the promotions of submitted runs are, and what was asked of them meanwhile."""
    from sqlalchemy import select

    from runner.store.schema import promotions, submissions

    query = select(submissions.c.run, submissions.c.wish, promotions.c.step, promotions.c.deadline)
    query = query.outerjoin(promotions, promotions.c.run == submissions.c.run).where(submissions.c.run.in_(names))
    yield from ((str(row["run"]), dict(row)) for row in connection.execute(query).mappings().all())


def _held(row: Mapping[str, Any], facts: Mapping[str, Any]) -> Awaited:
    promoted = facts["step"] is not None and Step(facts["step"]).open
    return Awaited(str(row["reason"]), ("confirm", "rollback") if promoted else ("approve", "deny"))


def _promoted(connection: "Connection", row: Mapping[str, Any], facts: Mapping[str, Any]) -> Awaited:
    """For a promotion that no probe watches: unless somebody has said something since, it waits for that."""
    if facts["step"] != Step.PROMOTED.value or facts["wish"] or row["stage"] in _DECIDED or row["command"] == Command.RESTORE.value:
        return _NOTHING
    monitor = _monitor(connection, str(row["id"]))
    if monitor is None or monitor.get("probes"):
        return _NOTHING
    until = _time(facts["deadline"])
    otherwise = "held for a person" if monitor.get("on_undecided") == "hold" else "taken back"
    reason = f"it is promoted, and the policy has no probes: it is {otherwise} at {until} unless a person confirms it before"
    return Awaited(reason, ("confirm", "rollback"))


def _monitor(connection: "Connection", run: str) -> dict[str, Any] | None:
    """What the policy of a run says about watching, `None` where that cannot be read."""
    from sqlalchemy import select

    from runner.store.schema import submissions

    body = _parsed(connection.execute(select(submissions.c.body).where(submissions.c.run == run)).scalar())
    try:
        monitor = body["policy"]["values"]["monitor"]
    except (KeyError, TypeError):  # an edited record may hold anything
        return None
    return monitor if isinstance(monitor, dict) else None


def _said(verb: str, at: object, body: Mapping[str, Any]) -> Said:
    return Said(verb=verb, who=str(body.get("who") or ""), reason=str(body.get("reason") or ""), at=_time(at))


def _time(at: object) -> str:
    try:
        return datetime.fromtimestamp(float(at), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return "a time that is not known"


def _parsed(text: str | None) -> dict[str, Any]:
    try:
        body = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
