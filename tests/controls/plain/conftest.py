"""Two made-up trees, and a launcher stand-in that runs errands over them with real interpreters as the sandbox would."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from runner.controls.calls import Few, Planned, RecordedCall
from runner.controls.comparing import Seen
from runner.controls.definitions import Both, definitions
from runner.controls.docstrings import ask_examples, examples, judge_docstrings
from runner.controls.interpreter import Bounds, Run, ask, read
from runner.controls.planning import plan
from runner.controls.probing import judge
from runner.model.result import Result
from runner.model.sandbox import Errands
from runner.model.suite import Errand
from runner.ports import Importer

BOUNDS = Bounds(seconds=0.5, list_seconds=10)
PATH = "src/m.py"


def carried_out(errands: Errands, work: Path, pythons_env: dict[str, str]) -> tuple[Errand, ...]:
    done = []
    for at, arguments in enumerate(errands.each):
        reader, writer = os.pipe()
        env = {
            "PATH": os.environ["PATH"],
            **pythons_env,
            **errands.env,
            **(errands.envs[at] if errands.envs else {}),
            "SEATRIAL_REPORT_FD": str(writer),
        }
        began = time.monotonic()
        with subprocess.Popen(
            [*errands.argv, *arguments], cwd=work, env=env, pass_fds=(writer,), stdin=-3, stdout=-3, stderr=-3, start_new_session=True
        ) as process:
            os.close(writer)
            overdue = threading.Event()

            def kill(process=process, overdue=overdue) -> None:
                overdue.set()
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

            timer = threading.Timer(errands.seconds, kill)
            timer.start()
            with os.fdopen(reader, "rb") as told:
                said = told.read()
            status = process.wait()
            timer.cancel()
        code = None if overdue.is_set() else 128 - status if status < 0 else status
        done.append(Errand(status=code, seconds=time.monotonic() - began, told=said.decode("utf-8", "replace")))
    return tuple(done)


@dataclass
class Sides:
    """A module `m` on the base and with a change."""

    folder: Path
    bounds: Bounds = BOUNDS
    python: str = sys.executable

    def write(self, base: str, patched: str) -> None:
        for side, source in (("base", base), ("patched", patched)):
            file = self.folder / side / PATH
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(source), encoding="utf-8")

    def both(self) -> Both:
        base, patched = ((self.folder / side / PATH).read_bytes() for side in ("base", "patched"))
        return definitions([(base, patched)])[0]

    def importer(self, side: str) -> Importer:
        return Importer((self.python, "-s", "-c"), {"PYTHONPATH": ""}, str(self.folder / side), ("src",), ".:src")

    def run(self, side: str, planned: Planned, shift: float = 0.0, env: dict[str, str] | None = None) -> Run:
        asked = ask(self.importer(side), [[call.item] for call in planned.calls], self.bounds, shift=shift)
        return read(asked, carried_out(asked.errands, self.folder / side, env or {}))

    def plan(self, *recorded: RecordedCall, few: Few = Few()) -> Planned:  # noqa: B008
        return plan({"m": self.both()}, recorded, few, "seed")

    def probe(self, base: str, patched: str, *recorded: RecordedCall, shifts: tuple[float, ...] = (0.0,), few: Few = Few()) -> Result:  # noqa: B008
        self.write(base, patched)
        planned = self.plan(*recorded, few=few)
        seen = []
        for place, shift in enumerate(shifts):
            name = "another clock" if shift else ""
            runs = tuple(self.run("base", planned, shift) for _ in range(2))
            seen.append(Seen(name, runs, self.run("patched", planned, shift), place))
        return judge(planned, seen, {"m": PATH})

    def examples(self, base: str, patched: str) -> Result:
        self.write(base, patched)
        found = examples({"m": self.both()}, 100)
        runs = []
        for side in ("base", "base", "patched"):
            asked = ask_examples(self.importer(side), found)
            runs.append(read(asked, carried_out(asked.errands, self.folder / side, {})))
        return judge_docstrings(found, [Seen("", tuple(runs[:2]), runs[2])], {"m": PATH})


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    return Sides(tmp_path)


def a_call(args: str = "()", kwargs: str = "{}", *, name: str = "f", own: str | None = None) -> RecordedCall:
    return RecordedCall("m", name, args, kwargs, own)


@pytest.fixture
def call():
    """Builds recorded calls of `m.f`."""
    return a_call
