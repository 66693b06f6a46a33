"""The registry of suites, and what a plan promises whatever the kind."""

import pytest

from runner.ports import Suite
from runner.trial.options import Tests
from runner.trial.suites import KINDS, suite_for


@pytest.mark.parametrize("options", [Tests(runner="pytest"), Tests(runner="command", command=("make", "test"))])
def test_every_kind_makes_a_suite_that_knows_its_name(box, options):
    suite: Suite = suite_for(options, box.trees, "tree", {"A": "1"})
    assert suite.kind == options.runner
    assert suite.plan().env["A"] == "1"
    assert suite.plan() == suite.plan()


def test_every_runner_of_the_policy_has_a_kind():
    assert set(KINDS) == {"auto", "pytest", "command"}


def test_the_pytest_suite_reads_the_base_tree(box):
    box.write_file("pytest.ini", "[pytest]\naddopts = -x -q\n")
    box.write_file("src/pkg/__init__.py", "")
    suite = suite_for(Tests(args=("tests", "-n4")), box.trees, "tree", {})
    assert suite.dropped == ("-x", "-n4")
    assert (suite.project.roots, suite.project.own) == (("src",), ("pkg",))
    plan = suite.plan()
    assert plan.argv[:3] == ("python3", "-I", "-c")
    assert '"tests"' in plan.argv[-1]


def test_the_job_may_set_the_hash_seed_and_not_load_plugins(box):
    env = suite_for(Tests(), box.trees, "tree", {"PYTHONHASHSEED": "7", "PYTEST_PLUGINS": "evil", "PYTEST_ADDOPTS": "-x"}).plan().env
    assert env == {
        "PYTHONHASHSEED": "7", "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_PLUGINS": "", "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"
    }  # fmt: skip
