"""Eight processes against one target, on every database: no window above its limit, no outcome lost or doubled, one probe at a time."""

import os
import subprocess
import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from runner.gates.breaker.log import GATE as BREAKER
from runner.gates.breaker.log import Log, refolded
from runner.gates.rate import ADMITTED
from runner.gates.rate import GATE as RATE
from runner.model.keys import key_of
from runner.ports import Entry
from runner.store.audit import AuditLog
from runner.store.ledger import SqlLedger

ROOT = Path(__file__).parents[2]
SECONDS = float(os.environ.get("SEATRIAL_STRESS_SECONDS", "4"))
PROCESSES = 8
TARGET, PER, LIMIT = "git:/srv/app", 0.25, 6

_WORKERS = """
import os, random, sys, time
from pathlib import Path
import alembic.command, psycopg, runner.store.schema, sqlalchemy.dialects.postgresql.psycopg, sqlalchemy.dialects.sqlite
from runner.gates import breaker, rate
from runner.gates.breaker.options import Options
from runner.gates.rate.options import Limit
from runner.model.result import Ending
from runner.store.ledger import SqlLedger
from testing.ledgers import a_gated_run, ended

state, processes, seconds, per, limit, target = sys.argv[1:]
limits = (Limit(limit=int(limit), per=float(per)),)
section = {"consecutive": 3, "failure_rate": "0%", "wait": "100ms", "advanced": {"growth": 1.0, "max_wait": "100ms", "jitter": "0%", "permits": 1}}
off = {"consecutive": 0, "failure_rate": "0%"}
options = Options.model_validate({"host": off, "promotion": off, "author": section})
gates = ((rate.gate, (), limits), (breaker.gate, "host", options))

def told(*words):
    os.write(1, (" ".join(words) + "\\n").encode())

def work(name, deadline):
    chance, ledger, number = random.Random(name), SqlLedger(Path(state)), 0
    while time.monotonic() < deadline or number < 10:  # a slow machine must decide something, too
        number += 1
        run = a_gated_run(f"{name}-{number}", target=target, author="alice")
        with ledger.writing() as moment:
            answers = [gate.judge(run, facts, moment, given) for gate, facts, given in gates]
            admitted = not any(answer.outcome == "refuse" for answer in answers)
            if admitted:
                for gate, facts, given in gates:
                    gate.charge(run, facts, moment, given)
        if not admitted:
            told("refused", run.id)
            continue
        time.sleep(chance.random() * 0.005)
        ending = Ending.REJECTED if chance.random() < 0.6 else Ending.ACCEPTED
        for _ in range(2):  # the second time must count nothing
            with ledger.writing() as moment:
                for gate, _facts, given in gates:
                    gate.settle(ended(run, ending), moment, given)
        told("admitted", run.id, ending.value)

children = []
for number in range(int(processes)):  # everything is loaded once: a start of Python for each would stagger them
    children.append(os.fork())
    if not children[-1]:
        code = 1
        try:
            work(f"{number:x}", time.monotonic() + float(seconds))
            code = 0
        finally:
            if code:
                import traceback
                traceback.print_exc()
            os._exit(code)
sys.exit(any([os.waitpid(child, 0)[1] for child in children]))
"""


class Told(NamedTuple):
    """What the processes were told: who was let in with what ending, and who was refused."""

    admitted: dict[str, str]
    refused: set[str]


def test_eight_processes_decide_as_one_would(tmp_path: Path, any_database: str) -> None:
    told = _hammered(tmp_path)
    assert len(told.admitted) > LIMIT
    assert told.refused
    with SqlLedger(tmp_path).writing() as moment:
        charged = moment.entries(RATE, *moment.keys(RATE))
        author = key_of("author", TARGET, "alice")
        log = moment.entries(BREAKER, author)
        assert Log(moment, author).state == refolded(moment, author)
    assert {entry.run for entry in charged} == set(told.admitted)
    assert max(Counter(entry.run for entry in charged if entry.kind == ADMITTED).values()) == 1
    assert _most_at_once([entry.at for entry in charged]) <= LIMIT
    assert {entry.run: entry.body["ending"] for entry in log if entry.kind == "ended"} == told.admitted
    assert Counter(entry.kind for entry in log)["ended"] == len(told.admitted)
    assert max(_probes_at_once(log)) <= 1
    found = AuditLog(tmp_path).verify()
    assert found.flaw is None
    kinds = Counter(entry.kind for entry in AuditLog(tmp_path).newest(10**6))
    assert kinds["breaker.opened"] >= 1
    if "SEATRIAL_STRESS_SECONDS" in os.environ:  # make long: elsewhere a busy machine may not come to a probe
        assert kinds["breaker.half-opened"] >= 1
        assert max(_probes_at_once(log)) == 1


def _hammered(state: Path) -> Told:
    given = (str(PROCESSES), str(SECONDS), str(PER), str(LIMIT), TARGET)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", _WORKERS, state, *given]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120 + SECONDS)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    admitted = {line[1]: line[2] for line in lines if line[0] == "admitted"}
    return Told(admitted, {line[1] for line in lines if line[0] == "refused"})


def _most_at_once(times: list[float]) -> int:
    """The most that any window (t - PER, t] holds."""
    return max(number + 1 - bisect_right(times, at - PER) for number, at in enumerate(times))


def _probes_at_once(log: tuple[Entry, ...]) -> Iterator[int]:
    """How many permits were out after each entry."""
    out: set[str] = set()
    for entry in log:
        if entry.body.get("lease") is not None:
            out.add(entry.run)
        if entry.kind == "ended":
            out.discard(entry.run)
        yield len(out)
