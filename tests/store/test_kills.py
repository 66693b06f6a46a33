"""A process that is killed at a random moment while it writes: what it was told is kept, is there; and never half of anything."""

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from runner.store.audit import AuditLog
from runner.store.ledger import SqlLedger
from testing.postgres import Cluster

ROOT = Path(__file__).parents[2]
TRIALS = int(os.environ.get("SEATRIAL_KILL_TRIALS", "8"))
_RENEWED = 4
"""Trials with one database; the first of them may be killed while it makes the tables."""
_MAKING = 0.6
"""Seconds within which the tables are made."""
_LONGEST = 0.1

_NURSERY = """
import os, signal, sys, time
from itertools import count
from pathlib import Path
import alembic.command, alembic.config, psycopg, sqlalchemy.dialects.postgresql, sqlalchemy.dialects.sqlite
from runner.store.chain import append
from runner.store.ledger import SqlLedger
import runner.store.schema

def write(state, name, begun):
    ledger = SqlLedger(Path(state))
    for number in count():
        run = f"{name}-{number}"
        with ledger.writing() as moment:
            total = int((moment.state("sum", "all") or (0, "0"))[1]) + 1
            first = moment.append("rate", "main", "charge", run=run, body={"pad": "x" * 2000})
            moment.append("rate", "other", "charge", run=run)
            moment.keep("sum", "all", first.seq, str(total))
            moment.audit("rate.charged", run, {"total": total})
        os.write(1, f"{run}\\n".encode())
        if number == 0:
            os.write(begun, b"!")

for line in iter(sys.stdin.readline, ""):
    state, database, name, patient, seconds = line.split("\\t")
    os.environ["SEATRIAL_DATABASE"] = database
    reads, begun = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            write(state, name, begun)
        finally:
            os._exit(7)
    os.close(begun)
    if patient == "True":
        os.read(reads, 1)
    os.close(reads)
    time.sleep(float(seconds))
    os.kill(child, signal.SIGKILL)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.write(1, f"\\nend {ended}\\n".encode())
"""


class Nursery:
    """A process that has loaded everything, and starts and kills writers: a trial costs no start of Python."""

    def __init__(self, stack: ExitStack) -> None:
        command = [sys.executable, "-c", _NURSERY]
        self._process = stack.enter_context(subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        stack.callback(self._process.kill)

    def start(self, state: Path, database: str, name: str, seconds: float, *, patient: bool) -> None:
        """Kill it so many seconds after it began; `patient`: after it was told for the first time that something is kept."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{state}\t{database}\t{name}\t{patient}\t{seconds}\n")
        self._process.stdin.flush()

    def told(self) -> Iterator[str]:
        """What the writer was told is kept, up to its end by our kill."""
        assert self._process.stdout is not None
        for line in iter(self._process.stdout.readline, ""):
            if line.startswith("end "):
                assert line == "end -9\n", "a writer ended by itself"
                return
            if line.strip():
                yield line.strip()
        pytest.fail("the nursery died")


def test_after_every_kill_the_record_is_whole_and_has_all_that_was_acknowledged(
    tmp_path: Path, any_database: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(TRIALS)
    cluster: Cluster | None = request.getfixturevalue("postgres") if any_database == "postgres" else None
    acknowledged = 0
    with ExitStack() as stack:
        nurseries = [Nursery(stack) for _ in range(2)]
        for trial in range(TRIALS):
            if trial % _RENEWED == 0:
                state, told = tmp_path / f"state{trial}", list[str]()
                database = cluster.fresh() if cluster else ""
                monkeypatch.setenv("SEATRIAL_DATABASE", database)
            for number, nursery in enumerate(nurseries):
                patient = trial % _RENEWED > 0
                seconds = chance.random() * (_LONGEST if patient else _MAKING)
                nursery.start(state, database, f"{trial}.{number}", seconds, patient=patient)
            told += [run for nursery in nurseries for run in nursery.told()]
            _is_whole(state, told)
            acknowledged += len(told)
    assert acknowledged >= TRIALS


def _is_whole(state: Path, told: list[str]) -> None:
    with SqlLedger(state).writing() as moment:  # it still can be written to, and whoever was killed holds no lock
        charged, other = ([entry.run for entry in moment.entries("rate", key)] for key in ("main", "other"))
        total = int((moment.state("sum", "all") or (0, "0"))[1])
    audited = [entry.subject for entry in AuditLog(state).newest(1_000_000)]
    assert set(told) <= set(charged)
    assert charged == other == list(reversed(audited))
    assert (total, max(Counter(charged).values(), default=0)) == (len(charged), min(1, len(charged)))
    found = AuditLog(state).verify()
    assert (found.flaw, found.entries) == (None, total)
