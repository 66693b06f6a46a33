"""A Postgres server of the tests' own: made from Debian's package, on a socket in a temporary folder, gone with the test session."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path

import pytest

USER = "seatrial"
_SETTINGS = {
    "listen_addresses": "",  # no network at all
    "fsync": "off",  # the tests kill clients, never the machine
    "shared_buffers": "16MB",
    "max_connections": "60",
    "log_min_messages": "fatal",
}
_numbers = count(1)


@cache
def binaries() -> Path | None:
    """The folder of the newest server that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parents[1].name))
    if found:
        return found[-1].parent
    elsewhere = shutil.which("initdb")
    return Path(elsewhere).resolve().parent if elsewhere else None


def why_none() -> str:
    """Why no server can be started; empty when one can."""
    if binaries() is None:
        return "Debian's package postgresql is not installed; scripts/postgres.sh does that."
    if os.geteuid() == 0 and _servant() is None:
        return "Postgres does not run as root, and there is no user postgres."
    return ""


def _servant() -> str | None:
    """Who runs the server when the tests run as root, which Postgres refuses."""
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return None


class Cluster:
    """A running server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._shared: str | None = None

    def start(self) -> None:
        if os.geteuid() == 0:
            servant = pwd.getpwnam(_servant() or "")
            os.chown(self._folder, servant.pw_uid, servant.pw_gid)
        data = self._folder / "data"
        given = ["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=trust", f"--username={USER}", f"--pgdata={data}"]
        subprocess.run([*self._as_servant(), binaries() / "initdb", *given], cwd="/", check=True, capture_output=True)
        rules = data / "pg_hba.conf"
        rules.write_text(f"local all guarded scram-sha-256\n{rules.read_text()}")
        self.go_on()

    def go_on(self) -> None:
        """Start with what is there, also after a stop."""
        data = self._folder / "data"
        options = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        command = [*self._as_servant("--pdeathsig", "QUIT"), binaries() / "postgres", "-D", data, "-k", self._folder, *options]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self._wait()

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)  # at once: what it holds is thrown away, so nothing need be written
            self._process.wait(30)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """While the block lasts, it takes connections as a machine does that hangs, and answers nothing."""
        assert self._process is not None
        group = [self._process.pid, *(int(str(row[0])) for row in self.run("SELECT pid FROM pg_stat_activity"))]
        for pid in group:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in group:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def url(self, name: str, *, user: str = USER, password: str = "") -> str:
        who = f"{user}:{password}" if password else user
        return f"postgresql://{who}@/{name}?host={self._folder}"

    def run(self, sql: str, name: str = "postgres") -> list[tuple[object, ...]]:
        """What a statement gives, run by the superuser outside a transaction."""
        import psycopg

        with psycopg.connect(self.url(name), autocommit=True) as connection:
            cursor = connection.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def fresh(self) -> str:
        """The URL of a new, empty database."""
        name = f"t{next(_numbers)}"
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    def emptied(self) -> str:
        """The URL of a database that tests use one after another, empty again: another 300 files for each would take most of their time."""
        if self._shared is None:
            self._shared = self.fresh()
        else:
            self.run("DROP SCHEMA IF EXISTS seatrial, seatrial_engine CASCADE", self._shared.partition("@/")[2].partition("?")[0])
        return self._shared

    def _as_servant(self, *more: str) -> tuple[str, ...]:
        other = ("--reuid=postgres", "--regid=postgres", "--clear-groups") if os.geteuid() == 0 else ()
        return ("setpriv", *other, *more, "--") if other or more else ()

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while subprocess.run([binaries() / "pg_isready", "-q", "-h", self._folder], check=False).returncode:
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Postgres did not start: {(self._folder / 'log').read_text('utf-8', 'replace')[-2000:]}")
            time.sleep(0.05)


@contextmanager
def a_cluster() -> Iterator[Cluster]:
    """A server that runs while the block lasts, and of which nothing is left."""
    folder = Path(tempfile.mkdtemp(prefix="seatrial-pg-", dir="/tmp"))  # a socket's path must be short
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A server for this test process."""
    with a_cluster() as cluster:
        yield cluster


@pytest.fixture
def postgres_url(postgres: Cluster) -> str:
    """An empty database of this test's own, which it may alter."""
    return postgres.fresh()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs a test twice: with the SQLite file of its state folder, and with an empty Postgres database. Its child processes follow."""
    if request.param == "postgres":
        monkeypatch.setenv("SEATRIAL_DATABASE", request.getfixturevalue("postgres").emptied())
    return str(request.param)
