"""Where a server is."""

import pytest

from runner.client.address import parse
from runner.errors import UsageError


@pytest.mark.parametrize(
    ("given", "url", "socket", "local", "is_open"),
    [
        ("http://127.0.0.1:8642", "http://127.0.0.1:8642", "", True, False),
        ("http://localhost:1/", "http://localhost:1", "", True, False),
        ("http://[::1]:80", "http://[::1]:80", "", True, False),
        ("https://seatrial.example/ci/", "https://seatrial.example/ci", "", False, False),
        ("http://seatrial.example", "http://seatrial.example", "", False, True),
        ("unix:/run/seatrial.sock", "http://localhost", "/run/seatrial.sock", True, False),
    ],
)
def test_an_address_is_of_a_host_or_of_a_socket(given: str, url: str, socket: str, local: bool, is_open: bool) -> None:
    found = parse(given)
    assert (found.url, found.socket, found.local, found.open) == (url, socket, local, is_open)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "seatrial.example",
        "127.0.0.1:8642",
        "ftp://seatrial.example",
        "http://",
        "http://host:99999",
        "http://host:x",
        "http://[::1",
        "http://host/?q=1",
        "http://host/#f",
        "http://ho st",
        "http://host/\x1b[2J",
        "http://h\u00f6st",
        "unix:",
        "unix:/a\0b",
        "http://" + "a" * 3000,
    ],
)
def test_what_names_no_server_is_a_usage_error_without_control_characters(given: str) -> None:
    with pytest.raises(UsageError) as problem:
        parse(given)
    assert str(problem.value).isprintable()


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError) as problem:
        parse("https://me:hunter2@seatrial.example")
    assert "hunter2" not in str(problem.value) + problem.value.hint
