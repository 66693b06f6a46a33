"""Sandboxes for controls: side by side where there are cores for it, and none once the time for all of them is up."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from runner.controls.subject import Subject
from runner.model.result import Outcome, Result
from runner.model.suite import TestOutcome

_Told = TypeVar("_Told")
UNPROVEN = "unproven"
"""How the answer of a control begins that could say nothing."""
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

    def tests_of_base(self, purpose: str, tree: str, ids: Sequence[str]) -> "Future[Outcomes]":
        """The same over a tree that holds nothing of the change; kept for the next one."""
        key = self.key(purpose, tree, *ids)
        kept = self.subject.bench.ports.keepsakes.load(key)
        if kept is not None:
            known: Future[Outcomes] = Future()
            known.set_result({test: TestOutcome(outcome) for test, outcome in json.loads(kept).items()})
            return known
        return self.submit(self._kept, key, purpose, tree, ids)

    def key(self, *what: str) -> str:
        """Names an answer of the base: the same base, suite and image, asked the same."""
        base = self.subject.bench.key(1)
        return hashlib.sha256("\0".join((base, *what)).encode("utf-8", "backslashreplace")).hexdigest()

    def _kept(self, key: str, purpose: str, tree: str, ids: Sequence[str]) -> Outcomes:
        told = self._tests(purpose, tree, ids)
        self.subject.bench.ports.keepsakes.save(key, json.dumps({test: outcome.value for test, outcome in told.items()}).encode())
        return told

    def _tests(self, purpose: str, tree: str, ids: Sequence[str]) -> Outcomes:
        run = self.subject.bench.run(purpose, tree, only=ids, base=self.subject.base[0])
        return {record.id: record.outcome for record in run.records}


def unproven(subject: Subject, check: str, reason: str) -> Result:
    """The answer of a control that can say nothing; the policy says what follows."""
    outcome = Outcome.HOLD if subject.options.unproven == "hold" else Outcome.WARN
    return Result(check=check, outcome=outcome, reason=f"{UNPROVEN}: {reason}", limit=subject.options.unproven)
