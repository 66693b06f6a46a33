"""The only place that chooses concrete classes: what a request becomes, and what its run is made of."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.changes.start import start_of
from runner.gates import gates
from runner.git.objects import PrivateObjects
from runner.model.run import Gates, Run
from runner.pipeline import carry, decide, line
from runner.policy.load import Loaded, find_policy
from runner.ports import Ports, Progress
from runner.sandbox import live
from runner.sandbox.containers import DockerSandbox
from runner.sandbox.engine import Engine
from runner.sandbox.image.ensure import DockerImages
from runner.stages.settle import settle
from runner.store.baselines import FileBaselines
from runner.store.ledger import SqlLedger
from runner.store.places import Places, claim, places
from runner.trial.suites import suite_for
from runner.validators import layers
from runner.wiring.begin import Request, begin
from runner.wiring.recorded import patience, recorded

if TYPE_CHECKING:
    from runner.discovery.settled import Settled

__all__ = ["Gates", "Request", "check", "demo", "discover"]


class Prepared(NamedTuple):
    """A run before its first stage, and all that its stages need."""

    run: Run
    ports: Ports
    policy: Loaded
    where: Places
    under_way: threading.Event
    """Set once a suite runs, so that there is time for what nothing waits for."""


def check(request: Request, progress: Progress) -> Run:
    """Judge a change and record the run; nothing outside the cache and state directories is written.

    Raises UsageError, PolicyInvalid, InfrastructureError; a change that cannot be read is a rejected run.
    """
    with (
        prepared(request, progress) as (run, ports, policy, where, under_way),
        recorded(run, where, under_way, lambda done, moment: settle(done, ports, policy, moment)) as record,
    ):
        return record(_judged(run, ports, policy, under_way))


@contextmanager
def prepared(request: Request, progress: Progress) -> Iterator[Prepared]:
    """Read the change and its policy, and choose what its run is made of; raises as `check` does."""
    where = places()
    claim(where.cache)
    with ExitStack() as stack:
        engine = Engine()
        sandbox = stack.enter_context(DockerSandbox(engine, where.cache, note=progress.note))
        threading.Thread(target=_warm, args=(sandbox,), daemon=True).start()
        objects = stack.enter_context(_objects(request.repo, where))
        ledger = stack.enter_context(closing(SqlLedger(where.state, patience=patience(request.gates))))
        if request.gates is Gates.ENFORCE:
            threading.Thread(target=_load, args=(ledger,), daemon=True).start()
        start = start_of(request.change, objects=objects, base=request.base, kind=request.forced)
        policy = find_policy(request.policy, objects, objects.tree_of(start.commit), start.label)
        policy, run = _settled(policy, begin(request, objects, policy, progress), objects, progress, where.cache)
        ports = Ports(
            trees=objects,
            history=objects.history(where.cache / "history"),
            gates=gates(),
            ledger=ledger,
            validators=layers(),
            images=DockerImages(engine, where.cache, progress.note),
            sandbox=sandbox,
            suite=suite_for(policy.policy.tests, objects, run.change.base_tree, policy.policy.sandbox.env),
            baselines=FileBaselines(where.cache / "baselines"),
            progress=progress,
            monotonic=time.monotonic,
            cores=len(os.sched_getaffinity(0)),
            version=lambda: objects.describe(run.change.base_commit),
            folders=where.folders,
        )
        yield Prepared(run, ports, policy, where, sandbox.under_way)


def _warm(sandbox: DockerSandbox) -> None:
    """Import and connect while git works; whoever needs the engine meets its error again and reports it."""
    with suppress(Exception):
        sandbox.start()


def _load(ledger: SqlLedger) -> None:
    """Load and build what enforced gates need while git works; whoever needs the ledger meets its error again and reports it."""
    with suppress(Exception), ledger.reading() as moment:
        from runner.gates.breaker.fold import State
        from runner.gates.health.machine import memory

        memory(Path("/proc"))
        State.model_rebuild()
        moment.keys("")  # each statement is compiled when it is first asked
        moment.state("", "")
        moment.find("", "", "", "")
        moment.entries("", "", since=1.0, kind="")


@contextmanager
def _objects(repo: Path, where: Places) -> Iterator[PrivateObjects]:
    """A private object store in a directory that the next start removes should this process die."""
    with live.scratch(where.cache / "live") as folder, PrivateObjects(repo, folder / "objects") as objects:
        yield objects


def _settled(policy: Loaded, run: Run, objects: PrivateObjects, progress: Progress, cache: Path) -> tuple[Loaded, Run]:
    """The policy with what it leaves open worked out from the base tree, and the run with a note on each choice."""
    asked = policy.policy
    if run.results or (asked.tests.runner != "auto" and (asked.sandbox.build is None or asked.sandbox.build.recipe != "auto")):
        return policy, run
    from runner.discovery.kept import settle_once

    settled = settle_once(cache / "settled", asked.tests, asked.sandbox, objects, run.change.base_tree)
    told = tuple(str(decision) for decision in settled.decisions)
    for sentence in told:
        progress.note(sentence)
    filled = asked.model_copy(update={"tests": settled.tests, "sandbox": settled.sandbox})
    return replace(policy, policy=filled), run.with_(notes=(*run.notes, *told))


def discover(repo: Path) -> "Settled":
    """What a check without a policy would decide about the last commit of a repository. Raises UsageError when there is none."""
    from runner.discovery.settle import settle
    from runner.policy.load import builtin

    where = places()
    claim(where.cache)
    default = builtin().policy
    with _objects(repo, where) as objects:
        return settle(default.tests, default.sandbox, objects, objects.tree_of(objects.resolve("HEAD")))


def _judged(run: Run, ports: Ports, policy: Loaded, under_way: threading.Event) -> Run:
    """Carry the run through the stages, unless its change could not even be read."""
    return decide(run, ()) if run.results else carry(run, ports, policy, line(run.gates, under_way))


def demo(progress: Progress) -> tuple[tuple[str, Run], ...]:
    """Judge the example changes of the distribution against the example project; the runs by name."""
    import shutil

    from runner.git.examples import commit_all
    from runner.shipped import shipped

    with live.scratch(claim(places().cache) / "live") as folder:
        repo = folder / "berth"
        shutil.copytree(shipped("examples/berth"), repo, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        commit_all(repo, folder / "home")
        names = ("good", "broken", "cheating")
        runs = []
        for name in names:
            progress.note(f"examples/changes/{name}.diff")
            runs.append((name, check(Request(repo=repo, change=str(shipped(f"examples/changes/{name}.diff"))), progress)))
        return tuple(runs)
