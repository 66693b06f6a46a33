"""What is sent to a server: nothing of it is read before a token was shown, and never more than there is room for."""

import asyncio
import json
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from runner.api import bounds
from runner.api.app import THREADS
from runner.api.bounds import SPARE, Bounds
from runner.store import postgres
from testing.served import Served, problem, serving

VALIDATE = "/api/v1/policies/validate"
JSON = {"Content-Type": "application/json"}


class Named(BaseModel):
    name: str


@pytest.fixture(scope="module")
def served(own_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("bodies"), works=False) as made:
        yield made


def told_before_the_body(served: Served, path: str, token: str = "") -> bytes:
    """The first line of the answer to a request of which only the head is sent."""
    host, port = served.url.removeprefix("http://").split(":")
    shown = f"Authorization: Bearer {token}\r\n" if token else ""
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{shown}Content-Length: 60000\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=5.0) as connection:
        connection.sendall(head.encode() + b"[{},")
        return connection.recv(4096).partition(b"\r\n")[0]


@pytest.mark.parametrize("path", [VALIDATE, "/api/v1/runs", "/api/v0/self-modification/code/generate", "/api/v1/webhooks"])
@pytest.mark.parametrize("token", ["", "made-up", "seatrial_0_0"])
def test_whoever_has_no_good_token_is_told_so_before_anything_that_they_send_is_read(served: Served, path: str, token: str) -> None:
    assert told_before_the_body(served, path, token) == b"HTTP/1.1 401 Unauthorized"


def peak(served: Served) -> int:
    """The most memory that the server ever had, in MiB."""
    assert served._process is not None
    (line,) = (one for one in Path(f"/proc/{served._process.pid}/status").read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def test_large_bodies_of_nobody_cost_the_server_no_memory(served: Served) -> None:
    bomb, before, told = b"[" + b"{}," * 480_000 + b"{}]", peak(served), []

    def send() -> None:
        told.append(httpx.post(served.url + VALIDATE, content=bomb, headers=JSON, timeout=60.0).status_code)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(told) <= {401, 413}
    assert peak(served) - before < 40


def in_pieces(size: int) -> Iterator[bytes]:
    for _ in range(size // 1024):
        yield b" " * 1024


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("/api/v1/breakers/host/state", SPARE + 2048),
        ("/api/v1/webhooks", SPARE + 2048),
        (VALIDATE, 3 * 1024 * 1024),
        ("/api/v1/runs", 10 * 1024 * 1024),
        ("/login", SPARE + 2048),
    ],
)
@pytest.mark.parametrize("counted", [True, False])
def test_more_than_there_is_room_for_is_too_large_however_it_comes(served: Served, path: str, size: int, counted: bool) -> None:
    content: Any = b" " * size if counted else in_pieces(size)
    form = {"Content-Type": "application/x-www-form-urlencoded"} if path == "/login" else JSON
    assert problem(served.ask("POST", path, content=content, headers=form)) == (413, "too-large")


def test_a_policy_of_the_usual_size_is_no_more_than_there_is_room_for(served: Served) -> None:
    text = "seatrial: 1\n" + "# \N{SAILBOAT}\n" * 20_000
    assert served.post(VALIDATE, {"text": text})["valid"] is True
    assert len(json.dumps({"text": text})) > SPARE


def test_what_comes_too_slowly_is_told_so_whatever_the_application_makes_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "SLOWEST", 0.05)
    inner, sent = FastAPI(), []

    @inner.post("/")
    def read(body: Named) -> str:
        return body.name

    async def never() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", b"9")]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers, "query_string": b"", "http_version": "1.1"}
    asyncio.run(Bounds(inner, brought={})(scope, never, send))
    assert [one.get("status") for one in sent] == [408, None]
    assert json.loads(sent[1]["body"])["code"] == "too-slow"


def test_a_server_whose_threads_all_wait_still_says_that_it_lives(served: Served) -> None:
    """Whoever writes waits for whoever writes already."""
    asking = []
    with closing(sqlite3.connect(served.state / "state.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(50):
            body = {"target": "app-main", "patch": f"# {number}"}
            asking.append(threading.Thread(target=_told, args=(served, body)))
            asking[-1].start()
        time.sleep(1.5)
        begun = time.monotonic()
        assert httpx.get(f"{served.url}/livez", timeout=20.0).status_code == 200
        assert time.monotonic() - begun < 1.0
        assert all(thread.is_alive() for thread in asking), "they wait, or this shows nothing"
        other.execute("ROLLBACK")
    for thread in asking:
        thread.join()


def _told(served: Served, body: Any) -> None:
    with httpx.Client(timeout=60.0) as client:
        headers = {"Authorization": f"Bearer {served.token}", "Idempotency-Key": os.urandom(8).hex()}
        client.post(f"{served.url}/api/v1/runs", json=body, headers=headers)


def test_requests_leave_connections_to_the_runs_and_their_keeper() -> None:
    kept_open = 5
    assert kept_open + postgres._MOST - THREADS >= 10
