"""Watches a promotion with the probes of its policy, on this machine."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC
from threading import Event, Thread
from typing import Final

from runner.errors import StoreUnavailable
from runner.gates.health import recheck
from runner.model.promotion import Promotion
from runner.model.result import Outcome
from runner.model.run import Course, Run
from runner.model.suite import TestOutcome
from runner.policy.load import Loaded
from runner.ports import Ports, Promotions, Watched
from runner.probes import baseline as before
from runner.probes.decision import State
from runner.probes.probe import Context
from runner.probes.reading import Reading, failed, no_data, passed
from runner.probes.results import results
from runner.probes.watch import Watch
from runner.trial.bench import Bench
from runner.trial.quarantine import Quarantine

_POLL: Final = 0.2
_SAID: Final = {
    "confirm": Course.CONFIRM,
    "cancel": Course.TAKE_BACK,
    "rollback": Course.TAKE_BACK,
    "expire": Course.TAKE_BACK,
    "deny": Course.TAKE_BACK,
}
_WHY: Final = {"confirm": "it was confirmed by request", "expire": "nobody confirmed it before its hold expired"}


def watched(run: Run, promotion: Promotion, ports: Ports, policy: Loaded, promotions: Promotions, wish: Callable[[], str]) -> Watched:
    """Ask the probes until they decide, somebody asks for something, or the durable deadline has passed."""
    monitor = policy.policy.monitor

    def remaining() -> float:
        return (promotion.deadline or 0.0) - promotions.now()

    began = time.monotonic()

    def told(reading: Reading, states: Sequence[State]) -> None:
        said = f"{reading.outcome.value}: {reading.reason}  ({_counts(reading, states)}, {time.monotonic() - began:.0f}s)"
        ports.progress.probe(reading.probe, said)

    with _asked(wish) as asked:
        watch = Watch(monitor, _context(run, ports, policy), asked=asked, remaining=remaining, told=told, before=promotion.baseline)
        ruling = watch.run()
    answers = results(watch.states, monitor, ruling)
    said = wish() if ruling.course in (None, Course.UNDECIDED) else ""
    if ruling.course is None or said:  # what a person asks for counts after the deadline, too: a hold waits for just that
        return Watched(_SAID.get(said, Course.TAKE_BACK), _WHY.get(said, "it was asked to take it back"), answers, said)
    return Watched(ruling.course, ruling.reason, answers)


def baseline(policy: Loaded) -> Mapping[str, tuple[float, ...]]:
    """How long answers take before the promotion, where the policy compares that."""
    return before.baseline(policy.policy.monitor, Context(started=time.monotonic()), Event())


@contextmanager
def _asked(wish: Callable[[], str]) -> Iterator[Event]:
    """Set once a person has asked for something."""
    asked, over = Event(), Event()

    def look() -> None:
        while not over.wait(_POLL):
            with suppress(StoreUnavailable):  # one bad moment must not make it deaf
                if wish():
                    asked.set()
                    return

    if wish():
        asked.set()
    looker = Thread(target=look, name="seatrial-wish", daemon=True)
    looker.start()
    try:
        yield asked
    finally:
        over.set()
        looker.join()


def _counts(reading: Reading, states: Sequence[State]) -> str:
    return next((state.counts for state in states if state.probe == reading.probe), "")


def _context(run: Run, ports: Ports, policy: Loaded) -> Context:
    return Context(
        tree=run.change.tree,
        started=time.monotonic(),
        host=lambda: _host(run, ports, policy),
        suite=lambda: _suite(run, ports, policy),
    )


def _host(run: Run, ports: Ports, policy: Loaded) -> Reading:
    answer = recheck(run, ports, policy.policy.preflight.health)
    if answer.outcome in (Outcome.PASS, Outcome.WARN):
        return passed(answer.reason, measured=answer.measured, limit=answer.limit)
    return (
        no_data(answer.reason, measured=answer.measured, limit=answer.limit)
        if answer.outcome is Outcome.UNKNOWN
        else failed(answer.reason, measured=answer.measured, limit=answer.limit)
    )


def _suite(run: Run, ports: Ports, policy: Loaded) -> Reading:
    """The tests over what was promoted: whatever fails now and did not in the trial is known to be wrong."""
    options = policy.policy
    image = ports.images.ensure(options.sandbox, ports.trees, run.change.base_tree, ports.version)
    bench = Bench(ports, image, run.change.base_tree, options.sandbox.env, options.sandbox.limits, runtime=options.sandbox.runtime or "")
    done = bench.run("probe", run.change.tree)
    if not done.ended or not done.records:
        return no_data(f"the suite did not answer: {done.stop.value}, {len(done.records)} tests")
    known = {pair.id for pair in (*run.tests.still_failing, *run.tests.flaky)} if run.tests else set()
    own = {pair.id for pair in run.tests.new} if run.tests else set()
    failing = [record.id for record in done.records if record.outcome in (TestOutcome.FAILED, TestOutcome.ERROR) and record.id not in known]
    tests = frozenset(record.id for record in done.records if record.id not in own)
    aside = Quarantine(options.tests.quarantine, run.started.astimezone(UTC).date(), tests)
    wrong = [test for test in failing if aside.excuses(test) is None]
    if wrong:
        return failed(f"{len(wrong)} tests fail over the promoted tree, first {wrong[0]}", measured=len(wrong), limit=0)
    expected = (run.tests.own or run.tests.patched).tests if run.tests else 0
    if len(done.records) < expected:
        return failed(
            f"{len(done.records)} tests gave a result over the promoted tree, {expected} in the trial", measured=len(done.records)
        )
    return passed(f"{len(done.records)} tests over the promoted tree", measured=len(done.records))
