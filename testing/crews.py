"""Processes that carry runs, to be killed, stopped and watched: real ones, forked from one that has loaded everything."""

import json
import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[1]
STEPS = ("gates", "backup", "validate", "sandbox", "review", "promote", "monitor", "breaker")
LONG = 60.0
"""Seconds after which a test no longer waits."""


class Member:
    """One process of a crew."""

    def __init__(self, crew: "Crew", pid: int) -> None:
        self.crew, self.pid = crew, pid
        self._end = os.pidfd_open(pid)

    def send(self, number: int) -> None:
        signal.pidfd_send_signal(self._end, number)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self.send(signal.SIGKILL)
        self.ended()

    def is_alive(self) -> bool:
        return not select.select([self._end], [], [], 0)[0]

    def ended(self) -> None:
        """Wait for it."""
        assert select.select([self._end], [], [], LONG)[0], f"process {self.pid} goes on: {self.crew.told()}"

    def said(self, what: str) -> Any:
        """Wait for it to say something, and give that."""
        return self.crew.until(lambda: [line[what] for line in self.crew.told() if line["pid"] == self.pid and what in line])[0]

    @property
    def id(self) -> str:
        return str(self.said("entered"))

    @property
    def complaints(self) -> str:
        return (self.crew.folder / f"stderr-{self.pid}").read_text()


class Nursery:
    """A process that has loaded everything, and starts others."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "testing.crews"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, spec: dict[str, Any]) -> int:
        """The number of the process that does what `spec` says."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(spec) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


class Crew:
    """Processes that share a state folder, and what they tell of their steps."""

    def __init__(self, folder: Path, nursery: Nursery) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.members: list[Member] = []
        self._nursery = nursery

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        for member in self.members:
            member.kill()

    def start(self, role: str, *orders: tuple[str, ...], **settings: Any) -> Member:
        """`orders` are calls of the executor's methods, of leg 1 where they take a leg; `settings` those of `_Child`."""
        spec = {"folder": str(self.folder), "state": str(self.state), "role": role, "orders": orders}
        spec |= {"database": os.environ.get("SEATRIAL_DATABASE", "")}
        member = Member(self, self._nursery.start(spec | settings))
        self.members.append(member)
        return member

    def submit(self, *runs: str, **settings: Any) -> Member:
        """A process that begins these runs and waits for each of them."""
        return self.start("submit", *(("carry", run) for run in runs), *(("wait", run) for run in runs), **settings)

    def watch(self, **settings: Any) -> Member:
        """A process that takes over from the dead, and has begun with that."""
        member = self.start("watch", ("watch",), **settings)
        member.said("entered")
        return member

    def hold(self, step: str) -> None:
        """From now on whoever comes to `step` stays in it, until it is let go."""
        (self.folder / f"hold-{step}").touch()

    def let_go(self, step: str) -> None:
        (self.folder / f"hold-{step}").unlink()

    def told(self) -> list[dict[str, Any]]:
        """Every line in order; one that was being written when its process was killed is left out."""
        with suppress(FileNotFoundError):
            return [json.loads(line) for line in (self.folder / "journal").read_text().splitlines(keepends=True) if line.endswith("\n")]
        return []

    def promoted(self, run: str) -> bool:
        """Whether a run was promoted, also by a process that was killed before it said so."""
        return (self.folder / f"promoted-{run}").exists()

    def steps(self, run: str, event: str = "began") -> Counter[str]:
        """How often each step of a run began, or ended."""
        return Counter(line["step"] for line in self.told() if line.get("run") == run and line.get("event") == event)

    def who(self, run: str, step: str) -> list[int]:
        """Which processes began a step, in order."""
        return [line["pid"] for line in self.told() if (line.get("run"), line.get("step"), line.get("event")) == (run, step, "began")]

    def until(self, found: Callable[[], Any]) -> Any:
        """Wait for something."""
        deadline = time.monotonic() + LONG
        while not (value := found()):
            assert time.monotonic() < deadline, f"it does not come: {self.told()[-20:]}"
            time.sleep(0.02)
        return value

    def until_in(self, run: str, step: str) -> None:
        """Wait until a run is in a step."""
        self.until(lambda: self.steps(run)[step] > 0)


# ── what the processes do ───────────────────────────────────────────────────────────────────────────────────────────────


def _nursery() -> None:
    import alembic.command
    import alembic.config
    import dbos
    import psycopg
    import sqlalchemy.dialects.postgresql
    import sqlalchemy.dialects.sqlite

    import runner.engine.executor
    import runner.store.schema

    for module in (alembic, dbos, psycopg, sqlalchemy, runner.engine.executor):
        assert module
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are not kept for us
    for line in iter(sys.stdin.readline, ""):
        child = os.fork()
        if child == 0:
            try:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _Child(**json.loads(line)).live()
            finally:
                os._exit(7)
        os.write(1, f"{child}\n".encode())


class _Child:
    """One process. `seconds`: how long each step takes. `fails`, `breaks`: the step that raises an error of ours, a bug.

    `robbed`: before which step a run is taken from it. `version`: another protocol number. `verbose`: it logs all it can.
    """

    def __init__(self, **spec: Any) -> None:
        self.folder, self.spec = Path(spec["folder"]), spec
        os.environ["SEATRIAL_DATABASE"] = spec["database"]
        stderr = os.open(self.folder / f"stderr-{os.getpid()}", os.O_WRONLY | os.O_CREAT)
        os.dup2(stderr, 2)
        os.close(0)
        self.journal = os.open(self.folder / "journal", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def say(self, **told: Any) -> None:
        os.write(self.journal, (json.dumps({"pid": os.getpid(), **told}) + "\n").encode())

    def live(self) -> None:
        from runner.engine import executor as module
        from runner.errors import SeatrialError, Terminated

        def terminated(number: int, _frame: object) -> None:
            raise Terminated(number)

        signal.signal(signal.SIGTERM, terminated)
        if self.spec.get("verbose"):
            logging.basicConfig(level=logging.DEBUG)
        if "version" in self.spec:
            vars(module)["PROTOCOL"] = self.spec["version"]
        try:
            with module.Executor(
                Path(self.spec["state"]), role=self.spec["role"], work=self.work, ttl=self.spec.get("ttl", 30.0)
            ) as self.executor:
                self.say(entered=self.executor.id)
                for order, *given in self.spec["orders"]:
                    getattr(self, f"do_{order}")(*given)
            self.say(closed=True)
        except (SeatrialError, Terminated, module.Stopped, module.outcome.Broke) as problem:
            self.say(raised=[type(problem).__name__, str(problem)])
        os._exit(0)

    def do_carry(self, run: str) -> None:
        self.executor.carry(run, 1)
        self.say(accepted=run)

    def do_hand_over(self, run: str) -> None:
        self.executor.hand_over(run, 1)
        self.say(accepted=run)

    def do_adopt(self, run: str) -> None:
        self.executor.adopt(run, 1)
        self.say(accepted=run)

    def do_wait(self, run: str) -> None:
        self.say(result=self.executor.wait(run, 1))

    def do_watch(self) -> None:
        while True:
            if taken := self.executor.reap():
                self.say(reaped=list(taken))
            time.sleep(0.1)

    def do_reap(self) -> None:
        self.say(reaped=list(self.executor.reap()))

    def do_sleep(self) -> None:
        time.sleep(LONG)

    def work(self, run: str, leg: int, checkpoint: Callable[[str, Callable[[], str]], str]) -> str:
        from runner.errors import InfrastructureError

        came_to = []
        for name in STEPS:
            if name == self.spec.get("robbed"):
                self.rob(run)
            try:
                came_to.append(checkpoint(name, lambda name=name: self.step(run, name)))  # type: ignore[misc]
            except InfrastructureError as problem:
                came_to.append(f"{problem} {problem.hint}")
        self.say(run=run, event="finished")
        return json.dumps([leg, *came_to])

    def rob(self, run: str) -> None:
        """What a watcher does that takes this process for dead."""
        from dbos import DBOS

        from runner.store.owners import known_place

        queue = f"runs-{known_place(Path(self.spec['state']))}"
        thief = Thread(target=DBOS.resume_workflow, args=(f"{run}.1",), kwargs={"queue_name": queue})  # outside this run's own context
        thief.start()
        thief.join()
        self.say(run=run, event="robbed")

    def step(self, run: str, name: str) -> str:
        from runner.errors import InfrastructureError

        self.say(run=run, step=name, event="began")
        while (self.folder / f"hold-{name}").exists():
            time.sleep(0.01)
        time.sleep(self.spec.get("seconds", 0.0))
        if name == self.spec.get("fails"):
            raise InfrastructureError("no room", hint="Make some.")
        if name == self.spec.get("breaks"):
            raise ZeroDivisionError("a bug")
        if name == "promote":
            with suppress(FileExistsError):  # as a compare-and-swap would do
                os.close(os.open(self.folder / f"promoted-{run}", os.O_CREAT | os.O_EXCL))
                self.say(run=run, step=name, event="promoted")
        self.say(run=run, step=name, event="ended")
        return name


if __name__ == "__main__":
    _nursery()
