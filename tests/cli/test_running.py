"""The verbs of `seatrial run` about submitted runs, around a stand-in."""

from collections.abc import Callable
from typing import Any

import pytest

from runner.errors import InfrastructureError, UsageError

Command = Callable[..., Any]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["wait", "3fa9"], ("wait", "3fa9", None)),
        (["wait", "3fa9", "--timeout", "10m"], ("wait", "3fa9", 600.0)),
        (["approve", "3fa9", "--reason", "seen", "--by", "bob"], ("answer", "3fa9", "approve", "bob", "seen")),
        (["deny", "3fa9", "--reason", "no", "--by", "bob"], ("answer", "3fa9", "deny", "bob", "no")),
        (["cancel", "latest", "--reason", "wrong", "--by", "bob"], ("ask", "latest", "cancel", "bob", "wrong")),
        (["resume", "latest"], ("resume", "latest")),
        (["retry", "latest"], ("retry", "latest")),
    ],
)
@pytest.mark.parametrize(("ending", "code"), [("confirmed", 0), ("rolled_back", 5), ("held", 3)])
def test_each_verb_asks_for_its_thing_and_ends_as_the_run_does(
    seatrial: Command, submitted: Command, run_of: Command, arguments: list[str], wanted: tuple[Any, ...], ending: str, code: int
) -> None:
    asked = submitted(run_of(ending))
    answer = seatrial("run", *arguments, "--format", "json")
    assert (answer.code, answer.json["exit_code"], asked) == (code, code, [wanted])


@pytest.mark.parametrize("verb", ["approve", "deny", "cancel"])
def test_a_persons_word_needs_a_reason_and_bears_the_users_name(
    seatrial: Command, submitted: Command, run_of: Command, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = submitted(run_of("held"))
    assert (seatrial("run", verb, "latest").code, asked) == (2, [])
    monkeypatch.setattr("getpass.getuser", lambda: "carol")
    seatrial("run", verb, "latest", "--reason", "x")
    assert "carol" in asked[0]

    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    seatrial("run", verb, "latest", "--reason", "x")
    assert "(unknown)" in asked[1]


@pytest.mark.parametrize("given", ["10", "soon", "-1s", ""])
def test_a_time_to_wait_has_a_unit(seatrial: Command, submitted: Command, run_of: Command, given: str) -> None:
    asked = submitted(run_of("held"))
    answer = seatrial("run", "wait", "latest", "--timeout", given)
    assert (answer.code, asked) == (2, [])


def test_a_wait_that_took_too_long_says_how_to_go_on(seatrial: Command, submitted: Command) -> None:
    submitted(TimeoutError())
    answer = seatrial("run", "wait", "3fa9", "--timeout", "1s", "--format", "json")
    assert (answer.code, answer.json["message"], answer.json["hint"]) == (4, "run 3fa9 goes on still", "seatrial run wait 3fa9")


@pytest.mark.parametrize(("problem", "code"), [(UsageError("not held"), 2), (InfrastructureError("nobody works on it"), 4)])
@pytest.mark.parametrize("verb", ["wait", "approve", "deny", "cancel", "resume", "retry"])
def test_what_cannot_be_done_is_one_sentence(seatrial: Command, submitted: Command, verb: str, problem: Exception, code: int) -> None:
    submitted(problem)
    reason = ("--reason", "x") if verb in ("approve", "deny", "cancel") else ()
    answer = seatrial("run", verb, "latest", *reason)
    assert (answer.code, answer.out, answer.err.splitlines()[-1]) == (code, "", f"seatrial: {problem}")
