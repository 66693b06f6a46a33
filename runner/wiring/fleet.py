"""Who works on the runs of this database, what waits for them, and the schema that they share."""

from typing import NamedTuple

from runner.store.executors import Executors, Member
from runner.store.places import claim, places
from runner.store.upgrading import Upgrade
from runner.store.waiting import Home, Queue, SqlWaiting


class Fleet(NamedTuple):
    """What there is at one moment."""

    members: tuple[Member, ...]
    queues: tuple[Queue, ...]
    stranded: tuple[Home, ...]
    """State folders with unfinished runs, and nobody there who carries on with them."""


class Upgraded(NamedTuple):
    """What `migrate` did: the revision before, empty for none, and now."""

    name: str
    before: str
    now: str


def fleet() -> Fleet:
    """Raises StoreUnavailable."""
    state = places().state
    executors, waiting = Executors(state), SqlWaiting(state)
    try:
        members = executors.members()
        served = {member.place for member in members if member.alive}
        stranded = tuple(home for home in waiting.homes() if home.place not in served)
        return Fleet(members, waiting.queues(), stranded)
    finally:
        executors.leave(forget=False)
        waiting.close()


def migrate() -> Upgraded:
    """Bring the record and the engine's tables to what this version needs. Raises StoreUnavailable, and InfrastructureError without the engine."""
    from runner.engine.executor import migrate as make_tables

    state = claim(places().state)
    database = Upgrade(state)
    try:
        before = database.found()
        now = database.bring()
    finally:
        database.close()
    make_tables(state)
    return Upgraded(database.server.name, before, now)
