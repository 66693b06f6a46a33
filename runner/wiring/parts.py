"""The concrete parts that the stages of any run are given."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from runner.gates import gates
from runner.git.objects import PrivateObjects
from runner.model.run import Gates, Run
from runner.model.text import shown
from runner.policy.load import Loaded
from runner.ports import Ports, Progress
from runner.sandbox.containers import DockerSandbox
from runner.sandbox.engine import Engine
from runner.sandbox.image.ensure import DockerImages
from runner.store.baselines import FileBaselines
from runner.store.flaky import SqlFlakyTests
from runner.store.keepsakes import FileKeepsakes
from runner.store.ledger import SqlLedger
from runner.store.places import Places
from runner.trial.suites import suite_for
from runner.validators import layers
from runner.wiring.recorded import patience


class Parts(NamedTuple):
    """What a run needs of this machine, whatever its change is."""

    engine: Engine
    sandbox: DockerSandbox
    ledger: SqlLedger
    where: Places
    progress: Progress


@contextmanager
def parts(where: Places, progress: Progress, enforced: Gates) -> Iterator[Parts]:
    """The parts, warming up in the background while git works."""
    with ExitStack() as stack:
        engine = Engine()
        sandbox = stack.enter_context(DockerSandbox(engine, where.cache, note=progress.note))
        threading.Thread(target=_warm, args=(sandbox,), daemon=True).start()
        ledger = stack.enter_context(closing(SqlLedger(where.state, patience=patience(enforced))))
        if enforced is Gates.ENFORCE:
            threading.Thread(target=_load, args=(ledger,), daemon=True).start()
        yield Parts(engine, sandbox, ledger, where, progress)


def ports_of(run: Run, policy: Loaded, objects: PrivateObjects, given: Parts) -> Ports:
    """What the stages of this run may touch; `policy` leaves nothing open."""
    where = given.where
    return Ports(
        trees=objects,
        history=objects.history(where.cache / "history"),
        gates=gates(),
        ledger=given.ledger,
        validators=layers(),
        images=DockerImages(given.engine, where.cache, given.progress.note),
        sandbox=given.sandbox,
        suite=suite_for(policy.policy.tests, objects, run.change.base_tree, policy.policy.sandbox.env),
        baselines=FileBaselines(where.cache / "baselines"),
        keepsakes=FileKeepsakes(where.cache / "baselines"),
        progress=given.progress,
        monotonic=time.monotonic,
        cores=len(os.sched_getaffinity(0)),
        version=lambda: objects.describe(run.change.base_commit),
        folders=where.folders,
        flaky=SqlFlakyTests(
            where.state, f"repo:{shown(bytes(objects.repository.root))}", given.progress.note, patience=patience(run.gates)
        ),
    )


def settled(policy: Loaded, run: Run, objects: PrivateObjects, progress: Progress, cache: Path) -> tuple[Loaded, Run]:
    """The policy with what it leaves open worked out from the base tree, and the run with a note on each choice."""
    asked = policy.policy
    if run.results or (asked.tests.runner != "auto" and (asked.sandbox.build is None or asked.sandbox.build.recipe != "auto")):
        return policy, run
    from runner.discovery.kept import settle_once

    found = settle_once(cache / "settled", asked.tests, asked.sandbox, objects, run.change.base_tree)
    told = tuple(str(decision) for decision in found.decisions)
    for sentence in told:
        progress.note(sentence)
    filled = asked.model_copy(update={"tests": found.tests, "sandbox": found.sandbox})
    return replace(policy, policy=filled), run.with_(notes=tuple(dict.fromkeys((*run.notes, *told))))


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
