"""What the client is tested against: a real server with a repository and a record of its own, and one that answers as a test says."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from testing import commands
from testing.commands import Command
from testing.landing import CALM, Done, until
from testing.whole import ROOT

RUN = "abc123abc123"
TIME = "2026-11-30T12:00:00.000+00:00"
Answer = tuple[int, dict[str, str], bytes]

# ── a server that answers as a test says ────────────────────────────────────────────────────────────────────────────────


def a_summary(**given: Any) -> dict[str, Any]:
    usual = {"run": RUN, "command": "check", "state": "ended", "verdict": None, "ending": "accepted", "reason": "fine", "exit_code": 0}
    more = {"stage": "", "repository": "app", "target": "", "change": "c" * 64, "base": "b" * 40, "started": TIME, "ended": TIME}
    return {**usual, **more, "joined": None, "of_a_newer_server": [1], **given}


def shown(report: Any = None, **given: Any) -> Answer:
    return answer({"summary": a_summary(**given), "report": report})


def answer(body: Any, status: int = 200, **headers: str) -> Answer:
    """An answer of a server; `headers` with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    media = "application/json" if status < 400 else "application/problem+json"
    return status, {"Content-Type": media, "Content-Length": str(len(content)), **named}, content


class Scripted:
    """A real HTTP server that answers as `script` says, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[SimpleNamespace] = []
        self.script: Callable[[SimpleNamespace], Any] = lambda asked: answer({"code": "nothing", "detail": "nothing here"}, 404)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                asked = SimpleNamespace(method=self.command, path=self.path, headers=dict(self.headers), body=self.rfile.read(length))
                asked.write = self.wfile.write
                outer.asked.append(asked)
                self.close_connection = True
                found = outer.script(asked)
                if found is None:  # it has written by itself, or hung up
                    return
                status, headers, content = found
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Connection", "close")
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(content)

            do_GET = do_POST = handle_one  # noqa: N815 - the library's names

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def in_turn(self, *answers: Any) -> None:
        """Answer with these, one after another, and with the last from then on."""
        left = list(answers)
        self.script = lambda _asked: left.pop(0) if len(left) > 1 else left[0]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Clock:
    """Time that passes by waiting alone."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


class Heard:
    """A progress that keeps what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def stage(self, name: str) -> None:
        self.said.append(name)

    def note(self, text: str) -> None:
        self.said.append(text)

    def tests(self, side: str, done: int, total: int | None) -> None: ...

    def probe(self, name: str, said: str) -> None: ...


# ── a real server ───────────────────────────────────────────────────────────────────────────────────────────────────────


def git(repo: Path, *argv: str, stdin: bytes = b"") -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main")
    return subprocess.run(["git", *who, *argv], cwd=repo, input=stdin, check=True, capture_output=True).stdout.decode()


def policy(well: Path, **sections: Any) -> str:
    """An operator's policy: one probe that asks whether the service is well, and no controls, which take their time."""
    probe = {"command": ["test", "-e", str(well)], "interval": "20ms", "name": "well"}
    usual = {
        "seatrial": 1,
        "controls": {"run": []},
        "preflight": {"rate": [], "health": CALM, "breaker": {"promotion": {"consecutive": 50, "failure_rate": "0%"}}},
        "monitor": {"probes": [probe], "confirm_after": "500ms", "deadline": "60s"},
    }
    return json.dumps({**usual, **sections}, indent=1)


class Served:
    """A server as a process: a bare clone of the example project is its repository `app`, as `strict` with a rate limit, and its target `app-main`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repo, self.bare, self.well = folder / "app", folder / "app.git", folder / "well"
        self.well.touch()
        shutil.copytree(ROOT / "examples" / "berth", self.repo, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        git(self.repo, "init", "-q", "-b", "main")
        git(self.repo, "add", "-A")
        git(self.repo, "commit", "-qm", "base")
        git(folder, "clone", "-q", "--bare", str(self.repo), str(self.bare))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.policy, strict = folder / "policy.yaml", folder / "strict.yaml"
        self.policy.write_text(policy(self.well))
        strict.write_text(policy(self.well, preflight={"rate": [{"limit": 1, "per": "1h", "key": ["target"]}], "health": CALM}))
        self.config = folder / "server.yaml"
        app = {"path": str(self.bare), "policy": str(self.policy)}
        told = {
            "seatrial-server": 1,
            "listen": f"127.0.0.1:{port}",
            "repos": {"app": app, "strict": {**app, "policy": str(strict)}},
            "targets": {"app-main": {"target": f"git:{self.bare}#main", "repo": "app", "policy": str(self.policy)}},
        }
        self.config.write_text(json.dumps(told, indent=1))
        places = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("STATE", "CONFIG")}
        shared = {"XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"]}
        self.env = {**os.environ, **places, **shared, "NO_COLOR": "1"}
        self._started: list[subprocess.Popen[bytes]] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "serve.log"

    def start(self, *more: str, sock: Path | None = None) -> None:
        """Start the server, and wait until it answers at its port, or at a socket."""
        with self.log.open("ab") as log:
            self.process = Command(("serve", "--config", str(self.config), *more), env=self.env, stdout=log, stderr=log, cwd=self.folder)
        until(lambda: self.process is not None and (self.process.poll() is not None or self._lives(sock)), why=self.log.read_text)
        assert self.process.poll() is None, self.log.read_text()

    def _lives(self, sock: Path | None) -> bool:
        try:
            if sock is not None:
                with socket.socket(socket.AF_UNIX) as peer:
                    peer.connect(str(sock))
                return True
            with urllib.request.urlopen(f"{self.url}/livez", timeout=5) as found:
                return bool(found.status == 200)
        except OSError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def token(self, *scopes: str, name: str = "ci") -> str:
        words = [word for scope in scopes for word in ("--scope", scope)]
        done = commands.run(("token", "create", name, *words), env=self.env, text=True)
        done.check_returncode()
        return str(done.stdout.strip())

    def document(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/openapi.json", timeout=30) as found:
            told: dict[str, Any] = json.load(found)
        return told

    def start_command(
        self, *argv: str, token: str = "", cwd: Path | None = None, at: str | None = None, **env: str
    ) -> "subprocess.Popen[bytes]":
        """Start a command line as on another machine, with this server as its own, or `at` another; its record and settings are its own."""
        away = {f"XDG_{kind}_HOME": str(self.folder / "away" / kind.lower()) for kind in ("STATE", "CONFIG")}
        own = {**self.env, **away, "SEATRIAL_SERVER": self.url if at is None else at, **({"SEATRIAL_TOKEN": token} if token else {}), **env}
        return self._command(argv, own, cwd or self.folder)

    def seatrial(self, *argv: str, stdin: bytes = b"", **given: Any) -> Done:
        """Run a command line as on another machine."""
        return ended(self.start_command(*argv, **given), stdin)

    def at_home(self, *argv: str, cwd: Path | None = None) -> Done:
        """Run a command line on the server's machine, over its record."""
        return ended(self._command(argv, self.env, cwd or self.folder))

    def _command(self, argv: tuple[str, ...], env: dict[str, str], cwd: Path) -> "subprocess.Popen[bytes]":
        piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = Command(argv, env=env, cwd=cwd, **piped)
        self._started.append(process)
        return process

    def close(self) -> None:
        """End what a test left running."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        self.stop()


def ended(process: "subprocess.Popen[bytes]", stdin: bytes = b"") -> Done:
    """Wait for a command line."""
    out, err = process.communicate(stdin, timeout=300)
    return Done(process.returncode, out.decode(), err.decode())
