"""The probe `tcp` against real ports."""

import contextlib
import socket
import time

import pytest

from runner.probes.connect import connect
from runner.probes.probe import Context
from tests.probes.served import a_probe


def test_an_open_port_passes_and_a_closed_one_fails(closed_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        reading = a_probe(tcp=f"127.0.0.1:{server.getsockname()[1]}").take(Context())
    assert (reading.outcome, reading.seconds is not None) == ("pass", True)
    assert a_probe(tcp=f"127.0.0.1:{closed_port}").take(Context()).outcome == "fail"


def test_a_port_that_never_accepts_fails_in_time() -> None:
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        started = time.monotonic()
        reading = a_probe(tcp=f"127.0.0.1:{full.getsockname()[1]}", timeout="300ms").take(Context())
        assert (reading.outcome, reading.reason) == ("fail", "no answer in time")
        assert time.monotonic() - started < 1.5


def test_the_second_address_of_a_name_has_its_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        port, other = server.getsockname()[1], deaf.getsockname()[1]
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(("127.0.0.1", other))
            found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", to)) for to in (other, port)]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_keys: found)
            ends = time.monotonic() + 1
            with connect("two.invalid", 1, lambda: ends - time.monotonic()) as connection:
                assert connection.getpeername()[1] == port
