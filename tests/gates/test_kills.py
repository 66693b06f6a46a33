"""Eight processes against one target, killed at random moments, on every database: what the log says afterwards, counted by hand."""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from runner.gates.breaker.log import GATE, Log, refolded
from runner.gates.rate import GATE as RATE
from runner.model.keys import parts_of
from runner.ports import Entry
from runner.store.audit import AuditLog
from runner.store.ledger import SqlLedger
from testing.gate_load import BREAKERS, LIMITS

SECONDS = float(os.environ.get("SEATRIAL_STRESS_SECONDS", "2"))
KILLS = int(os.environ.get("SEATRIAL_KILL_TRIALS", "8"))
ENOUGH = 300
"""Events after which limits were met and breakers opened; a busy machine may come to fewer in a few seconds."""
Logs = dict[str, tuple[Entry, ...]]


class Load:
    """What the processes were told, and what the log holds when they are gone."""

    def __init__(self, folder: Path, seconds: float, kills: int) -> None:
        seed = random.randrange(1, 10_000)  # printed where a test fails
        print(f"seed {seed}")  # noqa: T201
        self.state = folder / "state"
        argv = [sys.executable, "-m", "testing.gate_load", str(self.state), str(seconds), str(kills), str(seed)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=seconds + 120)
        assert done.returncode == 0, done.stderr
        self.told = [json.loads(line) for file in sorted(folder.glob("*.told")) for line in file.read_text().splitlines()]
        with SqlLedger(self.state).reading() as moment:
            self.breakers: Logs = {key: moment.entries(GATE, key) for key in moment.keys(GATE)}
            self.rates: Logs = {key: moment.entries(RATE, key) for key in moment.keys(RATE)}
            self.kept_and_folded = [(Log(moment, key).state, refolded(moment, key)) for key in self.breakers]
            self.cached = [moment.state(GATE, key) for key in self.breakers]

    def of(self, what: str) -> list[str]:
        return [said[1] for said in self.told if said[0] == what]

    def check(self) -> None:
        self.no_window_holds_more_than_its_limit()
        self.no_admission_is_lost_or_counted_twice()
        self.no_outcome_is_lost_or_counted_twice()
        self.the_state_is_what_the_log_folds_to()
        self.never_more_probes_than_permits()
        assert AuditLog(self.state).verify().flaw is None
        if len(self.told) > ENOUGH:
            assert self.of("refused")
            assert any(entry.body.get("lease") is not None for entry in _all(self.breakers, "admitted")), "no breaker was ever half-open"

    def no_window_holds_more_than_its_limit(self) -> None:
        assert self.rates
        for key, entries in self.rates.items():
            times = [entry.at for entry in entries]
            for limit in LIMITS:
                if limit.parts == parts_of(key)[::2]:
                    most = max(sum(end - limit.per < at <= end for at in times) for end in times)
                    assert most <= limit.limit, (key, limit)

    def no_admission_is_lost_or_counted_twice(self) -> None:
        begun = set(self.of("entered")) | set(self.of("leaving"))
        for gate in (self.rates, self.breakers):
            admitted = Counter((key, entry.run) for key in gate for entry in gate[key] if entry.kind == "admitted")
            assert set(admitted.values()) == {1}
            assert {run for _, run in admitted} >= begun
        counters = Counter(entry.run for entries in self.rates.values() for entry in entries)
        assert set(counters.values()) == {2}, "all limits of a run are charged or none: one by target, one by target and path"

    def no_outcome_is_lost_or_counted_twice(self) -> None:
        left = {said[1]: said[2] for said in self.told if said[0] == "left"}
        leaving = {said[1]: said[2] for said in self.told if said[0] == "leaving"}
        recorded = Counter((entry.run, entry.body["ending"]) for entry in _all(self.breakers, "ended"))
        assert left, "nothing ended: this proves nothing about outcomes"
        for run, ending in left.items():
            assert recorded[run, ending] == 3, "each of its three breakers has it once"
        assert set(recorded) <= set(leaving.items())
        assert set(recorded.values()) == {3}

    def the_state_is_what_the_log_folds_to(self) -> None:
        assert all(cached is not None for cached in self.cached)
        for kept, folded in self.kept_and_folded:
            assert kept == folded

    def never_more_probes_than_permits(self) -> None:
        for key, entries in self.breakers.items():
            permits = BREAKERS.of(parts_of(key)[0]).advanced.permits
            for last in (entry for entry in entries if entry.body.get("lease") is not None):
                assert len(_probing(entries, last)) <= permits, key


def _all(logs: Logs, kind: str) -> Iterator[Entry]:
    return (entry for entries in logs.values() for entry in entries if entry.kind == kind)


def _probing(entries: Sequence[Entry], last: Entry) -> set[str]:
    """The runs with a permit of one generation just after one of them was given."""
    probing = set()
    for entry in entries[: entries.index(last) + 1]:
        if entry.body.get("lease") is not None and entry.body["generation"] == last.body["generation"] and entry.body["lease"] > last.at:
            probing.add(entry.run)
        elif entry.kind in ("ended", "held"):
            probing.discard(entry.run)
    return probing


def test_kills_at_random_moments_break_no_limit_and_lose_or_double_no_outcome(any_database: str, tmp_path: Path) -> None:
    Load(tmp_path, max(SECONDS, KILLS * 0.15), KILLS).check()
