"""Where a server is asked: who may use its socket, and what is said where it cannot listen."""

import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from runner.errors import UsageError
from runner.wiring.listening import listen
from testing.landing import until


async def hello(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


@contextmanager
def listening(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    made: list[uvicorn.Server] = []
    monkeypatch.setattr(uvicorn, "Server", lambda config: made.append(real(config)) or made[0])
    thread = threading.Thread(target=listen, args=(hello, address))
    thread.start()
    until(lambda: made and made[0].started)
    try:
        yield
    finally:
        made[0].should_exit = True
        thread.join(20)
    assert not thread.is_alive()


real = uvicorn.Server


def ask(path: Path) -> str:
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path))) as client:
        return client.get("http://localhost/").text


def test_a_socket_in_a_folder_is_for_user_and_group_and_goes_with_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "here.sock"
    with listening(f"unix:{path}", monkeypatch):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert ask(path) == "hello"
    assert not path.exists()


def test_what_a_dead_server_left_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "here.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    with listening(f"unix:{path}", monkeypatch):
        assert ask(path) == "hello"


def test_it_is_said_that_it_listens_once_it_does_and_not_before(tmp_path: Path) -> None:
    path, said = tmp_path / "here.sock", []

    def listens() -> None:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(path))
        said.append("listens")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        listen(hello, f"unix:{path}", listens)
    assert said == ["listens"]
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(UsageError, match="cannot be listened on: Address already in use"):
            listen(hello, f"127.0.0.1:{other.getsockname()[1]}", lambda: said.append("too soon"))
    assert said == ["listens"]


def test_a_socket_that_somebody_listens_on_and_a_file_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "here.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(UsageError, match="cannot be listened on: Address already in use"):
            listen(hello, f"unix:{path}")
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(UsageError, match="cannot be listened on"):
        listen(hello, f"unix:{file}")
    assert file.read_text() == "mine"


def test_a_port_that_is_taken_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=f"'127.0.0.1:{port}' cannot be listened on: Address already in use"):
            listen(hello, f"127.0.0.1:{port}")
    with listening(f"127.0.0.1:{port}", monkeypatch):
        assert httpx.get(f"http://127.0.0.1:{port}/").text == "hello"
