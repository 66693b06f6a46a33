"""A record that cannot be used: what the log says of it is not for whoever asks."""

import asyncio
import logging

import httpx
import pytest

from runner.store.address import VARIABLE
from testing.served import application

ADDRESS = "postgresql://an_user:a_password@127.0.0.1:1/a_database"


def asked(method: str, path: str, **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(application())
        async with httpx.AsyncClient(transport=transport, base_url="http://here", timeout=60.0) as client:
            return await client.request(method, path, headers={"Accept": "*/*", **headers})

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/readyz", {}),
        ("GET", "/metrics", {}),
        ("GET", "/api/v1/runs", {"Authorization": "Bearer seatrial_made_up"}),
        ("POST", "/api/v1/runs", {"Authorization": "Bearer seatrial_made_up"}),
    ],
)
def test_where_the_record_is_is_told_to_the_log_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, method: str, path: str, headers: dict[str, str]
) -> None:
    monkeypatch.setenv(VARIABLE, ADDRESS)
    with caplog.at_level(logging.WARNING):
        answer = asked(method, path, **headers)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "store-unavailable", "5")
    assert "127.0.0.1:1" in caplog.text
    assert "a_password" not in caplog.text
    for secret in ("127.0.0.1", "an_user", "a_password", "a_database", VARIABLE):
        assert secret not in answer.text
