"""Gate `rate`: no window of time holds more admitted runs than the policy allows, whoever counts beside."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from runner.gates.rate.keys import MOST_FOLDERS, Key, folders, keys
from runner.gates.rate.options import DEFAULT, LONGEST, Limit, Limits, faults
from runner.gates.rate.window import Use, use_of
from runner.model.keys import parts_of
from runner.model.result import Outcome, Result
from runner.model.run import Run
from runner.model.units import show_duration
from runner.ports import Gate, Moment, Ports

GATE: Final = "rate"
ADMITTED: Final = "admitted"
_TREE: Final = "040000"


class _Counted(NamedTuple):
    """One counter of one limit, as it is now."""

    number: int
    limit: Limit
    key: Key
    use: Use


class RateGate(Gate):
    """How many runs are admitted in a stretch of time; all limits have room, or the run is refused and charged to none."""

    name = GATE
    Options = Limits
    default = DEFAULT

    def faults(self, options: Limits) -> Iterable[tuple[tuple[str | int, ...], str]]:
        """Limits that could never refuse anything, or refuse all."""
        return faults(options)

    def measure(self, run: Run, ports: Ports, options: Limits) -> tuple[str, ...]:
        """The folders that the change touches, where some limit counts by them."""
        if not any("path" in limit.parts for limit in options):
            return ()
        return folders(run.change, (entry.path for entry in ports.trees.listing(run.change.base_tree) if entry.mode == _TREE))

    def judge(self, run: Run, facts: tuple[str, ...], moment: Moment, options: Limits) -> Result:
        """Refuse until there is room in every window; a run that was counted once is not counted again."""
        if not options:
            return Result(check=GATE, outcome=Outcome.PASS, reason="the policy limits nothing")
        if len(facts) > MOST_FOLDERS:
            reason = f"the change touches {len(facts)} folders of the root; limits by path count {MOST_FOLDERS} at most"
            return Result(check=GATE, outcome=Outcome.HOLD, reason=reason, measured=len(facts), limit=MOST_FOLDERS)
        counted = tuple(_counted(run, facts, moment, options))
        full = [one for one in counted if one.use.wait]
        worst = max(full, key=lambda one: one.use.wait) if full else max(counted, key=lambda one: one.use.used / one.limit.limit)
        reason = f"{worst.use.used} in the last {show_duration(worst.limit.per)} by {called(worst.key.key)}"
        if not worst.key.charged:
            reason += ", whom git names as the author"
        wait = max((one.use.wait for one in full), default=None)
        return Result(
            check=GATE,
            outcome=Outcome.REFUSE if full else Outcome.PASS,
            reason=f"{reason}; the policy allows {worst.limit.limit}" + (f"; there is room in {_seconds(wait)}" if wait else ""),
            measured=worst.use.used,
            limit=worst.limit.limit,
            policy=f"preflight.{GATE}[{worst.number}]",
            retry_after=wait,
        )

    def charge(self, run: Run, facts: tuple[str, ...], moment: Moment, options: Limits) -> None:
        """Count the run in all its counters, and drop what no limit and no retry looks at any more."""
        touched = facts[:MOST_FOLDERS]
        for key in dict.fromkeys(key.key for limit in options for key in keys(limit, run, touched) if key.charged):
            moment.append(GATE, key, ADMITTED, run=run.id)
            moment.forget(GATE, key, moment.now - LONGEST)


gate = RateGate()


def called(key: str) -> str:
    """A counter, for people: `target /srv/app, path docs/`."""
    names = iter(parts_of(key))
    return ", ".join(f"{name} {value or '(unidentified)'}" for name, value in zip(names, names, strict=True))


def _counted(run: Run, touched: tuple[str, ...], moment: Moment, options: Limits) -> Iterator[_Counted]:
    """The counters that the run needs room in; where it was counted already it needs none."""
    for number, limit in enumerate(options):
        for key in keys(limit, run, touched):
            times = [entry.at for entry in moment.entries(GATE, key.key, since=moment.now - limit.per, kind=ADMITTED)]
            use = use_of(limit, times, moment.now)
            if use.wait and _has_counted(run, (key,) if key.charged else keys(limit, run, touched), moment):
                use = Use(use.used, 0.0)
            yield _Counted(number, limit, key, use)


def _has_counted(run: Run, counters: Iterable[Key], moment: Moment) -> bool:
    """Whether the run is in one of these counters already."""
    return any(moment.find(GATE, key.key, ADMITTED, run.id) is not None for key in counters if key.charged)


def _seconds(wait: float) -> str:
    return show_duration(float(-(-wait // 1)))
