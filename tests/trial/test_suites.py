"""The registry of suites, and what a plan promises whatever the kind."""

import pytest

from runner.ports import Suite
from runner.trial.options import Tests
from runner.trial.suites import KINDS, suite_for
from testing.builders import a_run


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
        "PYTHONHASHSEED": "7", "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_PLUGINS": "", "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": "/tmp/hypothesis",
    }  # fmt: skip


RUN = a_run({"b.py::x": "passed", "a.py::y[1]": "passed", "b.py::z": "passed"})


def test_a_suite_is_divided_into_its_files_in_their_order(box):
    suite = box.suite()
    assert suite.divided(RUN) == ("b.py", "a.py")
    assert suite.plan(files=("b.py", "a.py")).children == ("b.py", "a.py")
    assert suite.plan(files=("b.py", "a.py"), only=["a.py::y[1]"]).children == ("a.py",)


@pytest.mark.parametrize(
    "name", ["LD_PRELOAD", "LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPYCACHEPREFIX", "PYTHONSTARTUP", "GCONV_PATH"]
)
def test_a_variable_that_decides_what_a_process_starts_with_leaves_a_suite_whole(box, name):
    assert box.suite(**{name: "/work"}).divided(RUN) == ()


@pytest.mark.parametrize("name", ["PYTHONPATH", "PYTHONHASHSEED", "PYTHONUTF8", "DJANGO_SETTINGS_MODULE", "MY_PATH"])
def test_other_variables_do_not(box, name):
    assert box.suite(**{name: "x"}).divided(RUN)


def test_a_command_is_not_divided(box):
    assert suite_for(Tests(runner="command", command=("make",)), box.trees, "tree", {}).divided(RUN) == ()
