"""`seatrial demo` around a stand-in for the judging."""

from collections.abc import Callable
from typing import Any

import pytest

Command = Callable[..., Any]


@pytest.mark.parametrize(
    ("endings", "code"),
    [
        ({"good": "accepted", "broken": "rejected", "cheating": "rejected"}, 0),
        ({"good": "accepted", "broken": "rejected", "cheating": "held"}, 0),
        ({"good": "accepted", "broken": "rejected", "cheating": "accepted"}, 1),
        ({"good": "held", "broken": "rejected", "cheating": "rejected"}, 1),
        ({"good": "accepted", "broken": "failed", "cheating": "rejected"}, 1),
        ({"good": "accepted"}, 1),
    ],
)
def test_the_demo_succeeds_only_when_every_verdict_is_the_deserved_one(
    seatrial: Command, judged: Command, run_of: Command, endings: dict[str, str], code: int
) -> None:
    judged(None, demo=tuple((name, run_of(ending)) for name, ending in endings.items()))
    text = seatrial("demo")
    assert text.code == code
    assert ("NOT as expected" in text.out) == (code != 0 and len(endings) == 3)
    answer = seatrial("demo", "--format", "json")
    assert (answer.code, answer.json["schema"], set(answer.json["changes"])) == (code, "seatrial.demo/v1", set(endings))
