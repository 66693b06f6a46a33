"""One case: a run that meets a fault, what is true right after it, and the recoveries from it, which may meet faults themselves."""

import os
import random
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from testing.faults import invariants, rivals
from testing.faults.nursery import Nursery, Process
from testing.faults.orders import EIO, ENOSPC, NO_FAULT, Fault, Order
from testing.faults.scenarios import SCENARIOS, Scenario, World, build, copied, raze

_TRIES: Final = 4
_UNSUCCESSFUL: Final = ("failed", "rolled_back", "held", "cancelled")
"""How else a run may end whose disk failed."""


class Case(NamedTuple):
    """A scenario, which of its actions meets a fault, which fault, and which its recoveries meet."""

    scenario: str
    action: int = 0
    fault: Fault = Fault()
    recoveries: tuple[Fault, ...] = ()
    plant: str = ""

    def __str__(self) -> str:
        then = "".join(f", then in recovery {fault}" for fault in self.recoveries)
        return f"{self.scenario} [{SCENARIOS[self.scenario].actions[self.action]}]: {self.fault}{then}"


@dataclass
class Outcome:
    """What came of a case."""

    case: Case
    violations: list[str] = field(default_factory=list)
    hit: bool = False
    """Whether its faults happened."""
    passed: list[str] = field(default_factory=list)
    """The markers that were passed, in order, in the action and in recovery."""
    actions: list[list[str]] = field(default_factory=list)
    """Those of each action of the scenario."""
    recovery: list[str] = field(default_factory=list)
    """Those of the first recovery that meets no fault."""
    seconds: float = 0.0
    took: float = 0.0
    """Seconds of the action itself."""
    log: str = ""

    def __str__(self) -> str:
        return f"{self.case}\n  " + "\n  ".join(self.violations) + f"\n{self.log}"


class Bench:
    """Carries out cases, one after the other, in a folder of its own, by a zygote of its own."""

    def __init__(self, nursery: Nursery, folder: Path) -> None:
        self._nursery, self._folder = nursery, folder
        self._number = 0
        self._firsts: dict[str, World] = {}

    def world(self, scenario: Scenario, *, bare: bool = False) -> World:
        """A fresh one, with an empty record; `bare`: with none at all, so that the run makes it."""
        self._number += 1
        if scenario.name not in self._firsts:
            self._firsts[scenario.name] = build(scenario, self._folder / "firsts" / str(len(self._firsts)))
        world = copied(self._firsts[scenario.name], self._folder / f"w{self._number}")
        record = self._folder / "record"
        if not bare and record.exists():
            shutil.copytree(record, world.top / "state", symlinks=True)
        elif not bare:
            self._nursery.carry(Order("nothing", str(world.top)))
            shutil.copytree(world.top / "state", record, symlinks=True)
        world.outside = invariants.outside(world)
        return world

    def run(self, case: Case) -> Outcome:
        """Carry out one case; its world is removed unless something does not hold."""
        return Trial(self._nursery, case, self.world(SCENARIOS[case.scenario])).run()

    def frozen(self, case: Case, by: str = "adopt") -> Outcome:
        """A case whose process is frozen and thaws."""
        for _ in range(_TRIES):
            with suppress(FrozenWithinTransaction):
                return self.trial(case).frozen(by)
        raise FrozenWithinTransaction

    def trial(self, case: Case) -> "Trial":
        """The same, to be carried out in another way."""
        return Trial(self._nursery, case, self.world(SCENARIOS[case.scenario]))

    def at_random(self, scenario: str, chance: random.Random, longest: float) -> Outcome:
        """A case whose process is killed at a random moment, as is its first recovery every second time."""
        seconds = (chance.random() * longest, chance.random() * longest / 2 if chance.random() < 0.5 else None)
        trial = Trial(self._nursery, Case(scenario, fault=Fault("random")), self.world(SCENARIOS[scenario], bare=True))
        return trial.at_random(*seconds)


class FrozenWithinTransaction(Exception):
    """Another of its threads was in a transaction: SQLite lets nobody work while that stands still. The case says nothing, and is tried again."""


class Trial:
    """One case while it goes on."""

    def __init__(self, nursery: Nursery, case: Case, world: World) -> None:
        self.nursery, self.case, self.world = nursery, case, world
        self.scenario = world.scenario
        self.outcome = Outcome(case)
        self._run = ""
        self._began = time.monotonic()

    def run(self) -> Outcome:
        """All of it."""
        reader = self._reader()
        try:
            for number, action in enumerate(self.scenario.actions):
                if number == self.case.action:
                    self._meet(action, reader)
                elif number == 0 or self._run:
                    self.outcome.actions.append(self._carry(action).passed)
            self._settled()
        finally:
            self._close(reader)
        return self._told()

    def at_random(self, seconds: float, later: float | None) -> Outcome:
        """Killed after so many seconds; its recovery, too."""
        reader = self._reader()
        try:
            for after in (seconds, *((later,) if later is not None else ())):
                action = self.scenario.actions[0] if after is seconds else "watch"
                self._killed_after(after, action)
                self._check(f"after a kill {after:.3f} s into {action}", invariants.at_any_moment(self.world, reader))
            self.outcome.hit = True
            self._recover()
            self._settled()
        finally:
            self._close(reader)
        return self._told()

    def frozen(self, by: str = "adopt") -> Outcome:
        """Frozen at a marker, taken over by another, and thawed: it changes nothing any more."""
        process = self._start("submit", self.case.fault)
        self.outcome.hit = process.stopped()
        if not self.outcome.hit:
            return self._told()
        if invariants.is_locked(self.world):
            process.send(signal.SIGCONT)
            process.end()
            raze(self.world)
            raise FrozenWithinTransaction
        self._run = invariants.rows(self.world, "state.db", "select id from runs")[0][0]
        other = self._start(by)
        self._ended(other, other.end(), expected=True, sweep=False)
        before = invariants.snapshot(self.world)
        process.send(signal.SIGCONT)
        code = process.end()
        after = invariants.snapshot(self.world)
        for seen in (before, after):  # a probe that was due may still be asked, and these write what the service would
            if isinstance(seen["target"], dict):
                seen["target"].pop(b"data/rows", None)
        if code not in (0, 1):
            self.outcome.violations.append(f"the thawed one ended with {code}")
        self.outcome.violations += [
            f"I10: the thawed one has changed {name}: {_told_apart(before[name], after[name])}"
            for name in before
            if before[name] != after[name]
        ]
        if not self.outcome.violations:
            self._recover()
            self._settled()
        return self._told()

    def with_rival(self) -> Outcome:
        """Somebody else changes the target at a marker: their work stays."""
        process = self._start("submit", self.case.fault)
        self._ended(process, process.end(), expected=True)
        self.outcome.hit = process.hit
        self._carry("watch")
        if not rivals.is_kept(self.case.fault.marker, self.world.top):
            self.outcome.violations.append("I12: what somebody else did is gone")
        self._check("at the end", invariants._audited(self.world))
        return self._told()

    def until_stuck(self) -> Outcome:
        """Somebody moves the ref away after the swap: what cannot be taken back safely waits for a person."""
        process = self._start("submit", self.case.fault)
        self._ended(process, process.end(), expected=True)
        return self._told()

    def synced(self) -> Outcome:
        """What was not synced when the marker was passed."""
        process = self._start("submit", self.case.fault)
        self._ended(process, process.end(), expected=True)
        self.outcome.hit = process.hit
        told = self.world.top / "unsynced"
        self.outcome.violations += told.read_text().splitlines() if told.exists() else []
        return self._told()

    # ── parts ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _meet(self, action: str, reader: int | None) -> None:
        """The action with its fault, and recovery from it."""
        processes = [self._start(action, self.case.fault)]
        if action == "race":
            processes.append(self.nursery.start(Order("second", str(self.world.top), plant=self.case.plant)))
        began = time.monotonic()
        codes = [process.end() for process in processes]
        self.outcome.took = time.monotonic() - began
        self._ended(processes[0], codes[0], expected=not self.case.fault.what)
        self.outcome.actions.append(processes[0].passed)
        self.outcome.hit = processes[0].hit or not self.case.fault.what
        self._check("after the crash", invariants.at_any_moment(self.world, reader))
        for fault in self.case.recoveries:
            process = self._start("watch", fault)
            self._ended(process, process.end(), expected=False)
            self.outcome.hit = self.outcome.hit and process.hit
            self._check("after the crash in recovery", invariants.at_any_moment(self.world, reader))
        if action in ("restore", "prune") and self.case.fault.what:
            self._carry("prune" if action == "prune" else "watch")
        self._recover()

    def _start(self, action: str, fault: Fault = NO_FAULT) -> Process:
        actual = "submit" if action == "race" else action
        return self.nursery.start(Order(actual, str(self.world.top), run=self._run, fault=fault, plant=self.case.plant))

    def _carry(self, action: str) -> Process:
        process = self._start(action)
        self._ended(process, process.end(), expected=True)
        return process

    def _ended(self, process: Process, code: int, *, expected: bool, sweep: bool = True) -> None:
        """Note what came of it; one that met no fault must have done what it was told."""
        self.outcome.passed += process.passed
        if isinstance(process.said, dict):
            self._run = process.said["run"]
        elif not self._run and (found := invariants.rows(self.world, "state.db", "select id from runs order by number")):
            self._run = found[0][0]
        allowed = (0,) if expected else (0, 1, -9)
        if code not in allowed and not (code == 1 and self._failed()):
            self.outcome.violations.append(f"{process.order.action} ended with {code}")
            self.outcome.log += process.log[-3000:]
        if sweep and (left := self.nursery.left()):
            self.outcome.violations.append(f"I15: processes were left: {left}")

    def _killed_after(self, seconds: float, action: str) -> None:
        process = self._start(action)
        other = self.nursery.start(Order("second", str(self.world.top))) if action == "race" else None
        time.sleep(seconds)
        os.kill(process.pid, 9)
        code = process.end()
        self.outcome.passed += process.passed
        if code not in (0, -9):
            self.outcome.violations.append(f"{action} ended with {code}")
        if other and other.end():
            self.outcome.violations.append(f"the other one did not end well: {other.log[-500:]}")
        self.nursery.left()

    def _failed(self) -> bool:
        """Whether the run has ended by the fault, so that what follows it has nothing to do."""
        return bool(invariants.rows(self.world, "state.db", "select id from runs where ending in ('failed', 'rolled_back')")) and bool(
            self.case.fault.what in (EIO, ENOSPC)
        )

    def _recover(self) -> None:
        """Twice: what the first leaves, the second must leave alone."""
        recovery = self._carry("watch").passed
        self.outcome.recovery = self.outcome.recovery or recovery
        self._check("after recovery", invariants.after_recovery(self.world))
        if (self.world.state / "state.db").exists():
            before = invariants.snapshot(self.world)
            process = self._start("watch")
            self._ended(process, process.end(), expected=True)
            after = invariants.snapshot(self.world)
            changed = [name for name in before if before[name] != after[name]]
            self.outcome.violations += [f"a second recovery changes {name}: {_told_apart(before[name], after[name])}" for name in changed]

    def _settled(self) -> None:
        """After the last action: everything holds, and the run has ended as it should."""
        self._check("at the end", invariants.after_recovery(self.world))
        found = invariants.rows(self.world, "state.db", "select id, state, ending from runs order by number")
        if not found and (self.case.fault.what == "random" or self.case.fault.marker == "submit.filing"):
            return
        endings = [ending or state for _, state, ending in found]
        allowed = {self.scenario.ending}
        if self.case.fault.what in (EIO, ENOSPC) or any(fault.what in (EIO, ENOSPC) for fault in self.case.recoveries):
            allowed |= set(_UNSUCCESSFUL)
        if self.case.fault.what == "random":
            allowed |= {"failed"} if self.scenario.ending == "confirmed" else set()
        if "race" in self.scenario.actions:
            allowed |= {"held"}
        if self.case.action and self.case.fault.marker == "engine.resumed":  # who asked died before the run set out: it stays as it was
            allowed |= {"held", "confirmed"}
        if not endings or set(endings) - allowed:
            self.outcome.violations.append(f"I5: the runs ended as {endings}, and should have as {sorted(allowed)}")
        unfiled = self.case.fault.what == "random" or self.case.fault.marker == "submit.filing"
        if "race" in self.scenario.actions and not unfiled and len(endings) != 2:
            self.outcome.violations.append(f"I6: {len(endings)} runs of 2")

    def _check(self, when: str, violations: Iterator[str]) -> None:
        self.outcome.violations += [f"{when}: {violation}" for violation in violations]

    def _reader(self) -> int | None:
        """Somebody who has the live folder open."""
        return os.open(self.world.target, os.O_RDONLY | os.O_DIRECTORY) if self.scenario.kind == "dir" else None

    def _close(self, reader: int | None) -> None:
        if reader is not None:
            os.close(reader)

    def _told(self) -> Outcome:
        self.outcome.seconds = time.monotonic() - self._began
        if self.outcome.violations:
            logs = sorted(self.world.top.glob("log-*"), key=lambda path: int(path.name[4:]))
            self.outcome.log += "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-2500:]}" for path in logs)
        else:
            raze(self.world)
        return self.outcome


def faulty(scenario: str, actions: Sequence[Sequence[str]], faults: Sequence[str], *, every: bool) -> Iterator[Case]:
    """The cases of one scenario: each marker that an action passes, with each fault; with `every`, also when it is passed for the last time."""
    for action, passed in enumerate(actions):
        for marker in dict.fromkeys(passed):
            last = passed.count(marker)
            for nth in (1, last) if every and last > 1 else (1,):
                for what in faults:
                    yield Case(scenario, action, Fault(what, marker, nth))


def _told_apart(before: object, after: object) -> str:
    """What is new and what is gone, for people."""
    if isinstance(before, list) and isinstance(after, list):
        return f"gone {[one for one in before if one not in after]}, new {[one for one in after if one not in before]}"
    return f"{before!r} -> {after!r}"
