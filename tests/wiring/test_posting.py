"""Posts to addresses that others chose: to no place that must not be reached, whatever a name stands for, and not for long."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from runner.errors import UsageError
from runner.wiring.posting import NotSent, checked, post
from testing.receivers import receiving

HERE = ("127.0.0.0/8",)
INSIDE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.0.192",
    "0.0.0.0",
    "224.0.0.1",
    "::1",
    "fe80::1",
    "fd00:ec2::254",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
]


@pytest.mark.parametrize("address", INSIDE)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_address_inside_is_taken(address: str, scheme: str) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(UsageError):
        checked(f"{scheme}://{host}/hook", ())


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hooks.example/",
        "https://user:pass@hooks.example/",
        "https://hooks.example/a b",
        "https://hooks.example/\r\nX: y",
        "https://hooks.example/#part",
        "https://hooks.example:0/",
        "https://hooks.example:99999/",
        "https:///hook",
        "http://hooks.example/",
        "https://hooks.example/" + "x" * 500,
    ],
)
def test_no_url_is_taken_that_is_odd_or_plain(url: str) -> None:
    with pytest.raises(UsageError):
        checked(url, ())


def test_a_url_of_the_open_internet_is_taken_and_one_inside_where_the_operator_says_so() -> None:
    for url in ("https://hooks.example/x?y=1", "https://8.8.8.8:8443/", "https://[2606:4700::1111]/"):
        assert checked(url, ()) == url
    assert checked("http://10.1.2.3/", ("10.0.0.0/8",))
    with pytest.raises(UsageError):
        checked("http://10.1.2.3/", ("192.168.0.0/16",))


@contextmanager
def named(monkeypatch: pytest.MonkeyPatch, *answers: str) -> Iterator[list[str]]:
    """A name server that gives one answer after the other for `hooks.example`."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        if host != "hooks.example":
            return real(host, port, *more, **named)
        asked.append(host)
        return real(answers[min(len(asked), len(answers)) - 1], port, *more, **named)

    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", look_up)
        yield asked


def sent(url: str, networks: tuple[str, ...] = (), seconds: float = 3.0) -> int:
    return post(url, {}, b"{}", networks=networks, seconds=seconds)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_stands_for_an_address_inside_is_not_connected_to(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, named(monkeypatch, "127.0.0.1"):
        listening.settimeout(0.3)
        with pytest.raises(NotSent, match="may not be connected to"):
            sent(f"{scheme}://hooks.example:{listening.getsockname()[1]}/")
        with pytest.raises(TimeoutError):
            listening.accept()


def test_a_name_is_looked_up_once_so_that_what_was_judged_is_what_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver, named(monkeypatch, "127.0.0.1", "127.0.0.2") as asked:
        assert sent(f"http://hooks.example:{receiver.port}/", HERE) == 200
        assert len(asked) == 1


def test_what_is_at_the_other_end_is_judged_even_where_the_look_up_lied(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", receiver.port))]
        monkeypatch.setattr("runner.wiring.posting._looked_up", lambda *_: found)
        real = socket.socket.connect
        monkeypatch.setattr(socket.socket, "connect", lambda self, _: real(self, ("127.0.0.1", receiver.port)))
        with pytest.raises(NotSent, match="may not be connected to"):
            sent(f"https://hooks.example:{receiver.port}/")
        assert receiver.got == []


def _drip(connection: socket.socket) -> None:
    with suppress(OSError):
        for _ in range(100):
            connection.sendall(b"H")
            time.sleep(0.05)


def _flood(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000)


def _endless(connection: socket.socket) -> None:
    with suppress(OSError):
        for _ in range(1000):
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")


@pytest.mark.parametrize("answer", [_drip, _flood, _endless, lambda _: time.sleep(2), lambda one: one.sendall(b"SSH-2.0-x\r\n\r\n")])
def test_who_answers_slowly_or_too_much_or_something_else_is_given_up(answer: Callable[[socket.socket], None]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        began = time.monotonic()
        with pytest.raises(NotSent):
            sent(f"http://127.0.0.1:{listening.getsockname()[1]}/", HERE, seconds=0.5)
        assert time.monotonic() - began < 1.5


def test_an_early_hint_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        assert sent(f"http://127.0.0.1:{listening.getsockname()[1]}/", HERE) == 204


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    with receiving(trust=own_certificate(tmp_path)) as receiver:
        with pytest.raises(NotSent, match="certificate"):
            sent(receiver.url, HERE)
        assert receiver.got == []


def own_certificate(folder: Path) -> Any:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    file = folder / "own.pem"
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(key.private_bytes(*plain) + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
