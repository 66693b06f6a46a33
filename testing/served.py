"""A real server in a process of its own: a project as a bare repository, a target, tokens, and a client that asks."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI

from runner.api.app import made
from runner.model.configuration import Configuration
from runner.ports import Item
from runner.store.backups import SqlBackups
from runner.store.places import Places
from runner.store.tokens import SCOPES, SqlTokens
from runner.vault.options import Options
from runner.vault.vault import FileVault
from runner.wiring.carrying import stores
from runner.wiring.serving import Service
from testing.commands import Command
from testing.landing import CALM, until
from testing.whole import ROOT, commit, git

GOOD = (ROOT / "examples/changes/good.diff").read_text()
UNFIT = "diff --git a/nowhere.py b/nowhere.py\n--- a/nowhere.py\n+++ b/nowhere.py\n@@ -1 +1 @@\n-a\n+b\n"
"""A diff that applies to nothing: a run of it ends without a container."""
_FIRST = 60.0
"""Seconds within which a server must answer."""


class Served:
    """A server of `app` (a repository) and `app-main` (the branch `main` of it), with a state of its own."""

    def __init__(self, folder: Path, **configuration: Any) -> None:
        self.folder, self.state = folder, folder / "state" / "seatrial"
        self.bare, self.well = folder / "app.git", folder / "well"
        self.well.touch()
        """The service is well as long as there is this file."""
        self.env = {"XDG_STATE_HOME": str(folder / "state")}
        self._project()
        self.policy = folder / "policy.yaml"
        self.policy.write_text(json.dumps(self._policy(), indent=1))
        self.configuration = {
            "seatrial-server": 1,
            "repos": {"app": {"path": str(self.bare), "policy": str(self.policy)}},
            "targets": {"app-main": {"target": f"git:{self.bare}#main", "repo": "app", "policy": str(self.policy)}},
            **configuration,
        }
        self.file = folder / "server.yaml"
        self.file.write_text(json.dumps(self.configuration, indent=1))
        with self._tokens() as tokens:
            self.token = tokens.create("anne", SCOPES, (), 3600.0, by="test")
        self.url = ""
        self.client = httpx.Client(timeout=120.0)
        self._process: subprocess.Popen[bytes] | None = None

    def _project(self) -> None:
        work = self.folder / "work"
        shutil.copytree(ROOT / "examples" / "berth", work, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        git(work, "init", "-q", "-b", "main")
        commit(work, "base")
        git(self.folder, "clone", "-q", "--bare", str(work), str(self.bare))

    def _policy(self) -> dict[str, Any]:
        probe = {"command": ["test", "-e", str(self.well)], "interval": "20ms", "name": "well"}
        return {
            "seatrial": 1,
            "controls": {"run": []},
            "preflight": {"rate": [], "health": CALM, "breaker": {"promotion": {"consecutive": 50, "failure_rate": "0%"}}},
            "monitor": {"probes": [probe], "confirm_after": "500ms", "deadline": "60s"},
        }

    # the process

    def start(self, *, works: bool = True) -> None:
        """Start it on a port of its own, and wait until it answers. Without `works` it only takes requests."""
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", 0))
            port = trial.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        argv = ["serve", "--config", str(self.file), "--listen", f"127.0.0.1:{port}"]
        argv += [] if works else ["--no-work"]
        environment = {**os.environ, "NO_COLOR": "1", **self.env}
        with self.log.open("ab") as log:
            self._process = Command(argv, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self._answers, _FIRST, why=self.log.read_text)

    @property
    def log(self) -> Path:
        return self.folder / "serve.log"

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/livez", timeout=1.0).status_code == 200
        return False

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it, and wait until it is gone."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None

    # who asks

    @contextmanager
    def _tokens(self) -> Iterator[SqlTokens]:
        tokens = SqlTokens(self.state)
        try:
            yield tokens
        finally:
            tokens.close()

    def token_for(self, *scopes: str, name: str = "bert", targets: tuple[str, ...] = (), seconds: float = 3600.0) -> str:
        """A token with these scopes."""
        with self._tokens() as tokens:
            return tokens.create(name, scopes, targets, seconds, by="test")

    def revoke(self, token: str) -> None:
        with self._tokens() as tokens:
            tokens.revoke(token.split("_")[1], by="test")

    def ask(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, key: str | None = None, **more: Any
    ) -> httpx.Response:
        """One request, by default of somebody who may do everything; what changes something gets a key of its own."""
        headers = {"Authorization": f"Bearer {self.token if token is None else token}", **more.pop("headers", {})}
        if method != "GET":
            headers["Idempotency-Key"] = key or uuid4().hex
        sent = {"json": body} if body is not None else {}
        return self.client.request(method, f"{self.url}{path}", headers=headers, **sent, **more)

    def get(self, path: str, **more: Any) -> Any:
        """The JSON of an answer that must be one."""
        answer = self.ask("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, status: int = 200, **more: Any) -> Any:
        """The JSON of an answer with that status."""
        answer = self.ask("POST", path, body, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    def over(self, run: str, seconds: float = 120.0) -> Mapping[str, Any]:
        """What a run is once it is held or has ended."""

        def look() -> Mapping[str, Any] | None:
            found: Mapping[str, Any] = self.get(f"/api/v1/runs/{run}")["summary"]
            return found if found["state"] in ("held", "ended") else None

        found = until(look, seconds, why=self.log.read_text)
        assert found is not None
        return found


def application() -> FastAPI:
    """The application over a record where nothing was ever written: to be looked at. It has nobody who carries what is asked for."""
    nowhere = Places(cache=Path("/nonexistent"), state=Path("/nonexistent"))
    configuration = Configuration.model_validate({"seatrial-server": 1})
    with stores(nowhere) as kept:
        return made(Service(configuration, SimpleNamespace(where=nowhere), kept))  # type: ignore[arg-type]


def whole(served: Served) -> str:
    """What the record calls the target `app-main`."""
    return f"git:{served.bare}#refs/heads/main"


@contextmanager
def vault(served: Served) -> Iterator[FileVault]:
    record = SqlBackups(served.state)
    try:
        yield FileVault(served.state, record, Options())
    finally:
        record.close()


def a_backup(served: Served, content: bytes = b"once\n", target: str = "", run: str = "0123456789ab") -> str:
    """A backup of the target, as if that run had made it."""
    with vault(served) as kept:
        item = Item(b"a.txt", "file", 0o644, lambda: content, None, ())
        return kept.keep(target or whole(served), run, [item]).id


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a problem, which is one as RFC 9457 has it."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    found = answer.json()
    assert found["status"] == answer.status_code
    assert {"type", "title", "detail", "code"} <= set(found), found
    return answer.status_code, found["code"]


@contextmanager
def serving(folder: Path, *, works: bool = True, **configuration: Any) -> Iterator[Served]:
    """A server for the length of a block."""
    server = Served(folder, **configuration)
    server.start(works=works)
    try:
        yield server
    finally:
        server.client.close()
        server.stop()
