"""What becomes of a layer that breaks: held against the change only when the machine is not at fault."""

import errno
import logging
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from runner.errors import ChangeRefused, InfrastructureError, UsageError
from runner.model.result import Outcome, Result
from runner.policy.load import builtin
from runner.stages.validate import validate


class Broken:
    """A layer that raises."""

    name = "intake"

    def __init__(self, problem: Exception) -> None:
        self._problem = problem

    def judge(self, *_: Any) -> Result:
        raise self._problem


class Bearer:
    """As much of a run as the stage looks at."""

    change, results = None, ()

    def with_(self, *, results: tuple[Result, ...]) -> tuple[Result, ...]:
        return results


def answer(problem: Exception) -> Result:
    ports = SimpleNamespace(validators=(Broken(problem),), trees=None, progress=SimpleNamespace(stage=lambda _: None))
    (result,) = validate(Bearer(), ports, builtin())  # type: ignore[arg-type, misc]
    return result  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "problem",
    [
        InfrastructureError("git was killed", hint="Try again."),
        *(OSError(number, "no") for number in (errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EIO)),
        PermissionError(errno.EPERM, "Operation not permitted", "/usr/bin/python3"),
    ],
    ids=str,
)
def test_a_fault_of_the_machine_is_no_evidence_against_the_change(problem: Exception) -> None:
    result = answer(problem)
    assert (result.check, result.outcome, result.cause) == ("intake", "unknown", "infrastructure")


@pytest.mark.parametrize(
    "problem",
    [ValueError("bad"), RecursionError(), ChangeRefused("a tree object is malformed"), OSError(errno.ENAMETOOLONG, "File name too long")],
    ids=repr,
)
def test_any_other_fault_is_for_a_person_to_look_at(problem: Exception) -> None:
    result = answer(problem)
    assert (result.outcome, result.cause) == ("unknown", "evidence")


def test_a_mistake_of_the_caller_is_told_to_the_caller() -> None:
    with pytest.raises(UsageError, match="partial clone"):
        answer(UsageError("the repository does not have object 1; a partial clone?"))


def test_what_a_broken_layer_quotes_is_harmless(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        result = answer(ValueError("\x1b[2J\u202e evil"))
    assert result.reason.isprintable()
    assert "\\x1b[2J\\u202e evil" in result.reason
    (record,) = caplog.records
    assert record.getMessage() == "validation layer intake broke"


class Layer:
    """A layer that waits for its fellows before it answers."""

    def __init__(self, name: str, outcome: Outcome, together: threading.Barrier) -> None:
        self.name, self._outcome, self._together = name, outcome, together

    def judge(self, *_: Any) -> Result:
        self._together.wait(timeout=10)
        return Result(check=self.name, outcome=self._outcome, reason="so")


def test_layers_are_asked_at_once_and_heard_in_order_up_to_the_first_that_rejects() -> None:
    together = threading.Barrier(3)
    outcomes = {"intake": Outcome.PASS, "static": Outcome.FAIL, "supply": Outcome.PASS}
    said: list[str] = []
    ports = SimpleNamespace(
        validators=tuple(Layer(name, outcome, together) for name, outcome in outcomes.items()),
        trees=None,
        progress=SimpleNamespace(stage=said.append),
    )
    results = validate(Bearer(), ports, builtin())  # type: ignore[arg-type]
    assert [result.check for result in results] == ["intake", "static"]  # type: ignore[attr-defined]
    assert said == ["validate: intake", "validate: static"]
