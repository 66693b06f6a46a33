"""Runs to keep."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from runner.model.change import Change
from runner.model.result import Decision, Ending, Verdict
from runner.model.run import PolicyFacts, Run

ACCEPTED = Decision(verdict=Verdict.ACCEPT, ending=Ending.ACCEPTED, reason="every check passed")
HELD = Decision(verdict=Verdict.HOLD, ending=None, reason="look at it")


def a_run(run_id: str = "abc123abc123", decision: Decision | None = None) -> Run:
    """A run of no particular change."""
    change = Change(
        base_commit="c" * 40,
        base_tree="b" * 40,
        tree="t" * 40,
        patch_id="p" * 40,
        source="x.diff",
        kind="diff",
        base_label="main (ccccccc)",
    )
    policy = PolicyFacts(source="builtin:default", digest="d" * 64)
    return Run(
        id=run_id, started=datetime(2026, 11, 22, 12, tzinfo=UTC), repository="/somewhere", policy=policy, change=change, decision=decision
    )


@pytest.fixture
def run_of() -> Callable[..., Run]:
    return a_run


@pytest.fixture
def accepted() -> Decision:
    return ACCEPTED


@pytest.fixture
def held() -> Decision:
    return HELD
