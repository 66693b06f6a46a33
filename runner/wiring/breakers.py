"""The breakers of the record: which there are, and what people decide over their heads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from runner.errors import UsageError
from runner.gates.breaker.fold import State, at_time
from runner.gates.breaker.log import GATE, Log, called
from runner.gates.breaker.options import NAMES
from runner.model.keys import key_of, parts_of
from runner.model.text import printable
from runner.ports import Moment
from runner.store.ledger import SqlLedger

_PARTS: Final = {"host": "the host", "promotion": "the target", "author": "the target and the author"}


class Seen(NamedTuple):
    """Breakers as they were at one moment, in seconds since 1970 by the database's clock."""

    breakers: tuple[State, ...]
    now: float
    known: bool = True
    """Whether anything had been counted under that key."""


def listed(state: Path) -> Seen:
    """Every breaker that a run or a person ever had to do with. Raises StoreUnavailable, as all of these do."""
    with _moment(state) as moment:
        return Seen(tuple(_seen(moment, key) for key in moment.keys(GATE)), moment.now)


def shown(state: Path, name: str, keys: tuple[str, ...]) -> Seen:
    """One breaker; `known` is false, and it is as if new, where nothing was ever counted. Raises UsageError for a key that is none."""
    key = key_of(*parts(name, keys))
    with _moment(state) as moment:
        return Seen((_seen(moment, key),), moment.now, key in moment.keys(GATE))


def force(
    state: Path, name: str, keys: tuple[str, ...], to: Literal["open", "disabled"], reason: str, who: str, seconds: float | None
) -> Seen:
    """Open or disable a breaker, of one key or without any for all; `seconds` from now on, or until it is reset. Raises UsageError."""
    key = key_of(*parts(name, keys))
    with _moment(state, writing=True) as moment:
        known = not keys or key in moment.keys(GATE)
        until = None if seconds is None else moment.now + seconds
        Log(moment, key).write("forced", {"state": to, "reason": reason, "who": who, "until": until})
        return Seen((_seen(moment, key),), moment.now, known)


def reset(state: Path, name: str, keys: tuple[str, ...], reason: str, who: str) -> Seen:
    """Close a breaker with an empty window, of one key or without any all that there are. Raises UsageError where nothing was counted."""
    with _moment(state, writing=True) as moment:
        known = [key for key in moment.keys(GATE) if parts_of(key)[0] == name]
        wanted = [key_of(*parts(name, keys))] if keys else known
        for key in wanted:
            if key not in known:
                raise _uncounted(key, known)
            Log(moment, key).write("reset", {"reason": reason, "who": who})
        return Seen(tuple(_seen(moment, key) for key in wanted), moment.now)


def switch_off(state: Path, reason: str, who: str, seconds: float) -> Seen:
    """Disable every breaker for so long, but one that a person holds open for all: what was stopped by hand stays stopped.

    The gate sees to the same where a person holds one open for one key.
    """

    def body(found: State, now: float) -> dict[str, Any] | None:
        held = found.forced is not None and found.forced.state == "open"
        return None if held else {"state": "disabled", "reason": reason, "who": who, "until": now + seconds}

    return _for_all(state, "forced", body)


def switch_on(state: Path, reason: str, who: str) -> Seen:
    """Let every breaker that is disabled for all work again, before its time."""

    def body(found: State, _now: float) -> dict[str, Any] | None:
        return {"reason": reason, "who": who} if found.forced is not None and found.forced.state == "disabled" else None

    return _for_all(state, "reset", body)


def parts(name: str, keys: tuple[str, ...]) -> tuple[str, ...]:
    """The key of a breaker's log; without keys what holds for all. Whom nobody vouched for is the author without a name. Raises UsageError."""
    if name == "author" and len(keys) == 1:
        return (name, *keys, "")
    if keys and len(keys) != (2 if name == "author" else 1):
        raise UsageError(f"the key of {name} is {_PARTS[name]}", hint="Give --key once for each.")
    return (name, *keys)


def _for_all(state: Path, kind: str, body: Callable[[State, float], dict[str, Any] | None]) -> Seen:
    """Write one entry for each breaker as it is for all keys, where there is one to write; all at one moment."""
    with _moment(state, writing=True) as moment:
        for name in NAMES:
            log = Log(moment, key_of(name))
            if (entry := body(at_time(log.state, moment.now), moment.now)) is not None:
                log.write(kind, entry)
        return Seen(tuple(_seen(moment, key_of(name)) for name in NAMES), moment.now)


def _uncounted(key: str, known: list[str]) -> UsageError:
    near = get_close_matches(called(key), [called(one) for one in known], 1, 0.5)
    hint = f"The nearest is: {printable(near[0])}" if near else "`seatrial breaker list` shows what there is."
    return UsageError(f"the breaker {printable(called(key))} has counted nothing", hint=hint)


def _seen(moment: Moment, key: str) -> State:
    return at_time(Log(moment, key).state, moment.now)


@contextmanager
def _moment(state: Path, *, writing: bool = False) -> Iterator[Moment]:
    ledger = SqlLedger(state)
    try:
        with ledger.writing() if writing else ledger.reading() as moment:
            yield moment
    finally:
        ledger.close()
