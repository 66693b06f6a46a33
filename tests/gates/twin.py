"""Both gates over a real database and the naive reference beside them: whatever happens happens to both, and every decision is compared."""

from typing import Any
from unittest.mock import patch

from runner.gates import breaker, rate
from runner.gates.breaker.log import GATE, Log, refolded
from runner.gates.breaker.options import Options
from runner.gates.rate.options import Limit
from runner.model.keys import key_of
from runner.model.result import Ending
from runner.model.run import Run
from testing.ledgers import ClockedLedger, a_gated_run, ended
from tests.gates.reference import Admitted, Event, NaiveBreaker, NaiveRate

SAID: dict[Ending | None, dict[str, str]] = {
    Ending.ACCEPTED: {"host": "success", "author": "success"},
    Ending.REJECTED: {"host": "success", "author": "failure"},
    Ending.FAILED: {"host": "failure"},
    Ending.CANCELLED: {},
}


class Twin:
    """One history. `number` keeps its targets and its time apart from other histories in the same database."""

    def __init__(self, ledger: ClockedLedger, number: int, policy: Options, limits: tuple[Limit, ...]) -> None:
        self.ledger, self.number, self.policy, self.limits = ledger, number, policy, limits
        self.ledger.now += 10_000
        self.host = f"host{number}"
        self.rate = NaiveRate()
        self.breakers: dict[tuple[str, ...], NaiveBreaker] = {}
        self.runs: dict[str, Run] = {}
        self.came = 0
        self.refused = 0.0
        """How long the last run was told to wait."""

    def comes(self, place: str, author: str, claim: str, folders: tuple[str, ...]) -> Run | None:
        """A new run; `None` when it is refused."""
        self.came += 1
        paths = [f"{folder}/file.py" for folder in folders]
        run = a_gated_run(f"run{self.number}.{self.came}", *paths, target=f"{place}{self.number}", author=author, claim=claim)
        return run if self.enters(run) else None

    def enters(self, run: Run) -> bool:
        folders = frozenset(file.path.partition("/")[0] for file in run.change.files)
        touched = tuple(sorted(f"{folder}/" for folder in folders))
        asks = Admitted(self.ledger.now, run.id, run.target, run.author.name, folders)
        expected = self._expected(run, asks)
        with self.ledger.writing() as moment:
            of_breaker = breaker.gate.judge(run, self.host, moment, self.policy)
            of_rate = rate.gate.judge(run, touched, moment, self.limits)
            assert (of_breaker.retry_after, of_rate.retry_after) == expected
            let_in = of_breaker.outcome != "refuse" and of_rate.outcome != "refuse"
            assert let_in == (expected == (None, None))
            if let_in:
                breaker.gate.charge(run, self.host, moment, self.policy)
                rate.gate.charge(run, touched, moment, self.limits)
        self.refused = max(of_breaker.retry_after or 0.0, of_rate.retry_after or 0.0)
        if let_in:
            self.rate.enters(asks, self.limits)
            self.runs[run.id] = run
            for name, key in self._keys(run).items():
                self._naive(*key).events.append(Event(self.ledger.now, "entered", run.id, self.policy.of(name)))
        return let_in

    def leaves(self, run: Run, ending: Ending | None) -> None:
        with self.ledger.writing() as moment, patch("socket.gethostname", lambda: self.host):
            breaker.gate.settle(ended(run, ending), moment, self.policy)
        for name, key in self._keys(run).items():
            said = SAID[ending].get(name, "inconclusive") if ending else ""
            what = "left" if ending else "held"
            self._naive(*key).events.append(Event(self.ledger.now, what, run.id, self.policy.of(name), said=said))

    def intervenes(self, place: str, author: str, how: str, seconds: float | None) -> None:
        """Somebody opens, disables or resets an author's breaker by hand."""
        key = ("author", f"{place}{self.number}", author)
        until = None if seconds is None else self.ledger.now + seconds
        by: dict[str, Any] = {"reason": "because", "who": "carol"}
        with self.ledger.writing() as moment:
            if how == "reset":
                Log(moment, key_of(*key)).write("reset", by)
            else:
                Log(moment, key_of(*key)).write("forced", {**by, "state": how, "until": until})
        self._naive(*key).events.append(Event(self.ledger.now, "reset" if how == "reset" else "forced", said=how, until=until))

    def ends(self) -> None:
        """What is kept is what the whole log folds to."""
        with self.ledger.reading() as moment:
            for key in self.breakers:
                assert Log(moment, key_of(*key)).state == refolded(moment, key_of(*key))
                assert (moment.state(GATE, key_of(*key)) is None) == (not self.breakers[key].events)

    def _naive(self, *key: str) -> NaiveBreaker:
        return self.breakers.setdefault(key, NaiveBreaker())

    def _keys(self, run: Run) -> dict[str, tuple[str, ...]]:
        author = ("author", run.target, run.author.name)
        return {"host": ("host", self.host), "promotion": ("promotion", run.target), "author": author}

    def _expected(self, run: Run, asks: Admitted) -> tuple[float | None, float | None]:
        now = self.ledger.now
        waits = [self._naive(*key).wait(run.id, now, self.policy.of(name)) for name, key in self._keys(run).items()]
        claim = run.author.claim if run.author.claim != run.author.name else ""
        if claim and (claimed := self._naive("author", run.target, claim)).is_wide_open(now, self.policy.author):
            waits.append(claimed.wait(run.id, now, self.policy.author))
        return max((wait for wait in waits if wait is not None), default=None), self.rate.wait(asks, claim, self.limits)
