"""Repositories that hold no Python: which other recipe is theirs, and how their tests are started."""

from runner.discovery.base_files import BaseFiles
from runner.discovery.decision import Decision
from runner.sandbox.options import Sandbox
from runner.trial.options import Tests


def settle_other(tests: Tests, sandbox: Sandbox, files: BaseFiles) -> tuple[Tests, Sandbox, tuple[Decision, ...]] | None:
    """The settled sections for a repository in another language; `None` when it is one in Python."""
    return None
