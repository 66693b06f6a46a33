"""What a step came to is told again as it was."""

import inspect

import pytest

from runner import errors
from runner.engine.outcome import Broke, heard, told
from runner.errors import SeatrialError


def raising(problem: Exception) -> str:
    def step() -> str:
        raise problem

    return told(step)


@pytest.mark.parametrize("text", ["", "{}", 'a "quoted"\n\x00\x1b\udcff\u2028 line', "x" * 100_000])
def test_what_was_returned_is_returned(text: str) -> None:
    assert told(lambda: text).isascii()
    assert heard(told(lambda: text)) == text


ALL = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, SeatrialError)]


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind not in (errors.PolicyInvalid, errors.ConfigurationInvalid)])
def test_an_error_of_ours_is_raised_again_with_its_hint(kind: type[SeatrialError]) -> None:
    with pytest.raises(kind, match="what\udcff") as problem:
        heard(raising(kind("what\udcff", hint="do this")))
    assert type(problem.value) is kind
    assert problem.value.hint == "do this"


@pytest.mark.parametrize("problem", [errors.PolicyInvalid(("a:1: b",)), KeyError("a:1: b"), OSError(5, "a:1: b")])
def test_any_other_is_raised_again_as_what_it_said(problem: Exception) -> None:
    with pytest.raises(Broke, match=f"{type(problem).__name__}: .*a:1: b"):
        heard(raising(problem))


def test_a_step_that_returns_no_text_is_a_bug_that_is_told() -> None:
    with pytest.raises(Broke, match="TypeError"):
        heard(told(lambda: b"bytes"))  # type: ignore[arg-type, return-value]


def test_what_was_raised_is_at_hand_where_it_was_raised() -> None:
    problems: list[Exception] = []
    problem = SeatrialError("what")
    told(lambda: (_ for _ in ()).throw(problem), problems)
    assert problems == [problem]


def test_who_is_asked_to_stop_is_not_told_as_a_failure() -> None:
    with pytest.raises(errors.Terminated):
        told(lambda: (_ for _ in ()).throw(errors.Terminated(15)))
