"""Servers and workers as processes, each with a state folder of its own as on a machine of its own, on one database."""

import json
import os
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import text

from runner.store.database import Database
from runner.store.tokens import SqlTokens
from testing.commands import Command
from testing.whole import commit, git

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


class Member:
    """One process of a fleet."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process, self._log = process, log

    @property
    def err(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def says(self, words: str) -> None:
        """Wait for it to say this on stderr."""
        until(lambda: words in self.err or self.process.poll() is not None, lambda: self.err)
        assert words in self.err, self.err

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def ended(self, seconds: float = LONG) -> int:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGUSR1)
            time.sleep(1)
            raise AssertionError(f"it goes on after {seconds} s:\n{self.err}") from None


class Fleet:
    """A repository, a policy that costs no time, a configuration, and the processes that serve it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.repo, self.bare = folder, folder / "app", folder / "app.git"
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
        env = {**os.environ, "NO_COLOR": "1", "XDG_STATE_HOME": str(self.state(name).parent)}
        with log.open("wb") as err:
            process = Command(argv, before=before, cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err)
        member = Member(process, log)
        self.members.append(member)
        return member

    def serve(self, *more: str, name: str = "server", before: str = "") -> Member:
        """A server that answers, and a token for it."""
        if not self.token:
            self.token = SqlTokens(self.state(name)).create("tester", SCOPES, (), 86400.0, by="test")
        member = self.start(name, "serve", "--config", str(self.file), *more, before=before)
        until(lambda: self._answers() or member.process.poll() is not None, lambda: member.err)
        assert member.process.poll() is None, member.err
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
        out, _ = member.process.communicate(timeout=LONG)
        return member.process.returncode, out.decode()

    def close(self) -> None:
        for member in self.members:
            if member.process.poll() is None:
                member.send(signal.SIGCONT)
                member.kill()
            if member.process.stdout:
                member.process.stdout.close()

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
