"""Sandboxes for controls: side by side where there are cores for it, and none once the time for all of them is up."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from runner.controls.options import Controls
from runner.controls.subject import Subject
from runner.model.result import Outcome, Result
from runner.model.suite import Stop, SuiteRun, TestOutcome
from runner.trial.bench import Bench

_Told = TypeVar("_Told")
UNPROVEN = "unproven"
"""How the answer of a control begins that could say nothing."""
_LONGEST_START: Final = 15.0
"""Seconds that a sandbox and a collection may take, beside three times what the whole suite took a moment ago."""
_BUSIER: Final = 5
"""How many times as long as on the base the whole suite may have taken to count so: a machine is busy, or a change delays."""
_SLOWER: Final = 10
"""How many times as long as on the base a test may take before it counts as one that does not end."""
Outcomes = Mapping[str, TestOutcome]
"""By test id; a test without an explicit result has none."""
Answer = Callable[[], tuple[Result, ...]]
"""Waits for what was asked, and judges it."""


class OverdueError(Exception):
    """The time for all controls was up before this one's turn."""


@dataclass(frozen=True)
class Asking:
    """Runs what controls ask for, in the order in which they ask."""

    subject: Subject
    pool: ThreadPoolExecutor
    until: float
    """By the ports' monotonic clock."""

    def submit(self, task: Callable[..., _Told], *arguments: Any, **named: Any) -> "Future[_Told]":
        """What `task` gives; `result()` raises OverdueError where its turn did not come in time."""

        def in_time() -> _Told:
            if self.subject.bench.ports.monotonic() > self.until:
                raise OverdueError
            return task(*arguments, **named)

        return self.pool.submit(in_time)

    def tests(self, purpose: str, tree: str, ids: Sequence[str]) -> "Future[Outcomes]":
        """The outcomes of these tests over one tree."""
        return self.submit(self._tests, purpose, tree, ids)

    def suite(self, purpose: str, tree: str, ids: Sequence[str]) -> "Future[SuiteRun]":
        """The whole run of these tests, for who must know why some gave no result."""
        return self.submit(self._run, purpose, tree, ids)

    def tests_of_base(self, purpose: str, tree: str, ids: Sequence[str]) -> "Future[Outcomes]":
        """The same over a tree that holds nothing of the change; kept for the next one."""
        key = self.key(purpose, tree, *ids)
        kept = self.subject.bench.ports.keepsakes.load(key)
        with suppress(ValueError, AttributeError, TypeError):  # of another release, or damaged: asked anew
            known: Future[Outcomes] = Future()
            known.set_result({test: TestOutcome(outcome) for test, outcome in json.loads(kept or b"").items()})
            return known
        return self.submit(self._kept, key, purpose, tree, ids)

    def key(self, *what: str) -> str:
        """Names an answer of the base: the same base, suite and image, asked the same."""
        base = self.subject.bench.key(1)
        return hashlib.sha256("\0".join((base, *what)).encode("utf-8", "backslashreplace")).hexdigest()

    def _kept(self, key: str, purpose: str, tree: str, ids: Sequence[str]) -> Outcomes:
        run = self._run(purpose, tree, ids)
        told = _outcomes(run)
        if run.stop is Stop.EXITED and (told or run.collect_errors):  # what broke off may be the machine's fault
            self.subject.bench.ports.keepsakes.save(key, json.dumps({test: outcome.value for test, outcome in told.items()}).encode())
        return told

    def _tests(self, purpose: str, tree: str, ids: Sequence[str]) -> Outcomes:
        return _outcomes(self._run(purpose, tree, ids))

    def _run(self, purpose: str, tree: str, ids: Sequence[str]) -> SuiteRun:
        """Stopped when the time for all controls is up, which raises OverdueError; what takes far longer than on the base is stopped before."""
        bench, sound, base = self.limited, self.subject.sound, self.subject.base[0]
        busy = min(self.subject.patched.usage.seconds, _BUSIER * base.usage.seconds)
        enough = _LONGEST_START + 3 * busy + _SLOWER * sum(sound[test].seconds for test in ids if test in sound)
        granted = min(bench.limits.wall, enough)
        run = replace(bench, limits=bench.limits.model_copy(update={"wall": granted})).run(purpose, tree, only=ids, base=base)
        if run.stop is Stop.TIMED_OUT and granted < enough:
            raise OverdueError
        return run

    @property
    def limited(self) -> Bench:
        """A bench whose sandboxes live no longer than there is time."""
        bench = self.subject.bench
        wall = min(bench.limits.wall, max(1.0, self.until - bench.ports.monotonic()))
        return replace(bench, limits=bench.limits.model_copy(update={"wall": wall}))


def _outcomes(run: SuiteRun) -> Outcomes:
    return {record.id: record.outcome for record in run.records}


def is_red(test: str, outcomes: Outcomes) -> bool:
    """Whether a test has an explicit result there, and failed."""
    return test in outcomes and outcomes[test].failed


def left_open(options: Controls) -> Outcome:
    """What the policy has follow when a control can say nothing."""
    return Outcome.HOLD if options.unproven == "hold" else Outcome.WARN


def unproven(subject: Subject, check: str, reason: str) -> Result:
    """The answer of a control that can say nothing; the policy says what follows."""
    return Result(check=check, outcome=left_open(subject.options), reason=f"{UNPROVEN}: {reason}", limit=subject.options.unproven)
