"""Workers that are killed, frozen and asked to end, and a database that is gone for a while: nothing is lost, nothing promoted twice."""

import os
import random
import signal
import time

import pytest

from testing.fleets import SHORT_TTL, Fleet, Member, until
from testing.postgres import Cluster

KILLS = int(os.environ.get("SEATRIAL_FLEET_KILLS", "6"))
pytestmark = [pytest.mark.docker, pytest.mark.postgres, pytest.mark.slow]


def under_way(fleet: Fleet, host: str, runs: list[str]) -> bool:
    """Whether one of these runs is carried on that machine, and has not ended."""
    homes, states = fleet.homes(), fleet.states(runs)
    return any(homes[run] == host and states[run] == "running" for run in runs)


def test_what_a_killed_worker_had_goes_on_when_it_is_back_and_others_take_the_rest(fleet: Fleet) -> None:
    fleet.serve("--no-work", before=SHORT_TTL)
    victim = fleet.work("host0", slots=2, before=SHORT_TTL)
    runs = [fleet.submit(number) for number in range(5)]
    until(lambda: under_way(fleet, "host0", runs), lambda: victim.err)
    victim.kill()
    fleet.work("host1", before=SHORT_TTL)
    mine = {run for run, home in fleet.homes().items() if home == "host0" and fleet.states(runs)[run] == "running"}
    rest = [run for run in runs if run not in mine]
    assert rest, "it takes no more than it has slots for"
    fleet.all_confirmed(rest)
    assert set(fleet.states(mine).values()) == {"running"}
    told = fleet.run("host1", "fleet")[1]
    assert f"stranded  {len(mine)} runs wait for a worker on" in told
    fleet.work("host0", before=SHORT_TTL)
    fleet.all_confirmed(runs)
    fleet.assert_once(runs)


def freeze(member: Member, cluster: Cluster) -> None:
    """Stop a process, but not in the middle of a transaction that keeps everybody waiting until the server ends it."""
    query = "SELECT pid, virtualtransaction FROM pg_locks WHERE locktype = 'advisory' AND granted"
    for _ in range(100):
        member.send(signal.SIGSTOP)
        first = set(cluster.run(query))
        time.sleep(0.5)
        if not first & set(cluster.run(query)):
            return
        member.send(signal.SIGCONT)
        time.sleep(0.05)
    raise AssertionError("it always writes")


def test_a_worker_that_is_frozen_and_thaws_changes_nothing_twice(fleet: Fleet, own_postgres: Cluster) -> None:
    fleet.serve("--no-work", before=SHORT_TTL)
    frozen = fleet.work("host0", slots=2, before=SHORT_TTL)
    runs = [fleet.submit(number, "main" if number < 2 else "own") for number in range(4)]
    until(lambda: under_way(fleet, "host0", runs), lambda: frozen.err)
    freeze(frozen, own_postgres)
    fleet.work("host1", before=SHORT_TTL)
    time.sleep(6)
    frozen.send(signal.SIGCONT)
    fleet.all_confirmed(runs)
    fleet.assert_once(runs)


STOPS_WHILE_IT_WRITES = """
import os, signal
from contextlib import contextmanager
from pathlib import Path
from runner.store.database import Database
writing = Database.writing
@contextmanager
def stopping(self):
    with writing(self) as transaction:
        if Path("stop").exists():
            Path("stop").unlink()
            Path("stopped").touch()
            os.kill(os.getpid(), signal.SIGSTOP)
        yield transaction
Database.writing = stopping
"""


@pytest.mark.long
def test_a_worker_that_stops_while_it_writes_keeps_nobody_for_long(fleet: Fleet) -> None:
    fleet.serve("--no-work", before=SHORT_TTL)
    frozen = fleet.work("host0", slots=2, before=SHORT_TTL + STOPS_WHILE_IT_WRITES)
    runs = [fleet.submit(number) for number in range(3)]
    until(lambda: under_way(fleet, "host0", runs), lambda: frozen.err)
    (fleet.folder / "stop").touch()
    until((fleet.folder / "stopped").exists, lambda: frozen.err)
    assert fleet.ask("GET", "/livez")[0] == 200
    later = [fleet.submit(number) for number in range(3, 5)]
    fleet.work("host1", before=SHORT_TTL)
    fleet.all_confirmed(later)  # the database ended the transaction of the stopped one
    frozen.send(signal.SIGCONT)
    fleet.all_confirmed(runs)
    fleet.assert_once([*runs, *later])


def test_a_database_that_is_gone_for_a_while_costs_no_run(fleet: Fleet, own_postgres: Cluster) -> None:
    fleet.serve("--no-work")
    workers = [fleet.work(f"host{number}") for number in range(2)]
    runs = [fleet.submit(number) for number in range(4)]
    for _ in range(2):
        until(lambda: "running" in fleet.states(runs).values(), lambda: workers[0].err)
        own_postgres.stop()
        time.sleep(2)
        own_postgres.go_on()
    fleet.all_confirmed(runs)
    fleet.assert_once(runs)
    assert fleet.run("server", "audit", "verify")[0] == 0


@pytest.mark.long
def test_changes_that_race_for_one_target_land_one_after_another(fleet: Fleet) -> None:
    fleet.configure({name: f"git:{fleet.bare}#{name}" for name in ("main", "one", "two")} | {"own": f"git:{fleet.bare}"})
    fleet.serve("--no-work")
    for number in range(2):
        fleet.work(f"host{number}", slots=2)
    runs = [fleet.submit(number, target) for number in range(3) for target in ("main", "one")]
    fleet.all_confirmed(runs)
    fleet.assert_once(runs)


def test_a_worker_that_is_asked_to_end_finishes_what_it_has_and_takes_nothing_new(fleet: Fleet) -> None:
    fleet.serve("--no-work")
    worker = fleet.work("host0")
    runs = [fleet.submit(number) for number in range(3)]
    until(lambda: under_way(fleet, "host0", runs), lambda: worker.err)
    worker.send(signal.SIGTERM)
    assert worker.ended(80) == 143
    states = fleet.states(runs)
    assert "queued" in states.values(), "nothing new was taken"
    assert "running" not in states.values(), "what went on was finished"
    fleet.work("host1")
    fleet.all_confirmed(runs)
    fleet.assert_once(runs)


@pytest.mark.long
@pytest.mark.parametrize("what", ["serve", "worker", "watch"])
def test_who_is_asked_to_end_while_the_database_is_silent_ends_before_its_service_manager_kills_it(
    fleet: Fleet, own_postgres: Cluster, what: str
) -> None:
    member = fleet.serve("--no-work")
    if what == "worker":
        member = fleet.work("host0")
    elif what == "watch":
        member = fleet.start("host0", "watch")
        member.says("watching as")
    with own_postgres.silent():
        time.sleep(2)
        member.send(signal.SIGTERM)
        assert member.ended(90) == 143


@pytest.mark.long
def test_a_worker_that_may_not_wait_leaves_its_runs_to_the_next_start(fleet: Fleet) -> None:
    fleet.serve("--no-work")
    worker = fleet.work("host0", "--drain", "0s")
    runs = [fleet.submit(number) for number in range(2)]
    until(lambda: under_way(fleet, "host0", runs), lambda: worker.err)
    worker.send(signal.SIGTERM)
    assert worker.ended(30) == 143
    assert "the next start goes on with the rest" in worker.err
    fleet.work("host0")
    fleet.all_confirmed(runs)
    fleet.assert_once(runs)


@pytest.mark.long
def test_after_kills_and_freezes_at_random_each_run_is_carried_once(fleet: Fleet, own_postgres: Cluster) -> None:
    chance = random.Random(KILLS)
    fleet.serve("--no-work", before=SHORT_TTL)
    workers = {f"host{number}": fleet.work(f"host{number}", slots=2, before=SHORT_TTL) for number in range(3)}
    runs: list[str] = []
    for number in range(KILLS):
        runs += [fleet.submit(3 * number + more, ("own", "main", "own")[more]) for more in range(3)]
        time.sleep(chance.random() * 4)
        host = chance.choice(sorted(workers))
        _fault(fleet, host, workers, chance, own_postgres)
    fleet.all_confirmed(runs)
    print(f"\n{KILLS} faults, {len(runs)} runs, all confirmed")  # noqa: T201
    fleet.assert_once(runs)


def _fault(fleet: Fleet, host: str, workers: dict[str, Member], chance: random.Random, cluster: Cluster) -> None:
    what = chance.choice(("kill", "freeze", "database"))
    if what == "kill":
        workers[host].kill()
        workers[host] = fleet.work(host, slots=2, before=SHORT_TTL)
    elif what == "freeze":
        freeze(workers[host], cluster)
        time.sleep(5)
        workers[host].send(signal.SIGCONT)
    else:
        cluster.stop()
        time.sleep(1)
        cluster.go_on()
