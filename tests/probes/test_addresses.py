"""Addresses that a policy may name."""

import pytest

from runner.probes.addresses import address, endpoint


@pytest.mark.parametrize(
    ("text", "found"), [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:8000", ("::1", 8000)), ("db.example:65535", ("db.example", 65535))]
)
def test_a_host_and_its_port_are_told_apart(text: str, found: tuple[str, int]) -> None:
    assert endpoint(text) == found


@pytest.mark.parametrize("text", ["", "a", ":1", "a:", "a:0", "a:65536", "a:-1", "a:1x", "::1:80", "a b:1", "ä:1", "u@h:1", "a:²", "h\n:1"])
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"port"):
        endpoint(text)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("http://h/x?y=1", ("h", 80)),
        ("https://h", ("h", 443)),
        ("http://[::1]/", ("::1", 80)),
        ("http://[::1]:8/", ("::1", 8)),
        ("http://h:81", ("h", 81)),
    ],
)
def test_a_url_has_a_port_even_if_it_says_none(url: str, where: tuple[str, int]) -> None:
    assert address(url)[1:] == where


@pytest.mark.parametrize(
    "url",
    [
        "ftp://h/",
        "file:///etc/passwd",
        "h/x",
        "http://",
        "http://u:p@h/",
        "http://h/#f",
        "http://h/a b",
        "http://h/\r\nX: y",
        "http://h:0/",
        "http://ü/",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        address(url)
