"""`seatrial watch` around a stand-in."""

from collections.abc import Callable
from typing import Any

import pytest

from runner.errors import InfrastructureError, Terminated

Command = Callable[..., Any]


@pytest.mark.parametrize(("arguments", "once"), [([], False), (["--once"], True)])
def test_it_watches_for_good_or_once(seatrial: Command, submitted: Command, arguments: list[str], once: bool) -> None:
    asked = submitted(None)
    answer = seatrial("watch", *arguments)
    assert (answer.code, answer.out, asked) == (0, "", [("watch", once)])
    assert "working" in answer.err


@pytest.mark.parametrize(
    ("problem", "code"), [(Terminated(15), 143), (KeyboardInterrupt(), 130), (InfrastructureError("not installed"), 4)]
)
def test_what_ends_it_has_its_exit_code(seatrial: Command, submitted: Command, problem: BaseException, code: int) -> None:
    submitted(problem)
    answer = seatrial("watch")
    assert (answer.code, answer.out, "Traceback" in answer.err) == (code, "", False)


def test_it_takes_no_argument(seatrial: Command, submitted: Command) -> None:
    asked = submitted(None)
    assert (seatrial("watch", "latest").code, asked) == (2, [])
