"""The statements over the gates' log, each built once: building one takes as long as the database takes to answer it."""

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select, union, update

from runner.store.schema import ONCE, gate_log, gate_state

if TYPE_CHECKING:
    from sqlalchemy import CompoundSelect, Delete, Insert, Select, Update

_HERE = (gate_log.c.gate == bindparam("gate"), gate_log.c.key == bindparam("key"))
_STATE = (gate_state.c.gate == bindparam("of_gate"), gate_state.c.key == bindparam("of_key"))


@cache
def entries(*, after: bool, since: bool, kind: bool) -> "Select[Any]":
    """The log of `gate` and `key` in order, with those of the bounds `after`, `since` and `kind` that are named."""
    query = gate_log.select().where(*_HERE).order_by(gate_log.c.seq)
    if after:
        query = query.where(gate_log.c.seq > bindparam("after"))
    if since:
        query = query.where(gate_log.c.at > bindparam("since"))
    return query.where(gate_log.c.kind == bindparam("kind")) if kind else query


@cache
def find() -> "Select[Any]":
    """The entry of `kind` that `run` has in the log of `gate` and `key`."""
    mine = (gate_log.c.kind == bindparam("kind"), gate_log.c.run == bindparam("run"), ONCE)
    return gate_log.select().where(*_HERE, *mine).order_by(gate_log.c.seq).limit(1)


@cache
def append() -> "Insert":
    """A new entry, its columns by their names."""
    return insert(gate_log)


@cache
def keys() -> "CompoundSelect[Any]":
    """Every key that `gate` has a log or a state of."""
    return union(*(select(table.c.key).where(table.c.gate == bindparam("gate")) for table in (gate_log, gate_state)))


@cache
def forget() -> "Delete":
    """Drop the entries of `gate` and `key` older than `before`."""
    return delete(gate_log).where(*_HERE, gate_log.c.at < bindparam("before"))


@cache
def state() -> "Select[Any]":
    """The kept state of `of_gate` and `of_key`."""
    return gate_state.select().where(*_STATE)


@cache
def replace_state() -> "Update":
    """Set `seq` and `state` of `of_gate` and `of_key`."""
    return update(gate_state).where(*_STATE)


@cache
def keep_state() -> "Insert":
    """A first state, its columns by their names."""
    return insert(gate_state)
