"""Requests and answers over real connections: what is tried again, what is bounded, and to whom the token goes."""

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from runner.client import calls, connection
from runner.client.address import parse
from runner.client.connection import Connection
from runner.client.problems import Refused, ServerUnavailable
from runner.errors import InfrastructureError, UsageError
from testing.clients import answer

PROBLEM = {"code": "store-unavailable", "detail": "locked"}
TOKEN = "seatrial_1_secret"


@pytest.fixture
def connected(scripted: Any, clock: Any) -> Connection:
    return Connection(parse(scripted.url), TOKEN, sleep=clock.sleep, clock=clock)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_a_server_cannot_do_now_is_asked_again_with_the_same_key(
    scripted: Any, connected: Connection, clock: Any, status: int
) -> None:
    scripted.in_turn(answer(PROBLEM, status, Retry_After="2"), answer(PROBLEM, status, Retry_After="1"), answer({"run": "ab"}))
    assert (
        connected.ask(calls.SUBMIT, key="k", data={"command": "check"}, files={"change": ("change", b"\xff", "x/y")}).body
        == b'{"run": "ab"}'
    )
    assert [asked.headers["Idempotency-Key"] for asked in scripted.asked] == ["k", "k", "k"]
    assert [b"\xff" in asked.body for asked in scripted.asked] == [True, True, True]
    assert clock.waits[0] >= 2.0


@pytest.mark.parametrize(("after", "most"), [("1", 120.0), ("600", 120.0), (None, 120.0)])
def test_it_is_not_asked_for_ever(scripted: Any, connected: Connection, clock: Any, after: str | None, most: float) -> None:
    scripted.in_turn(answer(PROBLEM, 503, **({"Retry_After": after} if after else {})))
    with pytest.raises(ServerUnavailable, match="locked"):
        connected.ask(calls.SHOW, run="ab")
    assert sum(clock.waits) <= most
    assert len(scripted.asked) < 80


def test_what_is_refused_is_not_asked_again(scripted: Any, connected: Connection, clock: Any) -> None:
    scripted.in_turn(answer({"code": "run-unknown", "detail": "no such run"}, 404))
    with pytest.raises(Refused):
        connected.ask(calls.SHOW, run="ab")
    assert (len(scripted.asked), clock.waits) == (1, [])


def test_a_server_that_hangs_up_is_asked_again(scripted: Any, connected: Connection) -> None:
    scripted.in_turn(None, None, answer({}))
    assert connected.ask(calls.SHOW, run="ab").body == b"{}"
    assert len(scripted.asked) == 3


def test_an_answer_that_is_cut_off_is_asked_for_again(scripted: Any, connected: Connection) -> None:
    scripted.in_turn((200, {"Content-Type": "application/json", "Content-Length": "100"}, b"{"), answer({}))
    assert connected.ask(calls.SHOW, run="ab").body == b"{}"


def test_where_nobody_listens_it_is_said_soon(clock: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ServerUnavailable, match="Connection refused") as problem:
        Connection(parse(url), TOKEN, sleep=clock.sleep, clock=clock).ask(calls.LIST)
    assert url in str(problem.value)
    assert 1.0 < sum(clock.waits) < 5.0


def test_the_token_goes_to_no_other_server_and_into_no_message(scripted: Any, connected: Connection) -> None:
    scripted.in_turn(answer({}, 307, Location=f"{scripted.url}/elsewhere"))
    with pytest.raises(UsageError, match="elsewhere") as problem:
        connected.ask(calls.SHOW, run="ab")
    assert [asked.path for asked in scripted.asked] == ["/api/v1/runs/ab"]
    assert scripted.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert "secret" not in str(problem.value) + problem.value.hint


@pytest.mark.parametrize("there", ["http://[::1", "http://caf\u00e9", "\x1b[2J", "//"])
def test_an_answer_that_sends_nowhere_is_an_error(scripted: Any, connected: Connection, there: str) -> None:
    scripted.in_turn(answer({}, 302, Location=there))
    with pytest.raises((UsageError, InfrastructureError)) as problem:
        connected.ask(calls.SHOW, run="ab")
    assert str(problem.value).isprintable()


def test_neither_a_netrc_nor_a_proxy_takes_part(
    scripted: Any, connected: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    scripted.in_turn(answer({}))
    connected.ask(calls.SHOW, run="ab")
    assert scripted.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_netrc_does_not_take_the_tokens_place_for_servers_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scripted: Any
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", scripted.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    scripted.in_turn(answer({}))
    Connection(parse("http://seatrial.invalid"), TOKEN).ask(calls.SHOW, run="ab")
    assert scripted.asked[0].path == "http://seatrial.invalid/api/v1/runs/ab"
    assert scripted.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("status", [200, 422])
def test_an_answer_is_read_no_further_than_its_bound(
    scripted: Any, connected: Connection, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(connection, "MOST", 1000)
    scripted.in_turn(answer(b"x" * 1001, status))
    with pytest.raises(InfrastructureError, match="larger than 1000 bytes"):
        connected.ask(calls.SHOW, run="ab")


def test_an_answer_without_an_end_is_given_up(scripted: Any, connected: Connection, monkeypatch: pytest.MonkeyPatch, clock: Any) -> None:
    def drip(asked: Any) -> None:
        asked.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        for _ in range(20):
            asked.write(b" ")
            clock.now += 100
            time.sleep(0.02)

    monkeypatch.setattr(connection, "WHOLE", 150.0)
    scripted.script = drip
    with pytest.raises(ServerUnavailable, match="took longer than"):
        connected.ask(calls.SHOW, run="ab")


def test_a_server_that_says_nothing_is_given_up(scripted: Any, connected: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "READ", 0.1)
    scripted.script = lambda _asked: time.sleep(0.5)
    with pytest.raises(ServerUnavailable, match="no answer in time"):
        connected.ask(calls.SHOW, run="ab")


def test_an_answer_that_is_packed_is_not_unpacked(scripted: Any, connected: Connection) -> None:
    scripted.in_turn(answer(b"\x1f\x8b", Content_Encoding="gzip"))
    with pytest.raises(InfrastructureError, match="packed"):
        connected.ask(calls.SHOW, run="ab")
    assert scripted.asked[0].headers["Accept-Encoding"] == "identity"


def test_a_stream_is_heard_as_it_comes(scripted: Any, connected: Connection) -> None:
    go_on = threading.Event()

    def stream(asked: Any) -> None:
        asked.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n")
        asked.write(b"5\r\nfirst\r\n")
        assert go_on.wait(10)
        asked.write(b"6\r\nsecond\r\n0\r\n\r\n")

    scripted.script = stream
    with connected.listen(calls.EVENTS, {"run": "ab"}, seconds=5) as pieces:
        assert next(pieces) == b"first"
        go_on.set()
        assert list(pieces) == [b"second"]


def test_what_is_no_stream_of_events_is_not_listened_to(scripted: Any, connected: Connection) -> None:
    scripted.in_turn(answer({}))
    with pytest.raises(InfrastructureError, match="no stream"), connected.listen(calls.EVENTS, {}, seconds=5):
        pass


def test_a_server_may_listen_at_a_socket(tmp_path: Path, clock: Any) -> None:
    path = tmp_path / "s.sock"
    seen: list[bytes] = []

    def serve(listening: socket.socket) -> None:
        for _ in range(2):
            with listening.accept()[0] as peer:
                seen.append(peer.recv(65536))
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        made = Connection(parse(f"unix:{path}"), TOKEN, sleep=clock.sleep, clock=clock)
        assert [made.ask(calls.SHOW, run="ab").body for _ in range(2)] == [b"{}", b"{}"]
        made.close()
        thread.join(10)
    assert seen[0].startswith(b"GET /api/v1/runs/ab HTTP/1.1\r\n")
    assert f"Bearer {TOKEN}".encode() in seen[0]


@pytest.mark.parametrize("path", ["/no/such.sock", "/" + "a" * 200])
def test_a_socket_that_is_not_there_is_a_server_that_cannot_be_reached(path: str, clock: Any) -> None:
    with pytest.raises(ServerUnavailable, match="cannot be reached"):
        Connection(parse(f"unix:{path}"), TOKEN, sleep=clock.sleep, clock=clock).ask(calls.LIST)
