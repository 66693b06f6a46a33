"""A stream of events is for those whose token is good, as long as it is good."""

import time

import httpx
import pytest

from testing.served import Served


@pytest.mark.slow
def test_a_stream_ends_once_its_token_is_revoked(served: Served) -> None:
    bearer = served.token_for("read")
    with (
        httpx.Client(timeout=30) as client,
        client.stream("GET", f"{served.url}/api/v1/events", headers={"Authorization": f"Bearer {bearer}"}) as answer,
    ):
        lines = answer.iter_lines()
        assert next(lines) == ": seatrial"
        served.revoke(bearer)
        began = time.monotonic()
        assert ": alive" not in list(lines)
        assert time.monotonic() - began < 25
