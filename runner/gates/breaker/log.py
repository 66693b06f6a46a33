"""The log of one breaker within a moment: read with the state it folds to, written with the audit entries of what changes."""

from collections.abc import Mapping
from itertools import count
from typing import Any, Final

from runner.gates.breaker.fold import Score, State, Status, at_time, dump, fold, live, load, options_entry, step
from runner.gates.breaker.options import Breaker
from runner.model.keys import parts_of
from runner.ports import Entry, Moment

GATE: Final = "breaker"
_FORCED: Final = {"open": "opened", "disabled": "disabled"}
_VERBS: Final = {Status.CLOSED: "closed", Status.OPEN: "opened", Status.HALF_OPEN: "half-opened"}


class Log:
    """The log of `key`; `state` is what it folds to, without what time made of it since the last entry.

    Each entry is written in one transaction with the state that it leads to; a state that is not there, or that another version
    wrote, is folded anew from the log's start.
    """

    def __init__(self, moment: Moment, key: str) -> None:
        self._moment, self._key = moment, key
        kept = moment.state(GATE, key)
        self.state = (load(kept[1]) if kept else None) or refolded(moment, key)

    def seen(self, options: Breaker) -> State:
        """The state now, under these options; nothing is written."""
        state = self.state if self._under(options) else step(self.state, Entry(0, self._moment.now, "options", "", options_entry(options)))
        return at_time(state, self._moment.now)

    def admission(self, run: str) -> Entry | None:
        """The entry that let this run in: in the present generation, if one did, since no other counts."""
        found = self._moment.find(GATE, self._key, "admitted", run)
        if found is None or found.body["generation"] == self.state.generation:
            return found
        return self._moment.find(GATE, self._key, again(self.state.generation), run) or found

    def under(self, options: Breaker) -> None:
        """Write down that these options hold from now on, where others did."""
        if not self._under(options):
            self.write("options", options_entry(options))

    def admit(self, run: str, generation: int, lease: float | None) -> None:
        """Write down that a run is let in, be it for the first time or again, unless it has all of that already."""
        found = self.admission(run)
        has_permit = lease is None or any(permit.run == run for permit in live(self.state, self._moment.now))
        if found is not None and found.body["generation"] == generation and has_permit:
            return
        kinds = (again(generation, number) for number in count()) if found else ("admitted",)
        free = next(kind for kind in kinds if not found or self._moment.find(GATE, self._key, kind, run) is None)
        self.write(free, {"generation": generation, "lease": lease}, run=run)

    def end(self, run: str, generation: int, score: Score, ending: str) -> None:
        """Write down how a run ended; a second time changes nothing."""
        self.write("ended", {"generation": generation, "score": score.value, "ending": ending}, run=run)

    def write(self, kind: str, body: Mapping[str, Any], *, run: str = "") -> None:
        """Write an entry, keep the state, and audit the change of state, if any, that it or the time before it made."""
        before = self.state
        entry = self._moment.append(GATE, self._key, kind, run=run, body=body)
        if entry is None:
            return
        self.state = step(before, entry)
        self._moment.keep(GATE, self._key, entry.seq, dump(self.state))
        if self.state.generation != before.generation:
            self._audit(kind, before, body)

    def _under(self, options: Breaker) -> bool:
        return self.state.options is not None and options_entry(self.state.options) == options_entry(options)

    def _audit(self, kind: str, before: State, body: Mapping[str, Any]) -> None:
        after = self.state
        told = {"from": before.called, "to": after.called, "generation": after.generation, "why": after.why, "by": kind}
        if kind in ("forced", "reset"):
            told |= {name: body[name] for name in ("reason", "who", "until") if name in body}
        verb = _FORCED[str(body["state"])] if kind == "forced" else "reset" if kind == "reset" else _VERBS[after.status]
        self._moment.audit(f"breaker.{verb}", called(self._key), told)


def again(generation: int, number: int = 0) -> str:
    """The kind of the entry by which a run that was let in before is let in once more: a run has one entry of a kind."""
    return f"again:{generation}:{number}"


def called(key: str) -> str:
    """A breaker by its name and key, for people: `author /srv/app alice`."""
    return " ".join(part or "(unidentified)" for part in parts_of(key))


def refolded(moment: Moment, key: str) -> State:
    """The state by the whole log, whatever is kept of it."""
    return fold(key, moment.entries(GATE, key))
