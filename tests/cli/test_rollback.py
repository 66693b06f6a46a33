"""`seatrial rollback` around a stand-in."""

from collections.abc import Callable
from typing import Any

import pytest

Command = Callable[..., Any]


@pytest.mark.parametrize(("ending", "code"), [("rolled_back", 5), ("stuck", 6), ("confirmed", 0)])
def test_it_asks_for_a_rollback_and_ends_as_the_run_does(
    seatrial: Command, submitted: Command, run_of: Command, ending: str, code: int
) -> None:
    asked = submitted(run_of(ending))
    answer = seatrial("rollback", "3fa9", "--by", "bob", "--reason", "OPS-9", "--format", "json")
    assert (answer.code, answer.json["ending"], asked) == (code, ending, [("ask", "3fa9", "rollback", "bob", "OPS-9")])


@pytest.mark.parametrize("arguments", [[], ["latest"], ["latest", "--reason", "a\nb"], ["a", "b", "--reason", "x"]])
def test_a_run_and_a_reason_are_needed(seatrial: Command, submitted: Command, run_of: Command, arguments: list[str]) -> None:
    asked = submitted(run_of("rolled_back"))
    assert (seatrial("rollback", *arguments).code, asked) == (2, [])
