"""Runs go on at their step, each in one process, whoever dies: one test for each edge of the library that was measured."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import event

from runner.engine.executor import PROTOCOL, Checkpoint, Executor
from runner.engine.outcome import Broke
from runner.errors import StoreUnavailable
from runner.store.engine_database import SCHEMA, EngineDatabase
from runner.store.owners import known_place
from testing.crews import ROOT, STEPS, Crew, Nursery
from testing.landing import until
from testing.postgres import Cluster

ONCE = dict.fromkeys(STEPS, 1)
DONE = json.dumps([1, *STEPS])


def rows(state: Path, columns: str, table: str) -> list[str]:
    """A column of a table of the library's."""
    database = EngineDatabase(state)
    with database.engine.connect() as connection:
        found = connection.exec_driver_sql(f"SELECT {columns} FROM {'' if database.url else SCHEMA + '.'}{table}").scalars().all()
    database.close()
    return sorted(found, key=str)


def locks(crew: Crew) -> set[str]:
    return {path.name for path in (crew.state / "executors").iterdir()}


# ── the straight way ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_is_carried_step_by_step_and_its_end_is_told_to_whoever_asks(crew: Crew) -> None:
    first = crew.submit("a")
    assert first.said("result") == DONE
    first.ended()
    again = crew.submit("a")  # the same leg once more is no other one
    assert again.said("result") == DONE
    assert crew.steps("a") == ONCE
    again.ended()
    more = crew.start("submit", ("hand_over", "a"), ("wait", "a"))  # the library warns of that
    assert more.said("result") == DONE
    more.ended()
    assert [member.complaints for member in crew.members] == [""] * 3


def test_who_ends_in_peace_leaves_nothing(crew: Crew) -> None:
    member = crew.start("submit", ("adopt", "a"), ("wait", "a"))
    member.said("closed")
    member.ended()
    assert locks(crew) == set()
    assert rows(crew.state, "name", "queues") == [f"{queue}-{known_place(crew.state)}" for queue in ("late", "runs")]
    assert crew.start("watch", ("reap",)).said("reaped") == []


def test_what_is_handed_over_is_carried_by_a_watcher_alone(crew: Crew) -> None:
    crew.hold("gates")
    first = crew.submit("b")
    crew.until_in("b", "gates")
    first.kill()
    crew.let_go("gates")
    orders = ("hand_over", "a"), ("hand_over", "a"), ("adopt", "b"), ("wait", "b"), ("wait", "a")
    submit = crew.start("submit", *orders, seconds=0.15)  # looks into a queue meanwhile
    assert submit.said("result") == DONE
    assert crew.steps("a") == {}
    watcher = crew.watch()
    submit.ended()
    assert crew.steps("a") == ONCE
    assert set(crew.who("a", "promote")) == {watcher.pid}


def test_three_processes_at_once_make_the_database_and_lose_no_run(crew: Crew) -> None:
    members = [crew.submit(run) for run in "abc"]
    for member in members:
        assert member.said("result") == DONE
    assert [crew.steps(run) for run in "abc"] == [ONCE] * 3


# ── executor ids ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_processes_beside_one_another_do_not_run_each_others_steps(crew: Crew) -> None:
    crew.hold("sandbox")
    members = {run: crew.submit(run) for run in "ab"}
    for run in "ab":
        crew.until_in(run, "sandbox")
    members["c"] = crew.submit("c")  # begins while the others are in the middle
    crew.until_in("c", "sandbox")
    crew.let_go("sandbox")
    for member in members.values():
        member.ended()
    for run, member in members.items():
        assert crew.steps(run) == ONCE
        assert {pid for step in STEPS for pid in crew.who(run, step)} == {member.pid}
    assert len({member.id for member in members.values()}) == 3


def test_a_restarted_watcher_has_the_id_and_goes_on_with_the_work_of_the_one_before(crew: Crew) -> None:
    crew.hold("sandbox")
    first, beside = crew.watch(), crew.watch()
    assert first.id != beside.id
    beside.kill()
    crew.start("submit", ("hand_over", "a")).ended()
    crew.until_in("a", "sandbox")
    first.kill()
    again = crew.start("watch", ("sleep",))  # it need not reap
    assert again.id == first.id
    crew.until(lambda: crew.steps("a")["sandbox"] == 2)
    crew.let_go("sandbox")
    crew.until(lambda: crew.steps("a", "ended")["breaker"])
    assert crew.steps("a") == ONCE | {"sandbox": 2}


# ── the dead ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_killed_submit_left_a_watcher_takes_over_at_the_step(crew: Crew) -> None:
    crew.hold("sandbox")
    submit = crew.submit("a")
    crew.until_in("a", "sandbox")
    watcher = crew.watch()
    submit.kill()
    assert watcher.said("reaped") == ["a.1"]
    crew.let_go("sandbox")
    crew.until(lambda: crew.steps("a", "ended")["breaker"])
    assert crew.steps("a") == ONCE | {"sandbox": 2}
    assert crew.who("a", "sandbox") == [submit.pid, watcher.pid]
    assert crew.steps("a", "promoted") == {"promote": 1}
    crew.until(lambda: locks(crew) == {watcher.id})


def test_exactly_one_of_two_watchers_takes_each_run(crew: Crew) -> None:
    crew.hold("sandbox")
    submit = crew.submit(*"abcdef")
    for run in "abcdef":
        crew.until_in(run, "sandbox")
    crew.watch()
    crew.watch()
    submit.kill()
    crew.let_go("sandbox")
    for run in "abcdef":
        crew.until(lambda run=run: crew.steps(run, "ended")["breaker"])
        assert crew.steps(run) == ONCE | {"sandbox": 2}
    assert sorted(name for line in crew.told() for name in line.get("reaped", ())) == [f"{run}.1" for run in "abcdef"]


def test_what_was_adopted_and_never_begun_is_taken_over_with_its_queue(crew: Crew) -> None:
    crew.hold("sandbox")
    submit = crew.submit("a")
    crew.until_in("a", "sandbox")
    submit.kill()
    adopter = crew.start("submit", ("adopt", "a"), ("sleep",))
    adopter.said("accepted")
    adopter.kill()
    assert crew.watch().said("reaped") == ["a.1"]
    crew.let_go("sandbox")
    crew.until(lambda: crew.steps("a", "ended")["breaker"])
    assert rows(crew.state, "name", "queues") == [f"{queue}-{known_place(crew.state)}" for queue in ("late", "runs")]


def test_what_died_in_another_process_can_be_adopted_here(crew: Crew) -> None:
    crew.hold("sandbox")
    submit = crew.submit("a")
    crew.until_in("a", "sandbox")
    submit.kill()
    crew.let_go("sandbox")
    for _ in range(2):
        crew.start("submit", ("sleep",)).said("entered")  # they have nothing to do, and no business with it
    adopter = crew.start("submit", ("adopt", "a"), ("wait", "a"))
    assert adopter.said("result") == DONE
    assert crew.steps("a") == ONCE | {"sandbox": 2}
    assert crew.who("a", "promote") == [adopter.pid]


def test_who_is_asked_to_stop_stops_in_the_middle_and_leaves_the_run_to_others(crew: Crew) -> None:
    crew.hold("sandbox")
    submit = crew.submit("a")
    crew.until_in("a", "sandbox")
    watcher = crew.watch()
    submit.send(signal.SIGTERM)
    assert submit.said("raised") == ["Terminated", "15"]
    submit.ended()
    assert watcher.said("reaped") == ["a.1"]
    crew.let_go("sandbox")
    crew.until(lambda: crew.steps("a", "ended")["breaker"])
    assert crew.steps("a") == ONCE | {"sandbox": 2}


# ── the undead ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_stopped_process_whose_run_was_adopted_stops_at_its_step_when_it_thaws(crew: Crew) -> None:
    crew.hold("sandbox")
    frozen = crew.submit("a")
    crew.until_in("a", "sandbox")
    frozen.send(signal.SIGSTOP)
    assert crew.start("watch", ("reap",)).said("reaped") == []  # on this machine the lock says exactly that it lives
    adopter = crew.start("submit", ("adopt", "a"), ("wait", "a"))
    crew.until(lambda: crew.steps("a")["sandbox"] == 2)
    crew.let_go("sandbox")
    assert adopter.said("result") == DONE
    frozen.send(signal.SIGCONT)
    assert frozen.said("result") == DONE  # that of the other
    frozen.ended()
    assert crew.steps("a") == ONCE | {"sandbox": 2}
    assert {pid for step in STEPS[4:] for pid in crew.who("a", step)} == {adopter.pid}


@pytest.mark.postgres
def test_what_a_stopped_process_of_another_machine_carried_goes_on_there_and_it_stops_when_it_thaws(
    tmp_path: Path, postgres_url: str, nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEATRIAL_DATABASE", postgres_url)
    with Crew(tmp_path, nursery) as crew:
        crew.hold("sandbox")
        frozen = crew.submit("a", ttl=1.0)
        crew.until_in("a", "sandbox")
        watcher = crew.watch()  # on the same machine it cannot tell a frozen process from a busy one
        elsewhere = crew.watch(ttl=1.0, state=str(tmp_path / "elsewhere"))
        frozen.send(signal.SIGSTOP)
        assert elsewhere.said("reaped") == ["a.1"]
        crew.until(lambda: crew.steps("a")["sandbox"] == 2)
        frozen.send(signal.SIGCONT)
        crew.let_go("sandbox")
        assert frozen.said("result") == DONE
        assert crew.steps("a") == ONCE | {"sandbox": 2}
        assert {pid for step in STEPS[4:] for pid in crew.who("a", step)} == {watcher.pid}


def test_the_lock_of_who_died_before_it_was_known_is_removed(crew: Crew) -> None:
    watcher = crew.watch()
    lock = crew.state / "executors" / "nobody-knows-me"
    lock.touch(0o600)
    crew.until(lambda: not lock.exists())
    assert watcher.is_alive()


def test_a_step_does_not_begin_once_the_run_is_anothers(crew: Crew) -> None:
    robbed = crew.submit("a", robbed="promote")
    crew.until(lambda: [line for line in crew.told() if line.get("event") == "robbed"])
    watcher = crew.watch()
    assert robbed.said("result") == DONE
    assert crew.steps("a") == ONCE
    assert crew.who("a", "promote") == [watcher.pid]


# ── what goes wrong in a run ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_step_that_failed_fails_again_after_a_crash_and_is_not_run_again(crew: Crew) -> None:
    crew.hold("sandbox")
    submit = crew.submit("a", fails="backup")
    crew.until_in("a", "sandbox")
    submit.kill()
    crew.let_go("sandbox")
    told = json.loads(crew.start("submit", ("adopt", "a"), ("wait", "a")).said("result"))
    assert told[2] == "no room Make some."
    assert crew.steps("a") == ONCE | {"sandbox": 2}


def test_a_run_that_breaks_has_ended_and_says_so_to_whoever_asks(crew: Crew) -> None:
    first = crew.submit("a", breaks="backup")
    assert first.said("raised") == ["Broke", "ZeroDivisionError: a bug"]
    first.ended()
    assert crew.submit("a").said("raised") == ["Broke", "ZeroDivisionError: a bug"]
    assert crew.steps("a") == {"gates": 1, "backup": 1}
    assert crew.start("watch", ("reap",)).said("reaped") == []
    assert "ZeroDivisionError" in first.complaints  # where it came from is logged


# ── versions ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_goes_on_only_with_a_program_of_its_protocol(crew: Crew) -> None:
    crew.start("submit", ("hand_over", "new")).ended()
    crew.start("submit", ("hand_over", "old"), version="0").ended()
    crew.watch(version="0")
    crew.until(lambda: crew.steps("old", "ended")["breaker"])
    assert crew.steps("new") == {}
    crew.watch()
    crew.until(lambda: crew.steps("new", "ended")["breaker"])
    assert rows(crew.state, "application_version", "workflow_status") == sorted([PROTOCOL, "0"])


# ── the database ────────────────────────────────────────────────────────────────────────────────────────────────────────


def nothing(run: str, leg: int, checkpoint: Checkpoint) -> str:
    return checkpoint("step", lambda: f"{run} {leg}")


def test_a_disk_that_fills_up_stops_the_run_which_goes_on_when_there_is_room(tmp_path: Path) -> None:
    room = False
    began: list[str] = []

    def limited(connection: object, *_: object) -> None:
        most = 1 << 30 if room else connection.execute("PRAGMA page_count").fetchone()[0]  # type: ignore[attr-defined]
        connection.execute(f"PRAGMA max_page_count={most}")  # type: ignore[attr-defined]

    def work(run: str, leg: int, checkpoint: Checkpoint) -> str:
        checkpoint("first", lambda: began.append("first") or "1")
        return checkpoint("second", lambda: began.append("second") or "x" * 200_000)

    with Executor(tmp_path / "state", role="submit", work=work) as executor:
        event.listen(executor._database.engine, "checkout", limited)
        executor.carry("a", 1)
        with pytest.raises(StoreUnavailable, match="the disk is full") as problem:
            executor.wait("a", 1, 30)
        assert problem.value.hint == "Free some space, then try again."
        room = True
        assert executor.reap() == ("a.1",)
        assert len(executor.wait("a", 1, 30)) == 200_000
    assert began == ["first", "second", "second"]


def test_what_was_taken_and_could_not_be_read_at_that_moment_begins_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.engine.executor._FALLEN", 0.3)
    gone = Event()

    def taken(*_: object, **__: object) -> None:
        monkeypatch.undo()
        gone.set()
        raise ConnectionError("the database is gone just now")

    with Executor(tmp_path / "state", role="watch", work=nothing, slots=1) as executor:
        monkeypatch.setattr("dbos._queue.execute_dequeued_workflow", taken)
        executor.hand_over("a", 1)
        assert gone.wait(30)
        monkeypatch.setattr("runner.engine.executor._FALLEN", 0.3)
        assert executor.reap() == ()  # it may be about to begin
        assert until(executor.reap) == ("a.1",)
        assert executor.wait("a", 1, 30) == "a 1"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda state: state.write_text(""), "cannot be made"),
        (lambda state: (state.mkdir(), (state / "executors").write_text("")), "cannot be made"),
        (lambda state: (state.mkdir(), (state / "engine.db").mkdir()), "engine.db cannot be opened"),
        (lambda state: (state.mkdir(), (state / "engine.db").write_text("text\n" * 999)), "engine.db is not a database"),
        (lambda state: (state.mkdir(), (state / "executors").mkdir(mode=0o777), (state / "executors").chmod(0o777)), "may write to"),
    ],
)
def test_a_state_folder_that_cannot_be_used_says_why_and_what_to_do(tmp_path: Path, damage: object, says: str) -> None:
    damage(tmp_path / "state")  # type: ignore[operator]
    with pytest.raises(StoreUnavailable, match=says) as problem, Executor(tmp_path / "state", role="submit", work=nothing):
        pass
    assert problem.value.hint
    with Executor(tmp_path / "other", role="submit", work=nothing) as executor:  # the process is as it was
        executor.carry("a", 7)
        assert executor.wait("a", 7, 30) == "a 7"


def test_what_goes_on_can_be_waited_for_a_while_and_stops_with_its_process(tmp_path: Path) -> None:
    began: list[str] = []

    def slow(_run: str, _leg: int, checkpoint: Checkpoint) -> str:
        first = checkpoint("first", lambda: began.append("first") or str(executor.stopping.wait(30)))
        return checkpoint("second", lambda: began.append("second") or first)

    with Executor(tmp_path, role="submit", work=slow) as executor:
        executor.carry("a", 1)
        with pytest.raises(TimeoutError):
            executor.wait("a", 1, 0.1)
        with pytest.raises(RuntimeError, match="one executor"), Executor(tmp_path, role="submit", work=nothing):
            pass
    assert began == ["first"]  # it saw that it was to end, and what it came to was kept
    with Executor(tmp_path, role="submit", work=slow) as executor:
        executor.adopt("a", 1)
        assert executor.wait("a", 1, 30) == "True"
    assert began == ["first", "second"]


def test_a_run_that_another_process_forgot_first_is_over_for_the_one_that_carried_it(tmp_path: Path) -> None:
    """Several processes follow a run, and the first to see its end drops what is kept of it."""
    with Executor(tmp_path, role="submit", work=nothing) as executor:
        executor.carry("a", 1)
        until(lambda: executor.begun("a", 1) is False)
        executor.forget("a", 1)  # what another process does with the same rows
        assert executor.carries("a"), "it has not looked yet"
        with pytest.raises(LookupError):
            executor.wait("a", 1, 30)
        assert not executor.carries("a")


def test_a_leg_is_a_run_of_its_own(tmp_path: Path) -> None:
    def work(run: str, leg: int, checkpoint: Checkpoint) -> str:
        if leg == 1:
            raise ZeroDivisionError
        return nothing(run, leg, checkpoint)

    with Executor(tmp_path, role="submit", work=work) as executor:
        executor.carry("a", 1)
        with pytest.raises(Broke):
            executor.wait("a", 1, 30)
        executor.carry("a", 2)
        assert executor.wait("a", 2, 30) == "a 2"


def test_a_run_may_ask_about_others_and_take_them_over_without_that_becoming_a_step_of_it(tmp_path: Path) -> None:
    def work(run: str, leg: int, checkpoint: Checkpoint) -> str:
        if run == "other":
            return nothing(run, leg, checkpoint)
        checkpoint("first", lambda: "{}")
        assert executor.reap() == ()
        assert [executor.begun("a", 1), executor.begun("a", 2)] == [True, None]
        executor.adopt("other", 1)
        executor.wait("other", 1, 30)
        return checkpoint("last", lambda: str(executor.begun("other", 1)))

    with Executor(tmp_path, role="submit", work=work) as executor:
        executor.carry("a", 1)
        assert executor.wait("a", 1, 30) == "False"
        assert executor.begun("a", 1) is False
    assert rows(tmp_path, "function_name", "operation_outputs") == ["first", "last", "step"]
    assert rows(tmp_path, "parent_workflow_id", "workflow_status") == [None, None]


@pytest.mark.postgres
def test_a_server_that_breaks_every_connection_is_waited_for(
    tmp_path: Path, postgres: Cluster, postgres_url: str, nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEATRIAL_DATABASE", postgres_url)
    name = postgres_url.partition("@/")[2].partition("?")[0]
    with Crew(tmp_path, nursery) as crew:
        crew.hold("sandbox")
        submit = crew.submit("a")
        crew.until_in("a", "sandbox")
        postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        crew.let_go("sandbox")
        assert submit.said("result") == DONE
        assert crew.steps("a") == ONCE


@pytest.mark.postgres
def test_the_password_is_in_no_log(tmp_path: Path, postgres_url: str, nursery: Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_DATABASE", postgres_url.replace("seatrial@", "seatrial:s3cret-w0rd@"))
    with Crew(tmp_path, nursery) as crew:
        member = crew.submit("a", verbose=True)
        assert member.said("result") == DONE
        member.ended()
        assert "s3cret" not in member.complaints


# ── what it costs others ────────────────────────────────────────────────────────────────────────────────────────────────


def child(code: str, *argv: object, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [*prefix, sys.executable, "-c", code, *map(str, argv)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    code = "import sys, runner.engine.executor, runner.store.executors; print([m for m in ('dbos', 'sqlalchemy', 'psycopg') if m in sys.modules])"
    assert child(code).stdout == "[]\n"


@pytest.mark.skipif(shutil.which("strace") is None, reason="it needs strace")
def test_nothing_is_connected_to(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from runner.engine.executor import Executor\n"
        "with Executor(Path(sys.argv[1]), role='submit', work=lambda run, leg, checkpoint: checkpoint('a', lambda: '{}')) as executor:\n"
        "    executor.carry('a', 1); print(executor.wait('a', 1))\n"
    )
    trace = tmp_path / "trace"
    done = child(code, tmp_path / "state", prefix=("strace", "-f", "-qq", "-e", "trace=connect,clone3,clone", "-o", str(trace)))
    assert (done.stdout, done.stderr) == ("{}\n", "")
    calls = trace.read_text()
    assert "clone" in calls  # it sees the threads
    assert "AF_INET" not in calls


def test_the_environment_of_another_program_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dbos-config.yaml").write_text(
        "name: other\nsystem_database_url: sqlite:///elsewhere.db\n"
    )  # the folder may be a stranger's
    monkeypatch.setenv("DBOS_SYSTEM_DATABASE_URL", "sqlite:///elsewhere.db")
    with Executor(tmp_path / "state", role="submit", work=nothing) as executor:
        executor.carry("a", 1)
        assert executor.wait("a", 1, 30) == "a 1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dbos-config.yaml", "state"]
