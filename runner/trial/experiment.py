"""Which runs a trial needs, side by side where there are cores for it."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from runner.model.sandbox import Errands
from runner.model.suite import SuiteRun
from runner.trial import again, repeats
from runner.trial.bench import Bench
from runner.trial.compare import own_doubts, suspects
from runner.trial.flaky import Repeated, Seen, seen
from runner.trial.isolation import Isolation, differing, isolation
from runner.trial.options import IN_PROCESS, Tests

SIDE_BY_SIDE = 2
"""How many suites run at the same time, where there are cores for it."""


@dataclass(frozen=True)
class Evidence:
    """Every run a trial made."""

    base: tuple[SuiteRun, ...]
    base_cached: bool
    patched: SuiteRun
    own: SuiteRun | None
    steady: Mapping[str, bool]
    """Of suspects that were run again: whether they fail steadily."""
    own_flaky: frozenset[str]
    """Tests of the own suite that failed once and passed when run again, alone and in full."""
    isolation: Isolation
    repeated: Repeated = field(default_factory=Repeated)

    @property
    def seen(self) -> Seen:
        """What this trial adds to what is known of tests that waver."""
        return seen(self.base, self.patched, self.steady, self.repeated.tallies, cached=self.base_cached)


@dataclass(frozen=True)
class Wanted:
    """Which suites a trial is made of."""

    guess: str
    """The verdict tree as far as names tell."""
    exact: Callable[[SuiteRun], tuple[str, str | None]]
    """From a run on the base, the verdict tree and the tree with the change's own tests (`None` when it brings none)."""
    options: Tests
    errands: Callable[[str], Errands | None] = lambda _: None
    """What follows the suite over a verdict tree."""


class _Trial:
    """One trial while its suites run, side by side where there are cores for it."""

    def __init__(self, bench: Bench, wanted: Wanted, pool: ThreadPoolExecutor) -> None:
        self.bench, self.wanted, self.pool = bench, wanted, pool
        self.tree = wanted.guess
        self.own_tree: str | None = None
        self.isolation = Isolation()

    def base(self, purpose: str = "base again") -> "Future[SuiteRun]":
        return self.pool.submit(self.bench.run, purpose, self.bench.base_tree)

    def patched(self, base: SuiteRun | None) -> "Future[SuiteRun]":
        return self.pool.submit(self.bench.run, "patched", self.tree, base=base, errands=self.wanted.errands(self.tree))

    def settle(self, first: SuiteRun) -> "Future[SuiteRun] | None":
        """What the base's inventory decides; the suite with the change's own tests begins, in one process: nobody knows its files."""
        self.tree, self.own_tree = self.wanted.exact(first)
        whole = replace(self.bench, files=())
        return self.pool.submit(whole.run, "own", self.own_tree, base=first) if self.own_tree else None

    def divide(self, isolation: Isolation) -> None:
        """From now on each of these files has a process of its own."""
        self.isolation = isolation
        self.bench = replace(self.bench, files=isolation.files)


class _Ran(NamedTuple):
    """The base's runs in one process, that apart if there was one, and those of the change."""

    whole: tuple[SuiteRun, ...]
    apart: SuiteRun | None
    patched: SuiteRun
    own: SuiteRun | None


def _known(trial: _Trial, base: tuple[SuiteRun, ...]) -> _Ran:
    """With results of the base that were kept."""
    whole, apart = tuple(run for run in base if not run.parts), next((run for run in base if run.parts), None)
    if apart is not None and trial.wanted.options.isolation != IN_PROCESS:
        trial.divide(isolation(whole, apart, trial.bench.ports.suite.divided(whole[0])))
    own = trial.settle(whole[0])
    return _Ran(whole, apart, trial.patched(whole[0]).result(), own.result() if own else None)


def _in_one_process(trial: _Trial) -> _Ran:
    """The base and, where there is a core for it, what names make of the change at once."""
    guess = trial.tree
    first = trial.base("base")
    early = trial.patched(None) if trial.bench.ports.cores > 1 else None
    others = [trial.base() for _ in range(trial.wanted.options.base_runs - 1)]
    base = first.result()
    own = trial.settle(base)
    if early is None or trial.tree != guess:
        early = trial.patched(base)
    return _Ran((base, *(other.result() for other in others)), None, early.result(), own.result() if own else None)


def _divided(trial: _Trial) -> _Ran:
    """The base in one process, then apart, beside the change apart; in one process again where that is not the same."""
    first = trial.base("base").result()
    files = trial.bench.ports.suite.divided(first) if first.ended else ()
    own = trial.settle(first)
    plain = trial.bench
    trial.divide(Isolation(files=files))
    apart, patched = trial.base("base apart") if files else None, trial.patched(first)
    trial.bench = plain
    runs = trial.wanted.options.base_runs
    others = [trial.base() for _ in range(runs - (2 if files else 1))]
    whole = (first, *(other.result() for other in others))
    if apart is not None and len(whole) == 1 and differing(whole, apart.result()):
        whole = (first, trial.base().result())
    trial.divide(isolation(whole, apart.result(), files) if apart is not None else Isolation())
    if apart is not None and not trial.isolation.files:
        patched.result()
        patched = trial.patched(first)
    return _Ran(whole, apart.result() if apart else None, patched.result(), own.result() if own else None)


def gather(bench: Bench, wanted: Wanted) -> Evidence:
    """Run what is needed: the base (cached), the verdict tree, the change's own tests, and suspects again."""
    options, key = wanted.options, bench.key(wanted.options.base_runs)
    cached = bench.ports.baselines.load(key)
    pool = ThreadPoolExecutor(min(bench.ports.cores, SIDE_BY_SIDE), thread_name_prefix="suite")
    trial = _Trial(bench, wanted, pool)
    try:
        if cached is not None:
            ran = _known(trial, cached)
        elif options.isolation == IN_PROCESS:
            ran = _in_one_process(trial)
        else:
            ran = _divided(trial)
    except BaseException:
        bench.ports.sandbox.cancel()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    if cached is None and all(run.ended for run in ran.whole):
        bench.ports.baselines.save(key, ran.whole if ran.apart is None else (*ran.whole, ran.apart))
    return _again(trial, ran, cached=cached is not None)


def _again(trial: _Trial, ran: _Ran, *, cached: bool) -> Evidence:
    """What must be run again, and all that came of it."""
    bench, options, first = trial.bench, trial.wanted.options, ran.whole[0]
    base = (*ran.whole, ran.apart) if ran.apart is not None and trial.isolation.files else ran.whole
    patched = again.alone(bench, trial.tree, first, ran.patched)
    doubted = suspects(base, patched)
    doubts = own_doubts(base, ran.own) if ran.own is not None else ()
    past = bench.ports.flaky.load((*doubted, *doubts)) if doubted or doubts else {}
    times = partial(repeats.times, past=past, reruns=options.reruns, error=options.flaky_error)
    judged = again.judged(bench, "rerun", trial.tree, first, times(doubted))
    own_steady: Mapping[str, bool] = {}
    if trial.own_tree:
        own_steady = again.judged(replace(bench, files=()), "own", trial.own_tree, first, times(doubts)).steady
    return Evidence(
        base=base,
        base_cached=cached,
        patched=patched,
        own=ran.own,
        steady=judged.steady,
        repeated=Repeated(judged.tallies, past),
        own_flaky=frozenset(test for test, fails in own_steady.items() if not fails),
        isolation=trial.isolation,
    )
