"""Servers and workers as processes, each with a state folder of its own as on a machine of its own, on one database.

They are forked from a process that has loaded everything: to start Python for each of them takes longer than what is tested.
"""

import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from sqlalchemy import text

import runner
from runner.store.database import Database
from runner.store.tokens import SqlTokens
from testing.whole import ROOT, commit, git

LONG: Final = 240.0
"""Seconds after which a test no longer waits."""
CALM: Final = {name: {"soft": "none", "hard": "none"} for name in ("docker_ping", "psi_memory", "memory_available")}
"""Limits that a busy machine may breach are not what these tests are about."""
SHORT_TTL: Final = "from runner.engine import executor\nexecutor.Executor.__init__.__kwdefaults__['ttl'] = 3.0\n"
"""Python for a process that takes others for dead, and is taken for dead, after three seconds without a sign of life."""
SCOPES: Final = ("read", "submit", "approve", "operate")
Found = TypeVar("Found")


def until(look: Callable[[], Found], why: Callable[[], object] = str, seconds: float = LONG) -> Found:
    """What `look` finds, once it finds something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, why()
        time.sleep(0.05)
    return found


class Nursery:
    """A process that has loaded everything, and starts and buries others; use it in a `with`."""

    def __init__(self) -> None:
        own = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "testing.fleets"]
        self._process = subprocess.Popen(command, cwd=ROOT, env=own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, **what: Any) -> int:
        """`argv`, `before`, `folder`, `env`, `log`: the id of a process that does this. `end`: how the process of that id has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


class Member:
    """One process of a fleet."""

    def __init__(self, nursery: Nursery, pid: int, log: Path) -> None:
        self._nursery, self._pid, self._log = nursery, pid, log
        self._end = os.pidfd_open(pid)
        self._code: int | None = None

    @property
    def err(self) -> str:
        return self._log.read_text("utf-8", "replace")

    @property
    def out(self) -> str:
        return self._log.with_suffix(".out").read_text("utf-8")

    def is_over(self, seconds: float = 0) -> bool:
        """Whether it has ended, or does within that time."""
        return self._code is not None or bool(select.select([self._end], [], [], seconds)[0])

    def says(self, words: str) -> None:
        """Wait for it to say this on stderr."""
        until(lambda: words in self.err or self.is_over(), lambda: self.err)
        assert words in self.err, self.err

    def send(self, number: int) -> None:
        signal.pidfd_send_signal(self._end, number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.ended()

    def ended(self, seconds: float = LONG) -> int:
        """Wait for it; its exit code, or minus the signal."""
        assert self.is_over(seconds), f"it goes on: {self.err}"
        if self._code is None:
            self._code = self._nursery.ask(end=self._pid)
            os.close(self._end)
        return self._code


class Fleet:
    """A repository, a policy that costs no time, a configuration, and the processes that serve it."""

    def __init__(self, folder: Path, nursery: Nursery) -> None:
        self.folder, self.repo, self.bare = folder, folder / "app", folder / "app.git"
        self._nursery = nursery
        self.file = folder / "server.yaml"
        self.port = _free_port()
        self.members: list[Member] = []
        self.token = ""
        self._lay_out()
        self.configure({"main": f"git:{self.bare}#main", "own": f"git:{self.bare}"})

    # what there is

    def _lay_out(self) -> None:
        (self.repo / "tests").mkdir(parents=True)
        (self.repo / "tests" / "test_app.py").write_text("def test_it():\n    assert True\n")
        git(self.repo, "init", "-q", "-b", "main")
        commit(self.repo, "base")
        git(self.folder, "clone", "-q", "--bare", str(self.repo), str(self.bare))

    def policy(self, **sections: Any) -> Path:
        """An operator's policy whose stages take no time, with these sections otherwise."""
        probe = {"command": ["true"], "interval": "20ms", "name": "well"}
        whole: dict[str, Any] = {
            "seatrial": 1,
            "controls": {"run": []},
            "tests": {"runner": "pytest", "args": ["tests"]},
            "preflight": {"rate": [], "health": CALM, "breaker": {"promotion": {"consecutive": 50, "failure_rate": "0%"}}},
            "promote": {"attempts": 10},
            "monitor": {"probes": [probe], "confirm_after": "300ms", "deadline": "60s"},
            **sections,
        }
        path = self.folder / f"policy-{len(list(self.folder.glob('policy-*')))}.yaml"
        path.write_text(json.dumps(whole))
        return path

    def configure(self, targets: Mapping[str, str], *, file: Path | None = None, policy: Path | None = None, **more: Any) -> Path:
        """Write the configuration of a server or a worker: these targets by name. `more`: keys of each target."""
        policy = policy or self.policy()
        known = {name: {"target": target, "repo": "app", "policy": str(policy), **more} for name, target in targets.items()}
        whole = {"seatrial-server": 1, "listen": f"127.0.0.1:{self.port}", "repos": {"app": {"path": str(self.bare)}}, "targets": known}
        file = file or self.file
        file.write_text(json.dumps(whole))
        return file

    def state(self, name: str) -> Path:
        return self.folder / "hosts" / name / "seatrial"

    # processes

    def start(self, name: str, *argv: str, before: str = "") -> Member:
        """Start a command line on the machine `name`; `before` is Python that its process runs first."""
        self.state(name).parent.mkdir(parents=True, exist_ok=True)
        log = self.folder / f"log-{len(self.members)}-{name}"
        log.touch()
        own = {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "XDG_STATE_HOME": str(self.state(name).parent)}
        pid = self._nursery.ask(argv=argv, before=before, folder=str(self.folder), env={**os.environ, **own}, log=str(log))
        member = Member(self._nursery, pid, log)
        self.members.append(member)
        return member

    def serve(self, *more: str, name: str = "server", before: str = "") -> Member:
        """A server that answers, and a token for it."""
        if not self.token:
            self.token = SqlTokens(self.state(name)).create("tester", SCOPES, (), 86400.0, by="test")
        member = self.start(name, "serve", "--config", str(self.file), *more, before=before)
        until(lambda: self._answers() or member.is_over(), lambda: member.err)
        assert not member.is_over(), member.err
        return member

    def work(self, name: str, *more: str, slots: int = 1, file: Path | None = None, before: str = "") -> Member:
        """A worker that has begun."""
        given = ("--config", str(file or self.file), "--slots", str(slots))
        member = self.start(name, "worker", *given, *more, before=before)
        member.says("working as")
        return member

    def run(self, name: str, *argv: str) -> tuple[int, str]:
        """A command line on a machine: its exit code, and what it wrote to stdout."""
        member = self.start(name, *argv)
        return member.ended(), member.out

    def close(self) -> None:
        for member in self.members:
            if not member.is_over():
                member.send(signal.SIGCONT)
                member.kill()
            member.ended()

    # what is asked

    def _answers(self) -> bool:
        try:
            return self.ask("GET", "/livez")[0] == 200
        except (OSError, HTTPException):
            return False

    def ask(self, method: str, path: str, body: Any = None, key: str = "") -> tuple[int, dict[str, Any]]:
        """One request, and its answer. Raises OSError and HTTPException where there is none."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, headers | ({"Idempotency-Key": key} if key else {}))
            answer = connection.getresponse()
            said = answer.read().decode()
            return answer.status, json.loads(said) if said.startswith("{") else {"text": said}
        finally:
            connection.close()

    def submit(self, number: int, target: str = "own", **more: Any) -> str:
        """Ask for a change of a file of its own; the run."""
        edits = [{"path": f"change-{number}.txt", "content": f"{number}\n"}]
        status, body = self.ask("POST", "/api/v1/runs", {"target": target, "edits": edits, **more}, key=f"{target}-{number}")
        assert status == 202, body
        return str(body["run"])

    def shown(self, run: str) -> dict[str, Any]:
        status, body = self.ask("GET", f"/api/v1/runs/{run}")
        assert status == 200, body
        found: dict[str, Any] = body["summary"]
        return found

    # what became of it

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows of the record."""
        database = Database(self.state("server"))
        try:
            with database.reading() as transaction:
                return [tuple(row) for row in transaction.connection.execute(text(query), values)] if transaction else []
        finally:
            database.close()

    def states(self, runs: Iterable[str]) -> dict[str, str]:
        """How each of these runs ended, or its state."""
        found = {run: ending or state for run, state, ending in self.rows("SELECT id, state, ending FROM runs")}
        return {run: found[run] for run in runs}

    def until_over(self, runs: Iterable[str]) -> dict[str, str]:
        """Wait until they have ended or are held; how."""
        wanted = tuple(runs)
        going = ("queued", "running")
        until(lambda: not set(going) & set(self.states(wanted).values()), lambda: self._said(wanted))
        return self.states(wanted)

    def all_confirmed(self, runs: Iterable[str]) -> None:
        """Wait until they are over, and well."""
        wanted = tuple(runs)
        assert self.until_over(wanted) == dict.fromkeys(wanted, "confirmed"), self._said(wanted)

    def began(self) -> set[str]:
        """The runs that a worker has put on file, or has begun to check."""
        return {row[0] for row in self.rows("SELECT subject FROM audit WHERE kind = 'run.began'")}

    def homes(self) -> dict[str, str]:
        """The state folder of each run, by the name of its machine."""
        places = {self._place(path.name): path.name for path in (self.folder / "hosts").iterdir()}
        return {run: places.get(place, "") for run, place in self.rows("SELECT id, place FROM runs")}

    def _place(self, name: str) -> str:
        path = self.state(name) / "place"
        return path.read_text().strip() if path.exists() else name

    def assert_once(self, runs: Iterable[str], ref: str = "main") -> None:
        """Each of these runs was promoted once, by the audit log and by the branch's history, and has ended once."""
        rows = self.rows("SELECT kind, subject FROM audit ORDER BY seq")
        log = Counter((kind, subject) for kind, subject in rows)
        wanted = sorted(runs)
        for kind in ("run.queued", "run.began", "promotion.promoted", "promotion.confirmed", "run.ended"):
            counts = {run: log[kind, run] for run in wanted}
            story = [row for row in rows if counts.get(row[1], 1) != 1]
            assert counts == dict.fromkeys(wanted, 1), (kind, counts, story)
        refs = git(self.bare, "for-each-ref", "--format=%(refname)", "refs/heads").split()
        told = git(self.bare, "log", "--format=%(trailers:key=Seatrial-Run,valueonly)", *refs).split()
        landed = Counter(told)
        assert {run: landed[run] for run in wanted} == dict.fromkeys(wanted, 1)
        assert set(landed) <= {subject for kind, subject in rows if kind == "promotion.promoted"}

    def _said(self, runs: tuple[str, ...]) -> str:
        reasons = {run: reason for run, reason in self.rows("SELECT id, reason FROM runs") if run in runs}
        return f"{self.states(runs)}\n{reasons}\n" + "\n".join(f"── {member.err[-3000:]}" for member in self.members)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


# ── what the processes come from ────────────────────────────────────────────────────────────────────────────────────


def _nursery() -> None:
    _load()
    if threading.active_count() != 1:
        raise RuntimeError("a process with threads must not fork")
    gc.collect()
    gc.freeze()
    for line in iter(sys.stdin.readline, ""):
        asked = json.loads(line)
        answer = os.waitstatus_to_exitcode(os.waitpid(asked["end"], 0)[1]) if "end" in asked else os.fork()
        if not answer and "end" not in asked:
            try:
                _live(**asked)
            except BaseException:  # noqa: BLE001 - whatever it was, this is no nursery
                traceback.print_exc()
            finally:
                os._exit(70)
        os.write(1, f"{answer}\n".encode())


def _load() -> None:
    """What a server or a worker loads in its life."""
    known = ("alembic.command", "alembic.config", "dbos._sys_db_postgres", "dbos._sys_db_sqlite", "docker", "psutil", "psycopg", "uvicorn")
    ours = [found.name for found in pkgutil.walk_packages(runner.__path__, "runner.")]
    left_out = (".inside", ".migrations.", "__main__")
    for name in (*known, "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite", *ours):
        if not any(part in name for part in left_out):
            importlib.import_module(name)


def _live(argv: list[str], before: str, folder: str, env: dict[str, str], log: str) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    for number, path in enumerate((os.devnull, str(Path(log).with_suffix(".out")), log)):
        opened = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = ["seatrial", *argv]
    exec(before, {})
    from runner.cli.main import entry

    entry()


if __name__ == "__main__":
    _nursery()
