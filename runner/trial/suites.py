"""The kinds of test suite: one line each."""

from collections.abc import Callable, Mapping

from runner.ports import Suite, Trees
from runner.trial import command_suite, pytest_suite
from runner.trial.options import Tests

KINDS: dict[str, Callable[[Tests, Trees, str, Mapping[str, str]], Suite]] = {
    "auto": pytest_suite.build,  # settled before any suite is made, unless the change could not even be read
    "pytest": pytest_suite.build,
    "command": command_suite.build,
}


def suite_for(options: Tests, trees: Trees, base_tree: str, extra_env: Mapping[str, str]) -> Suite:
    """The adapter for the suite that the policy names; `extra_env` is what the policy sets for the sandbox.

    Raises UsageError when the base's test configuration cannot be read.
    """
    return KINDS[options.runner](options, trees, base_tree, extra_env)
