"""Starts and ends the processes of the harness, by a zygote."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from testing.faults.orders import Order

HANGS: Final = 99
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Process:
    """One of them, by its number in the world's logs."""

    nursery: "Nursery"
    order: Order
    pid: int
    number: int

    def end(self) -> int:
        """How it ended: its exit code, or minus the signal; HANGS when it had to be ended."""
        ended = self.nursery.ask(end=self.pid, stopped=False)
        return ended if isinstance(ended, int) else HANGS

    def stopped(self) -> bool:
        """Wait until it stands still; False when it ended instead."""
        return bool(self.nursery.ask(end=self.pid, stopped=True) == "stopped")

    def send(self, number: signal.Signals) -> None:
        """A signal."""
        os.kill(self.pid, number)

    @property
    def passed(self) -> list[str]:
        """The markers that it passed, in order."""
        trace = self.order.folder / f"trace-{self.number}"
        return [line for line in trace.read_text().split() if line != "!"] if trace.exists() else []

    @property
    def hit(self) -> bool:
        """Whether its fault has happened."""
        trace = self.order.folder / f"trace-{self.number}"
        return trace.exists() and "!" in trace.read_text().split()

    @property
    def said(self) -> Any:
        """What it came to; None when it did not."""
        said = self.order.folder / f"said-{self.number}"
        return json.loads(said.read_text()) if said.exists() else None

    @property
    def log(self) -> str:
        """All that it said."""
        return (self.order.folder / f"log-{self.number}").read_text(errors="replace")


class Nursery:
    """A zygote, and the word that is had with it; use it in a `with`."""

    def __init__(self) -> None:
        own = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-W", "ignore", "-m", "testing.faults.zygote"]
        self._process = subprocess.Popen(command, cwd=ROOT, env=own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._asked = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def start(self, order: Order) -> Process:
        """Begin what `order` says."""
        number = self._asked
        pid = self.ask(order=order.told())
        assert isinstance(pid, int)
        return Process(self, order, pid, number)

    def carry(self, order: Order) -> tuple[Process, int]:
        """The same, and wait for its end."""
        process = self.start(order)
        return process, process.end()

    def left(self) -> list[str]:
        """The command lines of processes that the dead have left, and that do not end by themselves."""
        left = self.ask(left=True)
        assert isinstance(left, list)
        return left

    def ask(self, **what: object) -> object:
        """One word with the zygote."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        self._asked += 1
        answer: object = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()
