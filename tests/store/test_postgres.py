"""What is peculiar to Postgres: what can go wrong with a server, and what its defaults would get wrong."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from threading import Timer

import pytest

from runner.errors import StoreUnavailable, Terminated, UsageError
from runner.store import postgres as module
from runner.store.audit import AuditLog
from runner.store.database import Database
from runner.store.ledger import SqlLedger
from testing.at_once import at_once
from testing.postgres import Cluster

ROOT = Path(__file__).parents[2]
SECRET = "s3cret-w0rd"
pytestmark = pytest.mark.postgres

Named = Callable[[str], None]


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> Named:
    return lambda url: monkeypatch.setenv("SEATRIAL_DATABASE", url)


@pytest.fixture
def name(postgres_url: str, named: Named) -> str:
    """The name of the fresh database that is in use."""
    named(postgres_url)
    return postgres_url.partition("@/")[2].partition("?")[0]


def write(state: Path, **given: float) -> None:
    with SqlLedger(state, **given).writing() as moment:
        moment.audit("x", "y", {})


def refused(state: Path) -> str:
    """The whole of what is said and kept when the database cannot be used."""
    with pytest.raises(StoreUnavailable) as problem:
        write(state)
    told = f"{problem.value} {problem.value.hint}"
    assert SECRET not in told + "".join(traceback.format_exception(problem.value))
    return told


@pytest.fixture
def guarded(postgres: Cluster, postgres_url: str) -> Callable[[str], str]:
    """A user who must give a password, and the URL with one."""
    if not postgres.run("SELECT 1 FROM pg_roles WHERE rolname = 'guarded'"):
        postgres.run(f"CREATE ROLE guarded LOGIN PASSWORD '{SECRET}'")
        postgres.run("CREATE ROLE visitor LOGIN")
    return lambda password: postgres_url.replace("seatrial@", f"guarded:{password}@")


def test_a_user_with_the_right_password_may_and_one_without_is_refused_without_repeating_it(
    tmp_path: Path, named: Named, guarded: Callable[[str], str], postgres: Cluster, postgres_url: str
) -> None:
    database = postgres_url.partition("@/")[2].partition("?")[0]
    named(guarded(SECRET))
    told = refused(tmp_path)
    assert "forbids something to this user" in told
    assert "permission denied for database" in told
    postgres.run(f"GRANT CREATE ON DATABASE {database} TO guarded")
    write(tmp_path)
    named(guarded(f"{SECRET}x"))
    assert "refuses this user" in refused(tmp_path)
    named(guarded(""))
    assert "refuses this user" in refused(tmp_path)


def test_an_administrator_may_make_the_schema_for_a_user_who_may_not(
    tmp_path: Path, named: Named, guarded: Callable[[str], str], postgres: Cluster, postgres_url: str
) -> None:
    postgres.run("CREATE SCHEMA seatrial AUTHORIZATION guarded", postgres_url.partition("@/")[2].partition("?")[0])
    named(guarded(SECRET))
    write(tmp_path)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (("@/", "@/nowhere"), "is not there"),
        (("seatrial@", f"nobody:{SECRET}@"), "does not know this user"),
        (("host=", "host=/nonexistent"), "cannot be reached"),
        (("@/", f":{SECRET}@127.0.0.1:1/"), "cannot be reached"),
    ],
)
def test_a_database_that_cannot_be_had_says_why_and_what_to_do(
    tmp_path: Path, postgres_url: str, named: Named, damage: tuple[str, str], says: str
) -> None:
    url = postgres_url.replace(*damage)
    named(url.partition("?")[0] if "127.0.0.1" in url else url)
    told = refused(tmp_path)
    assert says in told
    assert told.endswith(".")


def test_a_name_that_no_resolver_knows_is_said(tmp_path: Path, named: Named) -> None:
    named(f"postgresql://me:{SECRET}@nowhere.invalid/db?connect_timeout=2")
    assert "cannot be found" in refused(tmp_path)


def test_a_parameter_that_libpq_does_not_know_is_a_usage_error_that_quotes_nothing(tmp_path: Path, named: Named) -> None:
    named(f"postgresql://host/db?pasword={SECRET}")
    with pytest.raises(UsageError, match="not a URL that libpq understands") as problem:
        write(tmp_path)
    assert SECRET not in "".join(traceback.format_exception(problem.value))


def test_without_the_driver_the_one_command_is_told(
    tmp_path: Path, postgres_url: str, named: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(postgres_url)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "pip install 'seatrial[postgres]'" in refused(tmp_path)


@pytest.mark.parametrize(
    "how", ["ALTER DATABASE {} SET default_transaction_read_only = on", "ALTER ROLE visitor SET default_transaction_read_only = on"]
)
def test_a_database_that_may_only_be_read_says_so(
    tmp_path: Path, name: str, named: Named, postgres: Cluster, guarded: Callable[[str], str], how: str
) -> None:
    write(tmp_path)
    postgres.run("GRANT USAGE ON SCHEMA seatrial TO visitor", name)
    postgres.run("GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA seatrial TO visitor", name)
    postgres.run(how.format(name))
    named(os.environ["SEATRIAL_DATABASE"].replace("seatrial@", "visitor@"))
    assert "read-only" in refused(tmp_path)
    assert AuditLog(tmp_path).verify().entries == 1


def test_a_text_encoding_that_cannot_hold_every_name_is_refused(tmp_path: Path, named: Named, postgres: Cluster) -> None:
    postgres.run("CREATE DATABASE narrow ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    named(postgres.url("narrow"))
    assert "keeps text as LATIN1" in refused(tmp_path)


def test_who_holds_the_lock_too_long_is_waited_for_and_then_said(tmp_path: Path, name: str) -> None:
    write(tmp_path)
    with Database(tmp_path).writing():
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="is locked by another process"):
            write(tmp_path, patience=0.3)
        assert 0.25 < time.monotonic() - began < 10
        assert AuditLog(tmp_path).verify().entries == 1  # reading waits for nobody


def test_a_writer_that_stopped_in_the_middle_loses_the_lock_and_writes_nothing(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)

    def stopped() -> None:
        with Database(tmp_path).writing() as transaction:
            transaction.audit("lost", "y", {})
            time.sleep(0.8)
            transaction.audit("lost", "y", {})

    with monkeypatch.context() as hasty:
        hasty.setattr(module, "_IDLE_SECONDS", 0.3)
        with pytest.raises(StoreUnavailable, match=r"stood still|broke off"):
            stopped()
    write(tmp_path)
    assert [entry.kind for entry in AuditLog(tmp_path).newest(9)] == ["x", "x"]
    assert AuditLog(tmp_path).verify().flaw is None


@pytest.mark.parametrize("level", ["serializable", "repeatable read"])
def test_a_server_with_another_isolation_by_default_still_counts_right(tmp_path: Path, name: str, postgres: Cluster, level: str) -> None:
    postgres.run(f"ALTER DATABASE {name} SET default_transaction_isolation = '{level}'")
    write(tmp_path)
    code = (
        "import sys; from pathlib import Path; from runner.store.ledger import SqlLedger\n"
        "ledger = SqlLedger(Path(sys.argv[1]))\n"
        "for _ in range(8):\n"
        "    with ledger.writing() as moment:\n"
        "        if len(moment.entries('rate', 'main')) < 10: moment.append('rate', 'main', 'charge')\n"
    )
    at_once(code, [(tmp_path,)] * 3)
    with SqlLedger(tmp_path).reading() as view:
        assert len(view.entries("rate", "main")) == 10


def test_tables_of_others_with_the_same_names_are_left_alone(tmp_path: Path, name: str, postgres: Cluster) -> None:
    for table in ("alembic_version (version_num text)", "runs (x text)", "audit (seq int, at text)"):
        postgres.run(f"CREATE TABLE public.{table}", name)
    postgres.run("INSERT INTO public.alembic_version VALUES ('of another program')", name)
    write(tmp_path)
    assert AuditLog(tmp_path).verify().entries == 1
    assert postgres.run("SELECT count(*) FROM public.audit", name) == [(0,)]
    assert postgres.run("SELECT version_num FROM public.alembic_version", name) == [("of another program",)]


def test_what_is_committed_is_durable_whatever_the_server_does_by_default(tmp_path: Path, name: str, postgres: Cluster) -> None:
    for level, expected in (("off", "on"), ("remote_apply", "remote_apply")):
        postgres.run(f"ALTER DATABASE {name} SET synchronous_commit = '{level}'")
        with Database(tmp_path).writing() as transaction:
            assert transaction.connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == expected


def test_a_connection_that_the_server_ends_is_said_and_the_next_use_works(tmp_path: Path, name: str, postgres: Cluster) -> None:
    database = Database(tmp_path)

    def ended() -> None:
        with database.writing() as transaction:
            transaction.audit("lost", "y", {})
            postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            transaction.audit("lost", "y", {})

    with pytest.raises(StoreUnavailable, match=r"is starting or stopping|broke off"):
        ended()
    with database.writing() as transaction:
        transaction.audit("x", "y", {})
    assert AuditLog(tmp_path).verify()[:2] == (1, 1)


def test_a_server_that_stops_answering_is_not_waited_for_for_ever(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SLOW", 0.3)
    monkeypatch.setattr(module, "_ANSWER", 0.3)
    write(tmp_path)

    def stopped(database: Database) -> None:
        with database.writing() as transaction:
            server = int(transaction.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
            os.kill(server, signal.SIGSTOP)
            try:
                transaction.audit("lost", "y", {})
            finally:
                os.kill(server, signal.SIGCONT)

    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="cannot be reached: timeout expired"):
        stopped(Database(tmp_path, patience=0.3))
    assert time.monotonic() - began < 10
    assert AuditLog(tmp_path).verify()[:2] == (1, 1)


@pytest.mark.parametrize("moment", ["while a connection is tried", "in a transaction"])
def test_a_request_to_stop_is_heard_while_the_server_does_not_answer(tmp_path: Path, name: str, moment: str) -> None:
    database = Database(tmp_path)
    with database.writing() as transaction:  # and the pool keeps the connection
        server = int(transaction.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())

    def asked() -> None:
        if moment == "in a transaction":
            with database.writing() as transaction:
                os.kill(server, signal.SIGSTOP)
                transaction.audit("lost", "y", {})
        else:
            os.kill(server, signal.SIGSTOP)
            write(tmp_path)

    def stop(number: int, _: object) -> None:
        raise Terminated(number)

    before = signal.signal(signal.SIGUSR1, stop)
    asking = Timer(0.5, os.kill, (os.getpid(), signal.SIGUSR1))
    asking.start()
    try:
        with pytest.raises(Terminated):
            asked()
    finally:
        asking.join()
        signal.signal(signal.SIGUSR1, before)
        os.kill(server, signal.SIGCONT)
    write(tmp_path)
    assert AuditLog(tmp_path).verify()[:2] == (1, 1)
    database.close()


def test_two_databases_from_one_state_folder_have_their_own_checkpoints(tmp_path: Path, name: str, named: Named, postgres: Cluster) -> None:
    write(tmp_path)
    named(postgres.fresh())
    assert AuditLog(tmp_path).verify() == (0, 0, None, None)
    write(tmp_path)
    named("")
    write(tmp_path)
    assert len(list(tmp_path.glob("audit*.checkpoints"))) == 3
