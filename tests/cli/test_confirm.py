"""`seatrial confirm` around a stand-in."""

from collections.abc import Callable
from typing import Any

import pytest

from runner.errors import UsageError

Command = Callable[..., Any]


def test_it_asks_for_a_confirmation_and_ends_as_the_run_does(seatrial: Command, submitted: Command, run_of: Command) -> None:
    asked = submitted(run_of("confirmed"))
    answer = seatrial("confirm", "latest", "--by", "app", "--reason", "self-test passed", "--format", "json")
    assert (answer.code, answer.json["ending"], asked) == (0, "confirmed", [("ask", "latest", "confirm", "app", "self-test passed")])


@pytest.mark.parametrize("arguments", [[], ["latest"]])
def test_a_run_and_a_reason_are_needed(seatrial: Command, submitted: Command, run_of: Command, arguments: list[str]) -> None:
    asked = submitted(run_of("confirmed"))
    assert (seatrial("confirm", *arguments).code, asked) == (2, [])


def test_nothing_to_confirm_is_wrong_usage(seatrial: Command, submitted: Command) -> None:
    submitted(UsageError("run abc has nothing to confirm", hint="look"))
    answer = seatrial("confirm", "latest", "--reason", "x", "--format", "json")
    assert (answer.code, answer.json["code"], answer.json["hint"]) == (2, "usage", "look")
