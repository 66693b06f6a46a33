"""Sections of the policy with nothing left open."""

from dataclasses import dataclass

from runner.discovery.decision import Decision
from runner.sandbox.options import Sandbox
from runner.trial.options import Tests


@dataclass(frozen=True)
class Settled:
    """How the base is tested and in which image, and what was decided on the way."""

    tests: Tests
    sandbox: Sandbox
    decisions: tuple[Decision, ...] = ()
