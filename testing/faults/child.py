"""One process of the harness: the real wiring, without Docker, with a fault at a marker."""

import errno
import faulthandler
import json
import logging
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runner import crashpoints
from runner.engine import executor, legs
from runner.engine.outcome import Broke
from runner.errors import SeatrialError, UsageError
from runner.gates import gates
from runner.model.run import Run, State
from runner.pipeline import land
from runner.stages import promote as promote_stage
from runner.stages import settle as settle_stage
from runner.stages.aim import aim
from runner.stages.preflight import preflight
from runner.store.backups import SqlBackups
from runner.store.executors import SUBMIT, WATCH
from runner.store.places import places
from runner.targets.folder.place import JOURNAL, Place
from runner.targets.folder.target import FolderTarget
from runner.vault.options import Advanced, Options
from runner.vault.vault import FileVault
from runner.wiring import answering, keeper, parts, process, rounds, submitting, watcher
from runner.wiring.carrying import stores
from runner.wiring.filing import Wanted
from runner.wiring.process import Carrying, carrying
from testing.faults import planted
from testing.faults.orders import EIO, ENOSPC, KILL, RIVAL, STOP, SYNCED, Fault, Order
from testing.faults.rivals import rival
from testing.faults.syncs import Syncs

_ERRORS = {EIO: errno.EIO, ENOSPC: errno.ENOSPC}
PATIENCE = 60.0
"""Seconds after which a recovery that does not end is given up."""
TELL = signal.SIGUSR2
"""What has a process say where each of its threads is."""


def _say(text: str) -> None:
    """Into the log of the process."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


class Quiet:
    """Progress that goes to the log of the process."""

    def stage(self, name: str) -> None:
        _say(f"stage {name}")

    def note(self, text: str) -> None:
        _say(f"note {text}")

    def tests(self, side: str, done: int, total: int | None) -> None:
        """There are none."""

    def probe(self, name: str, said: str) -> None:
        _say(f"probe {name} {said}")


class Armed:
    """The hook: writes down each marker that is passed, and lets the fault happen. `world` is the folder of the world."""

    def __init__(self, fault: Fault, trace: Path, world: Path) -> None:
        self._fault, self._world = fault, world
        self._syncs = Syncs() if fault.what == SYNCED else None
        self._trace = os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._passed: Counter[str] = Counter()

    def __call__(self, name: str) -> None:
        self._passed[name] += 1
        os.write(self._trace, f"{name}\n".encode())
        if name != self._fault.marker or self._passed[name] != self._fault.nth:
            return
        os.write(self._trace, b"!\n")
        if self._fault.what == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        elif self._fault.what == STOP:
            os.kill(os.getpid(), signal.SIGSTOP)
        elif self._fault.what == RIVAL:
            rival(self._fault.marker, self._world)
        elif self._syncs:
            (self._world / "unsynced").write_text("\n".join(self._syncs.missing(self._world)))
        elif self._fault.what in _ERRORS:
            number = _ERRORS[self._fault.what]
            raise OSError(number, os.strerror(number))


def live(order: Order, number: int) -> int:
    """Carry out an order; the exit code. Everything that it says is in `log-NUMBER` of its world."""
    world = json.loads((order.folder / "world.json").read_text())
    log = os.open(order.folder / f"log-{number}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout = sys.stderr = os.fdopen(2, "w", buffering=1)
    for name in ("state", "cache", "config"):
        os.environ[f"XDG_{name.upper()}_HOME"] = str(order.folder / name)
    os.environ["TMPDIR"] = tempfile.tempdir = str(order.folder / "tmp")
    os.chdir(order.folder)
    faulthandler.register(TELL, file=2, all_threads=True)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    _hasten()
    if world["method"] == JOURNAL and not world["mounted"]:
        Place.method = lambda _: (JOURNAL, "a test wants it")  # type: ignore[method-assign]
    if order.plant:
        planted.PLANTS[order.plant]()
    crashpoints.hook = Armed(order.fault, order.folder / f"trace-{number}", order.folder)
    try:
        told = _ACTIONS[order.action](order, world)
    except (SeatrialError, TimeoutError, OSError, Broke) as problem:
        if isinstance(problem, Broke) and not str(problem).startswith(
            "OSError: "
        ):  # what a marker raises, which no code of ours translates
            raise
        _say(f"{type(problem).__name__}: {problem} {getattr(problem, 'hint', '')}")
        return 1
    (order.folder / f"said-{number}").write_text(json.dumps(told))
    return 0


def _hasten() -> None:
    """Nothing but Docker and what only reads is left out, and nothing but waiting is shortened."""
    land.JUDGED = (preflight, aim)  # type: ignore[misc]
    land.required = lambda ports, _gates: tuple(gate.name for gate in ports.gates)
    parts.gates = lambda: tuple(gate for gate in gates() if gate.name in ("breaker", "rate"))  # the others look at machine and history
    parts._warm = lambda _: None
    rounds.TICK = keeper.TICK = process.TICK = answering.TICK = watcher.TICK = 0.1  # type: ignore[misc]
    executor._LOOK = legs._LOOK = 0.1  # type: ignore[misc]
    keeper.STALLED = 0.2  # type: ignore[misc]
    promote_stage._POLL = 0.1
    settle_stage._PAUSE = 0.05
    FolderTarget.__init__.__kwdefaults__["grace"] = 0.05  # type: ignore[index]


def _submit(order: Order, world: dict[str, Any]) -> Any:
    top = order.folder
    change = {"submit": "change.diff", "second": "second.diff"}[order.action]
    wanted = Wanted(repo=top / "source", change=str(top / change), target=world["target"], policy=top / "policy.yaml")
    return _told(submitting.submit(wanted, Quiet()))


def _watch(order: Order, world: dict[str, Any]) -> Any:
    if not world["holds"]:
        watcher.watch(Quiet(), once=True)
        return None
    with carrying(WATCH, lambda _: Quiet()) as process:  # `watch --once` does not end while something waits for a person
        _look_after(process)


def _look_after(process: Carrying) -> None:
    """Carry everything on that does not wait for a person."""
    until = time.monotonic() + PATIENCE
    taken: set[str] = set()
    while time.monotonic() < until:
        with stores(process.where) as kept:
            taken |= set(process.keeper.look(kept, everything=True))
            taken = {run for run in taken if process.executor.begun(run, kept.submissions.load(run).leg)}
            if not (taken or kept.submissions.running() or process.executor.busy()):
                return
        time.sleep(0.05)
    raise TimeoutError("it does not end")


def _adopt(order: Order, _world: dict[str, Any]) -> Any:
    """Take the run over from a process that lives, and carry it on; by one executor: the place of a first one is held until the process ends."""
    with carrying(WATCH, lambda _: Quiet()) as process:
        with stores(process.where) as kept:
            process.executor.adopt(order.run, kept.submissions.load(order.run).leg)
        _look_after(process)


def _nothing(_order: Order, _world: dict[str, Any]) -> Any:
    """Make the record, and leave it empty."""
    with carrying(SUBMIT, lambda _: Quiet()):
        return None


def _resume(order: Order, _world: dict[str, Any]) -> Any:
    return _told(answering.resume(order.run, Quiet()))


def _ask(order: Order, _world: dict[str, Any]) -> Any:
    return _told(answering.ask(order.run, order.action, "a person", "because", Quiet()))


def _restore(order: Order, _world: dict[str, Any]) -> Any:
    vault = _vault(Options())
    backups = SqlBackups(places().state).all()[0]
    if not backups:  # the disk failed before there was one
        raise UsageError("there is no backup")
    return vault.restore(backups[0].id, order.folder / "restored" / "here").files


def _prune(order: Order, _world: dict[str, Any]) -> Any:
    del order
    vault = _vault(Options(keep_within=0.0, keep_last=1, advanced=Advanced(grace=0.0)))
    vault.prune()
    return len(vault.prune().deleted)


def _vault(options: Options) -> FileVault:
    state = places().state
    return FileVault(state, SqlBackups(state), options)


def _told(run: Run) -> Any:
    ending = run.decision.ending if run.decision and run.state is State.ENDED else None
    return {"run": run.id, "state": run.state.value, "ending": ending.value if ending else None}


_ACTIONS: dict[str, Callable[[Order, dict[str, Any]], Any]] = {
    "submit": _submit,
    "second": _submit,
    "watch": _watch,
    "resume": _resume,
    "nothing": _nothing,
    "adopt": _adopt,
    "confirm": _ask,
    "rollback": _ask,
    "restore": _restore,
    "prune": _prune,
}
