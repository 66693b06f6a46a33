"""The probe `http` against real servers, good ones and hostile ones."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable

import pytest

from runner.probes.fetch import MOST_BODY
from runner.probes.probe import GRACE, Context
from runner.probes.reading import Reading
from tests.probes.served import OTHER, TREE, Server, a_probe, says

Serving = Callable[[Callable[[socket.socket], None]], Server]


def asked(server: Server | str, context: Context | None = None, **keys: object) -> Reading:
    url = server if isinstance(server, str) else server.url
    return a_probe(http=url, **keys).take(context or Context(started=time.monotonic()))


@pytest.mark.parametrize(
    ("status", "keys", "outcome"),
    [
        ("200 OK", {}, "pass"),
        ("204 No Content", {}, "pass"),
        ("302 Found", {}, "fail"),
        ("404 Not Found", {}, "fail"),
        ("500 Oh", {}, "fail"),
        ("404 Not Found", {"status": ["200-299", "404"]}, "pass"),
        ("200 OK", {"status": ["204"]}, "fail"),
    ],
)
def test_the_status_decides(serving: Serving, status: str, keys: dict[str, object], outcome: str) -> None:
    reading = asked(serving(says("", status)), **keys)
    assert (reading.outcome, reading.probe) == (outcome, reading.probe)
    assert reading.seconds is not None
    assert reading.seconds > 0


def test_a_redirect_is_not_followed(serving: Serving) -> None:
    well = serving(says("", "200 OK"))
    reading = asked(serving(says("", "302 Found", Location=well.url)))
    assert (reading.outcome, well.requests) == ("fail", [])
    assert "not followed" in reading.reason


def test_no_proxy_of_the_environment_is_used(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    server, proxy = serving(says()), serving(says("", "500 Proxy"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{proxy.at}")
    assert asked(server).outcome == "pass"
    assert proxy.requests == []
    assert server.requests[0].startswith(b"GET /health HTTP/1.1\r\n")
    assert f"\r\nHost: {server.at}\r\n".encode() in server.requests[0]


@pytest.mark.parametrize(
    ("body", "keys", "outcome"),
    [
        ('{"status": "ok"}', {"expect": '$.status == "ok"'}, "pass"),
        ('{"status": "degraded"}', {"expect": '$.status == "ok"'}, "fail"),
        ('{"state": "ok"}', {"expect": '$.status == "ok"'}, "no_data"),
        ("<html>", {"expect": '$.status == "ok"'}, "no_data"),
        ('{"r": 0.06}', {"expect": "$.r", "fail_if": ">5%", "pass_if": "<2%"}, "fail"),
        ('{"r": 0.01}', {"expect": "$.r", "fail_if": ">5%", "pass_if": "<2%"}, "pass"),
        ('{"r": 0.03}', {"expect": "$.r", "fail_if": ">5%", "pass_if": "<2%"}, "no_data"),
        ('{"r": 0.03}', {"expect": "$.r", "fail_if": ">5%"}, "pass"),
        ('{"r": 0.03}', {"expect": "$.r", "pass_if": "<2%"}, "fail"),
        ('{"r": NaN}', {"expect": "$.r", "fail_if": ">5%"}, "no_data"),
        ('{"r": "0.01"}', {"expect": "$.r", "fail_if": ">5%"}, "no_data"),
        ('{"r": true}', {"expect": "$.r", "fail_if": ">5%"}, "no_data"),
    ],
)
def test_the_json_answer_decides(serving: Serving, body: str, keys: dict[str, object], outcome: str) -> None:
    assert asked(serving(says(body)), **keys).outcome == outcome


def test_a_bad_status_fails_whatever_the_body_says(serving: Serving) -> None:
    assert asked(serving(says('{"status": "ok"}', "500 Oh")), expect='$.status == "ok"').outcome == "fail"


def test_a_slow_answer_fails_with_the_number_beside_its_limit(serving: Serving) -> None:
    def slowly(connection: socket.socket) -> None:
        time.sleep(0.05)
        says()(connection)

    reading = asked(serving(slowly), latency="20ms")
    assert (reading.outcome, reading.limit) == ("fail", 0.02)
    assert isinstance(reading.measured, float)
    assert reading.measured >= 0.05
    assert asked(serving(says()), latency="900ms").outcome == "pass"


@pytest.mark.parametrize("source", ["$.tree", "X-Tree"])
@pytest.mark.parametrize(
    ("told", "ago", "outcome"),
    [
        (TREE, 0, "pass"),
        (TREE.upper(), 0, "pass"),
        (OTHER, 0, "no_data"),
        (OTHER, 60, "fail"),
        ("", 0, "no_data"),
        ("", 60, "no_data"),
        (TREE[:12], 60, "fail"),
    ],
)
def test_only_the_promoted_tree_is_measured(serving: Serving, source: str, told: str, ago: float, outcome: str) -> None:
    said = says(f'{{"tree": "{told}"}}') if source == "$.tree" else says("{}", **{"X-Tree": told})
    context = Context(tree=TREE, started=time.monotonic() - ago)
    assert asked(serving(said), context, tree=source).outcome == outcome


def test_an_answer_without_a_place_for_its_tree_never_passes(serving: Serving) -> None:
    for body in ("[]", "<html>", '{"tree": 7}', '{"tree": null}'):
        assert asked(serving(says(body)), Context(tree=TREE, started=time.monotonic() - 60), tree="$.tree").outcome == "no_data"


def test_old_code_on_its_way_out_is_no_failure_of_the_new(serving: Serving) -> None:
    server = serving(says(f'{{"tree": "{OTHER}"}}', "503 Draining"))
    assert asked(server, Context(tree=TREE, started=time.monotonic()), tree="$.tree").outcome == "no_data"
    assert asked(server, Context(tree=TREE, started=time.monotonic() - 60), tree="$.tree").outcome == "fail"


def test_before_a_promotion_any_tree_may_answer(serving: Serving) -> None:
    assert asked(serving(says(f'{{"tree": "{OTHER}"}}')), Context(), tree="$.tree").outcome == "pass"


def test_nobody_listens(closed_port: int) -> None:
    reading = asked(f"http://127.0.0.1:{closed_port}/")
    assert (reading.outcome, "refused" in reading.reason.lower()) == ("fail", True)


def test_a_name_that_nobody_knows_says_nothing_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = asked("http://nowhere.invalid/", timeout="5s")
    assert (reading.outcome, "nowhere.invalid" in reading.reason) == ("no_data", True)


def test_a_look_up_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def hangs(host: str, *args: object, flags: int = 0, **keys: object) -> object:
        if flags:
            return real(host, *args, flags=flags, **keys)  # type: ignore[arg-type]
        time.sleep(3)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    started = time.monotonic()
    reading = asked("http://slow.invalid/", timeout="200ms")
    assert (reading.outcome, reading.reason) == ("no_data", "the name slow.invalid cannot be looked up: no answer in time")
    assert time.monotonic() - started < 2


def _drips(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    with contextlib.suppress(OSError):
        for _ in range(200):
            connection.sendall(b"x")
            time.sleep(0.05)


def _drips_headers(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        for letter in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100:
            connection.sendall(bytes([letter]))
            time.sleep(0.02)


def _continues(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            time.sleep(0.01)


def _never(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.recv(1)


def _hangs_up(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def _raw(content: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(content)


@pytest.mark.parametrize("answer", [_drips, _drips_headers, _continues, _never])
def test_a_server_that_never_ends_its_answer_fails_in_time(serving: Serving, answer: Callable[[socket.socket], None]) -> None:
    started = time.monotonic()
    reading = asked(serving(answer), timeout="300ms")
    assert (reading.outcome, reading.reason) == ("fail", "no answer in time")
    assert time.monotonic() - started < 0.3 + GRACE + 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200,
        b"HTTP/1.1 200 OK\r\n" + b"A" * 70_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
    ],
)
def test_what_is_no_http_never_passes(serving: Serving, content: bytes) -> None:
    reading = asked(serving(_raw(content)))
    assert reading.outcome in ("fail", "no_data")
    assert reading.reason.isprintable()


def test_endless_headers_are_not_kept(serving: Serving) -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(99):
            connection.sendall(b"A: " + b"b" * 60_000 + b"\r\n")

    assert asked(serving(endless)).outcome == "no_data"


def test_a_connection_that_is_closed_without_an_answer_fails(serving: Serving) -> None:
    assert asked(serving(_hangs_up)).outcome == "fail"


def test_a_huge_body_is_not_read_to_its_end(serving: Serving) -> None:
    sent = 0

    def huge(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(OSError):
            while sent < 100 * MOST_BODY:
                sent += connection.send(b" " * 65536)

    server = serving(huge)
    assert asked(server, timeout="3s").outcome == "pass"
    assert asked(server, timeout="3s", expect="$.a == 1").outcome == "no_data"
    assert sent < 40 * MOST_BODY


def test_a_body_in_endless_chunks_is_not_kept_either(serving: Serving) -> None:
    def chunks(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(OSError):
            for _ in range(200):
                connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n1;" + b"y" * 60_000 + b"\r\nz\r\n")

    assert asked(serving(chunks), timeout="3s").outcome in ("pass", "no_data")


def test_a_server_without_tls_fails_and_is_not_this_machines_fault() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speaks_plainly() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.recv(65536)

        threading.Thread(target=speaks_plainly, daemon=True).start()
        reading = asked(f"https://127.0.0.1:{server.getsockname()[1]}/", timeout="5s")
    assert (reading.outcome, "no secure connection" in reading.reason) == ("fail", True)


def test_hostile_answers_are_shown_harmless(serving: Serving) -> None:
    reading = asked(serving(says('{"s": "\\u001b[2J##[group]\\u202e"}')), expect='$.s == "ok"')
    assert reading.outcome == "fail"
    assert reading.reason.isprintable()
    assert "##[" not in reading.reason
