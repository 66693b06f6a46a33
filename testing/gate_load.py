"""Eight processes that ask the gates about runs to one target, some of them killed at random moments; each writes down what it was told.

`python -m testing.gate_load STATE SECONDS KILLS SEED`: the workers are forked from one process that has loaded everything.
"""

import json
import os
import random
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from runner.gates import breaker, rate
from runner.gates.breaker.options import Options
from runner.gates.rate.options import Limit
from runner.model.result import Ending, Outcome
from runner.store.ledger import SqlLedger
from testing.ledgers import a_gated_run, ended

WORKERS = 8
TARGET = "git:/srv/app"
LIMITS = (Limit(limit=12, per=1.0), Limit(limit=4, per=0.25), Limit(limit=6, per=1.0, key=("target", "path")))
_ADVANCED = {"growth": 1.0, "max_wait": 0.3, "jitter": 0.2, "lease": 0.15, "max_duration": 0.6}
BREAKERS = Options.model_validate(
    {
        "host": {"failure_rate": 0.5, "wait": 0.2, "advanced": {**_ADVANCED, "window": 1.0, "minimum_calls": 4, "permits": 2}},
        "author": {"consecutive": 3, "failure_rate": 0.0, "wait": 0.2, "advanced": {**_ADVANCED, "permits": 1}},
    }
)
_ENDINGS = (Ending.ACCEPTED, Ending.ACCEPTED, Ending.REJECTED, Ending.FAILED, Ending.CANCELLED)


class Worker:
    """One process: runs come, are asked about, and end, until it is killed or the time is over."""

    def __init__(self, state: Path, number: int, until: float) -> None:
        self._ledger, self._until = SqlLedger(state), until
        self._name, self._random = f"w{number}", random.Random(number)
        self._told = os.open(state.parent / f"{self._name}.told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def work(self) -> None:
        number = 0
        while time.monotonic() < self._until:
            number += 1
            folder = self._random.choice(("src", "docs", "tools"))
            run = a_gated_run(f"{self._name}.{number}", f"{folder}/x.py", target=TARGET, author=self._random.choice(("", "ann")))
            if not self._enters(run, (f"{folder}/",)):
                self._tell("refused", run.id)
                time.sleep(self._random.random() * 0.02)
                continue
            self._tell("entered", run.id)
            time.sleep(self._random.random() * 0.03)
            if self._random.random() < 0.03:
                continue  # lost: nobody ever hears of this run again
            bad = time.monotonic() % 1 < 0.5  # failures come in waves, so that breakers open and close
            ending = self._random.choice(_ENDINGS[2:4] if bad else _ENDINGS)
            self._tell("leaving", run.id, ending)
            for _ in range(self._random.choice((1, 1, 2))):
                with self._ledger.writing() as moment:
                    breaker.gate.settle(ended(run, ending), moment, BREAKERS)
            self._tell("left", run.id, ending)
        self._ledger.close()

    def _enters(self, run: Any, touched: tuple[str, ...]) -> bool:
        host = socket.gethostname()
        with self._ledger.writing() as moment:
            answers = (breaker.gate.judge(run, host, moment, BREAKERS), rate.gate.judge(run, touched, moment, LIMITS))
            if any(answer.outcome is Outcome.REFUSE for answer in answers):
                return False
            breaker.gate.charge(run, host, moment, BREAKERS)
            rate.gate.charge(run, touched, moment, LIMITS)
        return True

    def _tell(self, *what: str) -> None:
        os.write(self._told, f"{json.dumps(what)}\n".encode())


def _forked(state: Path, number: int, until: float) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        Worker(state, number, until).work()
        code = 0
    except BaseException:  # noqa: BLE001  the parent tells
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def main(state: Path, seconds: float, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    Worker(state, seed * 10_000 + 9_999, time.monotonic() + 0.2).work()  # makes the tables, and all that is made at first use
    until = time.monotonic() + seconds
    living = [_forked(state, seed * 10_000 + number, until) for number in range(WORKERS)]
    for kill in range(kills):
        time.sleep(chance.random() * 2 * seconds / (kills + 1))
        place = chance.randrange(WORKERS)
        os.kill(living[place], signal.SIGKILL)
        os.waitpid(living[place], 0)
        living[place] = _forked(state, seed * 10_000 + WORKERS + kill, until)
    codes = [os.waitpid(child, 0)[1] for child in living]
    sys.exit(1 if any(codes) else 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
