"""What the ending of a run says to each breaker."""

from collections.abc import Mapping
from typing import Final

from runner.gates.breaker.fold import Score
from runner.model.result import Ending
from runner.model.run import Run

SCORES: Final[Mapping[Ending, Mapping[str, Score]]] = {
    Ending.ACCEPTED: {"host": Score.SUCCESS, "author": Score.SUCCESS},
    Ending.REJECTED: {"host": Score.SUCCESS, "author": Score.FAILURE},
    Ending.CONFIRMED: {"host": Score.SUCCESS, "promotion": Score.SUCCESS, "author": Score.SUCCESS},
    Ending.ROLLED_BACK: {"host": Score.SUCCESS, "promotion": Score.FAILURE, "author": Score.FAILURE},
    Ending.STUCK: {"host": Score.SUCCESS, "promotion": Score.FAILURE},
    Ending.FAILED: {"host": Score.FAILURE},
}
"""What does not stand here is inconclusive: a check says nothing about promotions, a fault of this machine nothing about an author, and
neither does a target that somebody else changed meanwhile."""


def score_of(run: Run, breaker: str) -> Score:
    """What this run says to the breaker of that name. Where no sandbox was needed to decide, it does not say that the host can run one."""
    ending = run.decision.ending if run.decision else None
    score = SCORES.get(ending, {}).get(breaker, Score.INCONCLUSIVE) if ending else Score.INCONCLUSIVE
    if run.stopped and breaker != "host":
        return Score.INCONCLUSIVE
    if breaker == "host" and score is Score.SUCCESS and run.sandbox is None:
        return Score.INCONCLUSIVE
    return score
