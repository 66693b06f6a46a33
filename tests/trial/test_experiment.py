"""Which suite runs a trial makes, with a scripted sandbox in place of containers."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest

from runner.model.flaky import Tally
from runner.model.sandbox import Execution, Image, Job, Limits
from runner.model.suite import Stop, SuiteRun, Usage
from runner.ports import Plan, Ports, Reader
from runner.store.flaky import SqlFlakyTests
from runner.trial.bench import Bench
from runner.trial.experiment import Evidence, Wanted, gather
from runner.trial.options import Tests
from testing.builders import a_run

BASE, PATCHED, OWN = "base-tree", "patched-tree", "own-tree"
GREEN = {"t.py::a": "passed", "t.py::b": "passed"}


class Scripted:
    """Sandbox, suite and baselines in one: every run is answered by `script(purpose, tree, only)`."""

    kind = "pytest"
    tells_modules = True
    patterns = ("test_*.py",)

    def __init__(self, script: Callable[[str, str, tuple[str, ...]], SuiteRun], files: tuple[str, ...] = ()) -> None:
        self.script, self.files, self.jobs, self.kept, self.cancelled = script, files, [], {}, False
        self.parts: list[int] = []

    def plan(self, *, only: Any = (), files: Any = (), plugin: Any = None) -> Plan:
        return Plan(("run", *only), {}, None, tuple(files))

    def reader(self, children: Any = ()) -> Reader:
        return _Reader(self)

    def divided(self, run: SuiteRun) -> tuple[str, ...]:
        return self.files

    def run(self, job: Job, trees: Any, reader: Any, *, stalled: Any = None) -> Execution:
        self.jobs.append((job.purpose, job.tree, job.argv[1:], job.limits.wall))
        self.parts.append(job.parts)
        reader._reader.answer = self.script(job.purpose, job.tree, job.argv[1:])
        return Execution(stop=Stop.EXITED, exit_code=0)

    def cancel(self) -> None:
        self.cancelled = True

    def load(self, key: str) -> tuple[SuiteRun, ...] | None:
        return self.kept.get(key)

    def save(self, key: str, runs: tuple[SuiteRun, ...]) -> None:
        self.kept[key] = runs


class _Reader:
    def __init__(self, world: Scripted) -> None:
        self.answer: SuiteRun | None = None

    def record(self, record: Mapping[str, Any], child: int = 0) -> None: ...

    def running(self) -> None:
        return None

    def finish(self, execution: Execution) -> SuiteRun:
        assert self.answer is not None
        return self.answer


class Silent:
    def stage(self, name: str) -> None: ...
    def note(self, text: str) -> None: ...
    def tests(self, side: str, done: int, total: int | None) -> None: ...

    def probe(self, name: str, said: str) -> None: ...


def ports(world: Scripted, cores: int = 1) -> Ports:
    return Ports(
        trees=None,
        history=None,
        gates=(),
        ledger=None,
        validators=(),
        images=None,
        sandbox=world,
        suite=world,
        baselines=world,
        keepsakes=None,  # type: ignore[arg-type]
        progress=Silent(),  # type: ignore[arg-type]
        monotonic=lambda: 0.0,
        cores=cores,
        version=lambda: "0",
    )


def gathered(
    world: Scripted, *, cores: int = 1, own: str | None = None, exact: str = PATCHED, reruns: int = 2, isolation: Any = "auto"
) -> Evidence:
    bench = Bench(ports(world, cores), Image(reference="i", id="sha256:1"), BASE, {}, Limits())
    return gather(bench, Wanted(PATCHED, lambda _: (exact, own), Tests(base_runs=2, reruns=reruns, isolation=isolation)))


def purposes(world: Scripted) -> list[str]:
    return [job[0] for job in world.jobs]


@pytest.mark.parametrize("cores", [1, 2])
def test_a_cold_trial_runs_the_base_twice_and_the_patched_tree_once(cores: int) -> None:
    world = Scripted(lambda *_: a_run(GREEN))
    evidence = gathered(world, cores=cores)
    assert sorted(purposes(world)) == ["base", "base again", "patched"]
    assert (len(evidence.base), evidence.base_cached) == (2, False)


def test_the_base_is_run_once_for_many_changes() -> None:
    world = Scripted(lambda *_: a_run(GREEN))
    gathered(world)
    world.jobs.clear()
    assert gathered(world).base_cached
    assert purposes(world) == ["patched"]


def test_a_base_result_counts_for_its_runtime_only() -> None:
    keys = set()
    for runtime in ("", "runsc"):
        keys.add(
            Bench(ports(Scripted(lambda *_: a_run(GREEN))), Image(reference="i", id="sha256:1"), BASE, {}, Limits(), runtime=runtime).key(2)
        )
    assert len(keys) == 2


def test_a_base_that_did_not_end_is_not_kept() -> None:
    world = Scripted(lambda purpose, *_: a_run(GREEN, ended=not purpose.startswith("base")))
    gathered(world)
    assert world.kept == {}


def test_when_the_inventory_corrects_the_guess_the_exact_tree_is_the_one_that_counts() -> None:
    world = Scripted(lambda purpose, tree, only: a_run({"t.py::a": "passed" if tree != PATCHED else "failed", "t.py::b": "passed"}))
    evidence = gathered(world, cores=2, exact="exact-tree")
    assert {record.outcome for record in evidence.patched.records} == {"passed"}
    assert ("patched", "exact-tree") in [job[:2] for job in world.jobs]


def test_the_changes_own_tests_run_apart_from_the_verdict() -> None:
    world = Scripted(lambda *_: a_run(GREEN))
    assert gathered(world, own=OWN).own is not None
    assert ("own", OWN) in [job[:2] for job in world.jobs]


@pytest.mark.parametrize("reruns", [1, 2, 5])
def test_a_test_that_fails_alone_as_often_as_the_policy_says_is_broken(reruns: int) -> None:
    world = Scripted(lambda purpose, tree, only: a_run(GREEN if tree == BASE else {**GREEN, "t.py::a": "failed"}))
    evidence = gathered(world, reruns=reruns)
    assert (evidence.steady, evidence.repeated.tallies) == ({"t.py::a": True}, {"t.py::a": (reruns, reruns)})
    assert [job[2] for job in world.jobs if job[0] == "rerun"] == [("t.py::a",)] * reruns


@pytest.mark.parametrize(("error", "runs"), [(0.01, 6), (0.5, 2)])
def test_a_test_that_is_known_as_flaky_is_run_again_until_the_policys_error_is_kept(error: float, runs: int, tmp_path: Path) -> None:
    known = SqlFlakyTests(tmp_path / "state", "repo:/r", print)
    known.save("b" * 40, {"t.py::a": Tally(3, 1)}, ())
    world = Scripted(lambda purpose, tree, only: a_run(GREEN if tree == BASE else {**GREEN, "t.py::a": "failed", "t.py::b": "failed"}))
    bench = Bench(replace(ports(world), flaky=known), Image(reference="i", id="sha256:1"), BASE, {}, Limits())
    evidence = gather(bench, Wanted(PATCHED, lambda _: (PATCHED, None), Tests(reruns=2, flaky_error=error)))
    assert evidence.repeated.tallies == {"t.py::a": (runs, runs), "t.py::b": (2, 2)}
    assert evidence.repeated.past["t.py::a"].failures == 1


def test_a_test_that_passes_alone_and_in_full_is_flaky() -> None:
    world = Scripted(lambda purpose, tree, only: a_run({**GREEN, "t.py::a": "failed"} if purpose == "patched" else GREEN))
    assert gathered(world).steady == {"t.py::a": False}


def test_a_test_that_passes_alone_but_never_in_the_whole_suite_is_broken() -> None:
    world = Scripted(lambda purpose, tree, only: a_run(GREEN if tree == BASE or only else {**GREEN, "t.py::a": "failed"}))
    assert gathered(world).steady == {"t.py::a": True}


def in_flight(purpose: str, tree: str, only: tuple[str, ...], stop: Stop, *, again: bool) -> SuiteRun:
    if tree == BASE or (only and not again):
        return a_run(GREEN)
    return a_run({}, ended=False, stop=stop, in_flight="t.py::a", usage=Usage(seconds=60.0))


@pytest.mark.parametrize(("stop", "outcome"), [(Stop.STALLED, "hung"), (Stop.TIMED_OUT, "hung"), (Stop.EXITED, "crashed")])
def test_the_test_in_flight_gets_an_explicit_result_when_it_does_it_again_alone(stop: Stop, outcome: str) -> None:
    world = Scripted(lambda *job: in_flight(*job, stop, again=True))
    assert [(r.id, r.outcome) for r in gathered(world, reruns=0).patched.records] == [("t.py::a", outcome)]


def test_a_test_in_flight_that_is_fine_alone_is_not_blamed() -> None:
    world = Scripted(lambda *job: in_flight(*job, Stop.TIMED_OUT, again=False))
    assert gathered(world, reruns=0).patched.records == ()


def test_a_fault_kills_what_runs() -> None:
    def broken(*_: object) -> SuiteRun:
        raise KeyboardInterrupt

    world = Scripted(broken)
    with pytest.raises(KeyboardInterrupt):
        gathered(world)
    assert world.cancelled


def test_the_patched_suite_may_take_a_multiple_of_what_the_base_took() -> None:
    world = Scripted(lambda *_: a_run(GREEN, usage=Usage(seconds=10.0)))
    gathered(world)
    world.jobs.clear()
    gathered(world)
    assert [job[3] for job in world.jobs] == [110.0]


@pytest.mark.parametrize(
    ("alone", "whole", "flaky"), [("passed", "passed", True), ("failed", "passed", False), ("passed", "failed", False)]
)
def test_an_own_test_is_flaky_only_if_it_passes_alone_and_in_full(alone: str, whole: str, flaky: bool) -> None:
    runs = chain(["failed"], repeat(whole))

    def script(purpose: str, tree: str, only: tuple[str, ...]) -> SuiteRun:
        if tree != OWN:
            return a_run(GREEN)
        return a_run({**GREEN, "n.py::new": alone if only else next(runs)})

    assert gathered(Scripted(script), own=OWN).own_flaky == (frozenset({"n.py::new"}) if flaky else frozenset())


TWO = ("t.py", "u.py")
BOTH = {"t.py::a": "passed", "u.py::b": "passed"}


def children(world: Scripted) -> dict[str, int]:
    return dict(zip(purposes(world), world.parts, strict=True))


@pytest.mark.parametrize("cores", [1, 2])
def test_a_suite_that_can_be_divided_runs_apart_where_the_base_gives_the_same(cores: int) -> None:
    world = Scripted(lambda *_: a_run(BOTH), TWO)
    evidence = gathered(world, cores=cores, own=OWN)
    assert children(world) == {"base": 0, "own": 0, "base apart": 2, "patched": 2}
    assert (evidence.isolation.files, len(evidence.base)) == (TWO, 2)


def test_where_the_base_gives_something_else_apart_the_change_is_tried_in_one_process() -> None:
    def script(purpose: str, _tree: str, _only: Any) -> SuiteRun:
        return a_run({**BOTH, "u.py::b": "failed"} if purpose == "base apart" or world.parts[-1] else BOTH)

    world = Scripted(script, TWO)
    evidence = gathered(world)
    assert (purposes(world).count("patched"), world.parts[-1], evidence.isolation.files) == (2, 0, ())
    assert [record.outcome for record in evidence.patched.records] == ["passed", "passed"]
    assert all(not run.parts for run in evidence.base), "what ran apart is no measure then"


@pytest.mark.parametrize("same", [True, False])
def test_what_came_of_it_is_kept_with_the_base(*, same: bool) -> None:
    world = Scripted(
        lambda purpose, *_: a_run(BOTH if same or purpose != "base apart" else {"t.py::a": "passed"}, parts=world.parts[-1]), TWO
    )
    first = gathered(world).isolation
    world.jobs.clear()
    world.parts.clear()
    assert gathered(world).isolation == first
    assert children(world) == {"patched": 2 if same else 0}


def test_a_policy_can_ask_for_one_process() -> None:
    world = Scripted(lambda *_: a_run(BOTH), TWO)
    gathered(world, isolation="in-process")
    assert set(world.parts) == {0}


def test_suspects_are_run_again_apart() -> None:
    def script(purpose: str, _tree: str, _only: Any) -> SuiteRun:
        return a_run({**BOTH, "u.py::b": "failed"} if purpose in ("patched", "rerun") else BOTH, parts=world.parts[-1])

    world = Scripted(script, TWO)
    assert gathered(world).steady == {"u.py::b": True}
    assert [parts for purpose, parts in zip(purposes(world), world.parts, strict=True) if purpose == "rerun"] == [2, 2]
