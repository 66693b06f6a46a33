"""The fold: nothing unknown ever turns into a pass (DESIGN §1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.model.result import Cause, Ending, Outcome, Result, Verdict, fold


def result(outcome: str, check: str = "a", cause: str | None = None) -> Result:
    return Result(check=check, outcome=Outcome(outcome), reason=f"{check} says {outcome}", cause=Cause(cause) if cause else None)


EVIDENCE, INFRASTRUCTURE = ("unknown", "a", "evidence"), ("unknown", "b", "infrastructure")


@pytest.mark.parametrize(
    ("answers", "verdict", "ending"),
    [
        ([("pass", "a", None), ("warn", "b", None)], "accept", "accepted"),
        ([("pass", "a", None), ("hold", "b", None)], "hold", None),
        ([("hold", "a", None), ("fail", "b", None)], "reject", "rejected"),
        ([("fail", "a", None), ("refuse", "b", None)], None, "refused"),
        ([EVIDENCE], "hold", None),
        ([INFRASTRUCTURE], None, "failed"),
        ([EVIDENCE, INFRASTRUCTURE], "hold", None),
        ([("hold", "a", None), INFRASTRUCTURE], "hold", None),
        ([("fail", "a", None), INFRASTRUCTURE], "reject", "rejected"),
        ([], "hold", None),
    ],
)
def test_the_table_of_the_design(answers: list[tuple[str, str, str | None]], verdict: str | None, ending: str | None) -> None:
    decision = fold([result(*answer) for answer in answers], required=())
    assert (decision.verdict, decision.ending) == (verdict and Verdict(verdict), ending and Ending(ending))


def test_an_enabled_check_without_an_answer_holds_and_is_named() -> None:
    decision = fold([result("pass")], required=("a", "syntax"))
    assert decision.verdict is Verdict.HOLD
    assert "syntax" in decision.reason


answers = st.lists(
    st.builds(result, st.sampled_from([o.value for o in Outcome]), st.sampled_from("abc"), st.sampled_from(["evidence", "infrastructure"]))
)


@given(answers)
def test_only_passes_and_warnings_accept(results: list[Result]) -> None:
    decision = fold(results, required={"a"})
    clean = {r.outcome for r in results} <= {Outcome.PASS, Outcome.WARN} and "a" in {r.check for r in results}
    assert (decision.verdict is Verdict.ACCEPT) == clean


@given(answers, st.randoms())
def test_the_order_of_the_answers_changes_no_verdict(results: list[Result], random: object) -> None:
    shuffled = list(results)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = fold(results, required=()), fold(shuffled, required=())
    assert (first.verdict, first.ending) == (second.verdict, second.ending)
