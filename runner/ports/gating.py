"""The gates, and the ledger that they keep."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from runner.model.result import Result
from runner.model.run import Run

if TYPE_CHECKING:
    from runner.ports import Ports

FALSE_FUTURE: Final = 3600.0
"""Seconds by which an entry may be ahead of the clock and be believed: the clock was set back. Further ahead, the entry is the mistake."""


class Entry(NamedTuple):
    """One line of a gate's log, never changed once written. `at` is in seconds since 1970 by the database's clock."""

    seq: int
    at: float
    kind: str
    run: str
    body: Mapping[str, Any]


class Moment(Protocol):
    """One decision: a transaction of the gates' ledger that nobody else writes beside, at one time of the database's clock.

    A gate's log is kept per `key`, which the gate chooses. Every method raises StoreUnavailable.
    """

    now: float
    """Seconds since 1970 by the database's clock, read once the lock was had."""

    def entries(self, gate: str, key: str, *, after: int = 0, since: float = 0.0, kind: str | None = None) -> tuple[Entry, ...]:
        """The log of a key in order: entries with `seq` > `after` and `at` > `since`, of one kind or of all."""

    def find(self, gate: str, key: str, kind: str, run: str) -> Entry | None:
        """The entry that a run has of this kind; it has one at most."""

    def append(self, gate: str, key: str, kind: str, *, run: str = "", body: Mapping[str, Any] | None = None) -> Entry | None:
        """Write an entry at `now`; `None`, and nothing is written, when the run has one of this kind already."""

    def keys(self, gate: str) -> tuple[str, ...]:
        """Every key that the gate has a log or a state of."""

    def state(self, gate: str, key: str) -> tuple[int, str] | None:
        """What the log was last folded to, and the `seq` it was folded up to."""

    def keep(self, gate: str, key: str, seq: int, state: str) -> None:
        """Keep what the log up to `seq` folds to, so that the next fold starts there."""

    def forget(self, gate: str, key: str, before: float) -> None:
        """Drop entries older than `before` (seconds since 1970) that no decision needs any more."""

    def audit(self, kind: str, subject: str, body: Mapping[str, Any]) -> None:
        """Write an entry of the audit log, in this very transaction."""


class Ledger(Protocol):
    """The durable state of the gates."""

    def writing(self) -> AbstractContextManager[Moment]:
        """A moment that holds the write lock from its start; all of it is kept, or nothing when the block raises."""

    def reading(self) -> AbstractContextManager[Moment]:
        """A consistent view that blocks nobody; empty where nothing was ever recorded. Writing to it is a bug."""


class Gate(Protocol):
    """One pre-flight gate; a class that names this one as its base need only say what differs."""

    name: str
    Options: Any
    """The type of its section under `preflight` of the policy."""
    default: Any
    """That section when a policy does not give it."""

    def faults(self, options: Any) -> Iterable[tuple[tuple[str | int, ...], str]]:  # noqa: ARG002
        """What is wrong with options that are right key by key: the path below the gate's section, and what is to be said."""
        return ()

    def measure(self, run: Run, ports: "Ports", options: Any) -> Any:  # noqa: ARG002
        """The facts that the judgement needs from outside the ledger; may take its time."""
        return None

    def judge(self, run: Run, facts: Any, moment: Moment, options: Any) -> Result:
        """The gate's answer, `refuse` always with `retry_after`. Reads only; `policy` of the Result may be a key path of the policy."""

    def observe(self, run: Run, facts: Any, moment: Moment, options: Any) -> None:  # noqa: ARG002
        """Keep what was measured, whether or not the gates are enforced."""
        return

    def charge(self, run: Run, facts: Any, moment: Moment, options: Any) -> None:  # noqa: ARG002
        """The run was admitted by every gate: charge for it, in the transaction that judged. A second time is free."""
        return

    def settle(self, run: Run, moment: Moment, options: Any) -> None:  # noqa: ARG002
        """The run that was charged has its decision: record the outcome. A second time counts nothing."""
        return
