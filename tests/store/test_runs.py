"""The record of runs on real databases."""

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from runner.errors import StoreUnavailable, UsageError
from runner.model.result import Decision, Ending, Verdict
from runner.model.run import Run
from runner.store import database as database_module
from runner.store import owners, tails
from runner.store.audit import AuditLog
from runner.store.database import Database
from runner.store.runs import SqlRuns
from runner.store.schema import REVISIONS, metadata
from testing.at_once import at_once

Make = Callable[..., Run]


@pytest.fixture
def runs(tmp_path: Path, any_database: str) -> SqlRuns:
    return SqlRuns(tmp_path / "state", patience=0.2)


@pytest.fixture
def in_file(tmp_path: Path) -> SqlRuns:
    """The record in the SQLite file, where a test is about that."""
    return SqlRuns(tmp_path / "state", patience=0.2)


def test_a_run_that_began_is_on_disk_and_says_that_it_goes_on(runs: SqlRuns, tmp_path: Path, run_of: Make) -> None:
    runs.begin(run_of())
    again = SqlRuns(tmp_path / "state").show("latest")
    assert (again.id, again.state, again.ending, again.verdict, again.report, again.ended) == (
        "abc123abc123",
        "running",
        None,
        None,
        None,
        None,
    )


def test_a_change_cannot_keep_its_run_off_the_record_by_what_it_has_the_reason_say(runs: SqlRuns, run_of: Make) -> None:
    decision = Decision(verdict=Verdict.REJECT, ending=Ending.REJECTED, reason="test_a[\0\ud800] broke")
    settled: list[bool] = []
    runs.finish(run_of(decision=decision), "{}", {}, settle=lambda _: settled.append(True))
    assert (runs.show("latest").reason, settled) == ("test_a[\\x00\\ud800] broke", [True])


def test_a_finished_run_is_found_with_its_report_its_exit_code_and_its_logs(runs: SqlRuns, run_of: Make, accepted: Decision) -> None:
    runs.begin(run_of())
    runs.finish(run_of(decision=accepted), '{"exit_code": 0}', {"base": "fine\n", "patched": "also \x1b[31mfine\n"})
    record = runs.show("abc1")
    assert (record.state, record.ending, record.verdict, record.exit_code, record.report) == (
        "ended",
        "accepted",
        "accept",
        0,
        '{"exit_code": 0}',
    )
    assert runs.logs("abc123abc123") == {"base": "fine\n", "patched": "also \x1b[31mfine\n"}
    assert record.started == "2026-11-22T12:00:00.000+00:00"


def test_a_held_run_waits_without_an_ending(runs: SqlRuns, run_of: Make, held: Decision) -> None:
    runs.finish(run_of(decision=held), '{"exit_code": 3}', {})
    record = runs.show("latest")
    assert (record.state, record.ending, record.verdict, record.exit_code) == ("held", None, "hold", 3)


_DYING = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_writer import a_run
from runner.store.runs import SqlRuns
SqlRuns(Path(sys.argv[1])).begin(a_run("dead1"))
os.kill(os.getpid(), 9)
"""


def test_a_run_whose_process_was_killed_is_ended_by_whoever_reads_next(runs: SqlRuns, tmp_path: Path, run_of: Make) -> None:
    runs.begin(run_of("aa1"))
    (tmp_path / "test_writer.py").write_text((Path(__file__).parent / "conftest.py").read_text())
    subprocess.run([sys.executable, "-c", _DYING, tmp_path / "state", tmp_path], cwd=Path(__file__).parents[2], check=False)
    listed = {record.id: (record.state, record.ending, record.reason) for record in SqlRuns(tmp_path / "state").list()}
    assert listed == {"aa1": ("running", None, ""), "dead1": ("ended", "cancelled", "the process ended before the run did")}
    assert runs.show("dead1").ended is not None
    assert [path.name for path in (tmp_path / "state/running").iterdir()] == ["aa1"]


def test_a_run_that_ended_leaves_no_lock_and_its_end_stands(runs: SqlRuns, tmp_path: Path, run_of: Make, accepted: Decision) -> None:
    runs.begin(run_of("aa1"))
    runs.finish(run_of("aa1", accepted), '{"exit_code": 0}', {})
    assert list((tmp_path / "state/running").iterdir()) == []
    runs.close()
    assert [record.ending for record in runs.list()] == ["accepted"]


def test_what_a_run_ended_with_is_never_rewritten(runs: SqlRuns, run_of: Make, accepted: Decision, held: Decision) -> None:
    runs.finish(run_of(decision=accepted), '{"exit_code": 0}', {})
    runs.finish(run_of(decision=held), '{"exit_code": 3}', {})
    assert runs.show("latest").verdict == "accept"


def test_the_list_is_newest_first_and_bounded(runs: SqlRuns, run_of: Make) -> None:
    for run_id in ("aa1", "bb2", "aa3"):
        runs.begin(run_of(run_id))
    assert [record.id for record in runs.list(2)] == ["aa3", "bb2"]
    assert runs.find("latest") == "aa3"


def test_a_prefix_that_fits_several_runs_is_refused_with_their_names(runs: SqlRuns, run_of: Make) -> None:
    for run_id in ("aa1", "bb2", "aa3"):
        runs.begin(run_of(run_id))
    assert runs.find("b") == "bb2"
    with pytest.raises(UsageError, match="aa3, aa1"):
        runs.find("aa")


def test_an_id_that_is_the_beginning_of_another_still_names_its_run(runs: SqlRuns, run_of: Make) -> None:
    for run_id in ("aa", "aab"):
        runs.begin(run_of(run_id))
    assert runs.find("aa") == "aa"


@pytest.mark.parametrize("name", ["", "%", "_", "zz", "../x", "a" * 65, "latest ", "ff"])
def test_a_name_that_fits_no_run_is_a_usage_error(runs: SqlRuns, run_of: Make, name: str) -> None:
    runs.begin(run_of("aa1"))
    with pytest.raises(UsageError, match="no run"):
        runs.show(name)


def test_reading_where_nothing_was_ever_recorded_makes_nothing(runs: SqlRuns, tmp_path: Path) -> None:
    assert runs.list() == ()
    with pytest.raises(UsageError, match="no run yet"):
        runs.logs("latest")
    assert not (tmp_path / "state").exists()


def test_everything_is_private_to_its_owner(in_file: SqlRuns, tmp_path: Path, run_of: Make, accepted: Decision) -> None:
    old = os.umask(0)
    try:
        in_file.begin(run_of())
        in_file.finish(run_of(decision=accepted), "{}", {"base": "secret"})
    finally:
        os.umask(old)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [tmp_path / "state", *(tmp_path / "state").rglob("*")]}
    assert {name: mode for name, mode in modes.items() if mode not in (0o600, 0o700)} == {}
    assert "base.log" in modes


def test_the_file_is_durable_and_lets_readers_in_while_somebody_writes(in_file: SqlRuns, tmp_path: Path, run_of: Make) -> None:
    in_file.begin(run_of())
    database = Database(tmp_path / "state", patience=0.2)
    with database.reading() as transaction:
        connection = transaction.connection
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    with database.writing():
        assert [record.id for record in in_file.list()] == ["abc123abc123"]


def test_a_database_that_somebody_keeps_locked_is_a_clear_error(runs: SqlRuns, tmp_path: Path, run_of: Make) -> None:
    runs.begin(run_of("aa1"))
    with Database(tmp_path / "state").writing(), pytest.raises(StoreUnavailable, match="locked by another process"):
        runs.begin(run_of("aa2"))


def test_a_database_of_a_newer_version_is_left_alone(runs: SqlRuns, tmp_path: Path, run_of: Make) -> None:
    runs.begin(run_of("aa1"))
    with Database(tmp_path / "state").writing() as transaction:
        transaction.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0999'")
        transaction.connection.exec_driver_sql("ALTER TABLE runs RENAME TO voyages")
    for use in (lambda other: other.begin(run_of("aa2")), lambda other: other.list(), lambda other: other.find("latest")):
        with pytest.raises(StoreUnavailable, match=r"newer version of Seatrial \(schema 0999") as refused:
            use(SqlRuns(tmp_path / "state"))
        assert "Upgrade" in refused.value.hint


@pytest.mark.parametrize(
    "content", [b"this is no database, and long enough to be read as one" * 100, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_damaged_file_is_a_clear_error(in_file: SqlRuns, tmp_path: Path, run_of: Make, content: bytes) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "state.db").write_bytes(content)
    with pytest.raises(StoreUnavailable, match=r"is damaged|is not a database"):
        in_file.begin(run_of())


def test_a_folder_where_a_file_must_go_is_a_clear_error(in_file: SqlRuns, tmp_path: Path, run_of: Make) -> None:
    (tmp_path / "state" / "state.db").mkdir(parents=True, mode=0o700)
    (tmp_path / "state").chmod(0o700)
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        in_file.begin(run_of())


def test_a_full_disk_is_a_clear_error_and_leaves_the_old_record(
    in_file: SqlRuns, tmp_path: Path, run_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_file.begin(run_of("aa1"))
    full = SqlRuns(tmp_path / "state")
    with full._database.reading():
        pass
    engine = full._database._engine()
    from sqlalchemy import event

    event.listen(engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count={raw.execute('PRAGMA page_count').fetchone()[0]}"))
    with pytest.raises(StoreUnavailable, match="disk is full"):
        full.finish(run_of("aa2"), '{"filler": "' + "x" * 100_000 + '"}', {})
    assert [record.id for record in in_file.list()] == ["aa1"]


_WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_writer import a_run
from runner.store.runs import SqlRuns
runs = SqlRuns(Path(sys.argv[1]))
for number in range(8):
    runs.begin(a_run(f"{sys.argv[2]}{number}"))
    runs.finish(a_run(f"{sys.argv[2]}{number}"), "{}", {"base": sys.argv[2]})
"""


def test_processes_that_start_at_once_on_a_new_machine_all_write_everything(tmp_path: Path, any_database: str) -> None:
    here = tmp_path / "code"
    here.mkdir()
    (here / "test_writer.py").write_text((Path(__file__).parent / "conftest.py").read_text())
    state = tmp_path / "state"
    at_once(_WRITER, [(state, letter, here) for letter in "abcd"])
    assert sorted(record.id for record in SqlRuns(state).list(100)) == sorted(
        f"{letter}{number}" for letter in "abcd" for number in range(8)
    )


def test_alembic_is_only_imported_when_the_schema_is_not_current(tmp_path: Path, in_file: SqlRuns, run_of: Make) -> None:
    in_file.begin(run_of())
    code = (
        "import sys; from pathlib import Path; import runner.store.runs as r; assert 'sqlalchemy' not in sys.modules\n"
        f"assert r.SqlRuns(Path({str(tmp_path / 'state')!r})).find('latest'); assert 'alembic' not in sys.modules and 'sqlalchemy' in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(database_module.__file__).with_name("migrations")))
    return config


def test_the_migrations_make_exactly_the_tables_that_the_code_uses(runs: SqlRuns, tmp_path: Path, run_of: Make) -> None:
    runs.begin(run_of())
    with Database(tmp_path / "state").reading() as transaction:
        assert compare_metadata(MigrationContext.configure(transaction.connection), metadata) == []
    assert tuple(reversed([script.revision for script in ScriptDirectory.from_config(_alembic()).walk_revisions()])) == REVISIONS


def test_a_record_of_an_older_version_is_brought_up_to_date_with_its_runs(tmp_path: Path, any_database: str, run_of: Make) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    old = "id, change_id, patch_id, repository, base, started, state, reason, policy_digest"
    database = Database(state)
    with database._translated(), database._engine().connect() as connection, connection.begin():
        database.server.begin(connection, writing=True)
        database.server.prepare(connection)
        config = _alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(f"INSERT INTO runs ({old}) VALUES ('aa1', 'c', 'p', '/r', 'b', '2026-11-22', 'held', '', 'd')")
    runs = SqlRuns(state)
    assert [(record.id, record.host) for record in runs.list()] == [("aa1", None)]
    runs.begin(run_of("aa2"))
    assert [record.id for record in runs.list()] == ["aa2", "aa1"]


def test_what_happens_to_a_run_is_in_the_audit_log(runs: SqlRuns, tmp_path: Path, run_of: Make, accepted: Decision, held: Decision) -> None:
    runs.begin(run_of("aa1"))
    runs.finish(run_of("aa1", accepted), '{"exit_code": 0}', {})
    runs.finish(run_of("aa1", held), '{"exit_code": 3}', {})  # too late: it stays as it was
    runs.finish(run_of("bb2", held), '{"exit_code": 3}', {})
    runs.begin(run_of("cc3"))
    runs.close()
    SqlRuns(tmp_path / "state").list()
    log = AuditLog(tmp_path / "state")
    assert log.verify().flaw is None
    assert [(entry.kind, entry.subject) for entry in reversed(log.newest(9))] == [
        ("run.began", "aa1"),
        ("run.ended", "aa1"),
        ("run.held", "bb2"),
        ("run.began", "cc3"),
        ("run.ended", "cc3"),
    ]
    change, facts = run_of().change.id, {"policy": "d" * 64, "state": "ended", "ending": "accepted", "verdict": "accept", "exit_code": 0}
    assert log.newest(1, kind="run.ended", subject="aa1")[0].body == {"change": change, "reason": "every check passed", **facts}
    assert log.newest(1, kind="run.began")[0].body == {"change": change, "policy": "d" * 64, "gates": "inform"}
    assert log.newest(1)[0].body["ending"] == "cancelled"


def test_an_end_that_could_not_be_recorded_is_not_in_the_audit_log(runs: SqlRuns, tmp_path: Path, run_of: Make, accepted: Decision) -> None:
    runs.begin(run_of("aa1"))

    def failing(_moment: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        runs.finish(run_of("aa1", accepted), "{}", {}, settle=failing)
    assert runs.show("aa1").state == "running"
    assert [entry.kind for entry in AuditLog(tmp_path / "state").newest(9)] == ["run.began"]


@pytest.mark.postgres
def test_runs_of_another_state_folder_are_not_ours_to_end(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, run_of: Make, accepted: Decision
) -> None:
    monkeypatch.setenv("SEATRIAL_DATABASE", postgres_url)
    there, here = SqlRuns(tmp_path / "there"), SqlRuns(tmp_path / "here")
    there.begin(run_of("aa1"))
    there.finish(run_of("bb2", accepted), "{}", {})
    there.close()  # from here on nobody works on aa1, but only the folder `there` can tell
    assert {record.id: record.state for record in here.list()} == {"aa1": "running", "bb2": "ended"}
    assert there.show("aa1").state == "ended"


@pytest.mark.postgres
def test_the_ends_of_logs_are_had_on_machines_that_share_the_database(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, run_of: Make, accepted: Decision
) -> None:
    monkeypatch.setenv("SEATRIAL_DATABASE", postgres_url)
    there, here = SqlRuns(tmp_path / "there"), SqlRuns(tmp_path / "here")
    there.begin(run_of("aa1"))
    with pytest.raises(UsageError, match=f"are on {socket.gethostname()}, where it ran"):
        here.logs("aa1")
    hostile = "\0\x1b[31m\u202e<script>\udc80\n"
    there.keep_logs("aa1", {"base": hostile, "patched": "before"})
    assert here.logs("aa1") == {"base": "\0\x1b[31m\u202e<script>\\udc80\n", "patched": "before"}
    (tmp_path / "there/logs/aa1/after.log").write_bytes(b"restarted \xff\n")  # a command's, which no suite wrote
    long = "".join(f"line {number}\n" for number in range(20_000))
    there.finish(run_of("aa1", accepted), "{}", {"patched": long})
    assert there.logs("aa1")["patched"] == long
    found = here.logs("aa1")
    assert list(found) == ["after", "base", "patched"]
    assert found["after"] == "restarted \ufffd\n"
    assert found["patched"].startswith("[… the beginning is on the machine that it ran on …]\n")
    assert found["patched"].endswith(long[-1000:])
    assert tails.MOST <= len(found["patched"]) < tails.MOST + 100
    assert not (tmp_path / "here/logs").exists()


@pytest.mark.postgres
def test_all_logs_of_a_run_have_a_bound_in_the_database_and_share_it(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, run_of: Make
) -> None:
    monkeypatch.setenv("SEATRIAL_DATABASE", postgres_url)
    there, here = SqlRuns(tmp_path / "there"), SqlRuns(tmp_path / "here")
    there.begin(run_of("aa1"))
    for _ in range(2):
        there.keep_logs("aa1", {f"suite{number}": f"{number}" * 100_000 for number in range(16)})
    found = here.logs("aa1")
    assert [text[-1] for text in found.values()] == [name[-1] for name in found]
    assert len(found) == 16
    assert sum(map(len, found.values())) < tails.MOST_OF_RUN + 16 * 100


@pytest.mark.postgres
def test_a_log_that_the_database_does_not_take_costs_neither_the_file_nor_the_record(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, run_of: Make, accepted: Decision
) -> None:
    monkeypatch.setenv("SEATRIAL_DATABASE", postgres_url)
    runs = SqlRuns(tmp_path / "there")
    runs.begin(run_of("aa1"))
    database = Database(tmp_path / "there")
    with database.writing() as transaction:
        transaction.connection.exec_driver_sql("ALTER TABLE log_tails ADD CONSTRAINT never CHECK (suite <> 'base')")
    runs.finish(run_of("aa1", accepted), "{}", {"base": "fine\n"})
    assert (runs.show("aa1").state, runs.logs("aa1")) == ("ended", {"base": "fine\n"})
    with pytest.raises(UsageError, match="where it ran"):
        SqlRuns(tmp_path / "here").logs("aa1")


def test_a_database_that_is_this_machines_alone_keeps_no_logs(in_file: SqlRuns, tmp_path: Path, run_of: Make, accepted: Decision) -> None:
    in_file.finish(run_of("aa1", accepted), "{}", {"base": "fine\n"})
    with Database(tmp_path / "state").reading() as transaction:
        assert transaction is not None
        assert tails.load(transaction.connection, "aa1") == {}


@pytest.mark.postgres
def test_a_state_folder_copied_to_another_machine_does_not_speak_for_the_first(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, run_of: Make
) -> None:
    monkeypatch.setenv("SEATRIAL_DATABASE", postgres_url)
    SqlRuns(tmp_path / "state").begin(run_of("aa1"))
    for lock in (tmp_path / "state/running").iterdir():
        lock.unlink()
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(socket, "gethostname", lambda: "elsewhere")
        assert SqlRuns(tmp_path / "state").show("aa1").state == "running"
    assert SqlRuns(tmp_path / "state").show("aa1").state == "ended"


def test_a_state_folder_is_named_once_by_whoever_is_first(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(lambda _: owners.place(tmp_path), range(32)))
    assert len(names) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["place"]
