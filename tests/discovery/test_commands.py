"""Test commands of tox and nox, taken apart."""

import pytest

from runner.discovery.commands import suite_command

FILES = {"tests/test_a.py": "", "pkg/tests/test_b.py": "", "test.py": "", "src/pkg/a.py": ""}


@pytest.mark.parametrize(
    ("text", "args", "paths"),
    [
        ("pytest", (), ()),
        ("pytest tests", (), ("tests",)),
        ("{envpython} -W error -m pytest -x -v --tb short tests", (), ("tests",)),
        ("python3.11 -m coverage run --branch -m pytest {posargs} tests", (), ("tests",)),
        ("coverage run --source pkg -m pytest tests", (), ("tests",)),
        ("uv run pytest --doctest-modules src tests", ("--doctest-modules",), ("src", "tests")),
        ("A=1 pytest --ignore=tests/x -m 'not net' absent {toxinidir}/tests", ("--ignore=tests/x", "-m", "not net"), ("tests",)),
        ("pytest --pyargs pkg", (), ("pkg",)),
        ("pytest --cov {envsitepackagesdir}/x --junitxml {toxworkdir}/a.xml tests/test_a.py::test_x", (), ("tests/test_a.py",)),
        ("python -m unittest discover -s tests -p '*_check.py'", ("-o", "python_files=*_check.py"), ("tests",)),
        ("python -m unittest pkg.tests", (), ("pkg/tests",)),
        ("python -m unittest test", (), ("test.py",)),
        ("nosetests pkg", (), ("pkg",)),
    ],
)
def test_what_of_a_command_applies_to_pytest_in_a_trial(base, text, args, paths):
    found = suite_command(text, base(FILES), "")
    assert (found.args, found.paths) == (args, paths)


@pytest.mark.parametrize(
    "text", ["", "python setup.py sdist", "flake8 tests", "{[x]y} pytest", "coverage report", "python -c pytest", "echo 'pytest"]
)
def test_a_command_that_runs_no_tests_says_nothing(base, text):
    assert suite_command(text, base(FILES), "") is None


@pytest.mark.parametrize("path", ["/etc", "../tests", "tests/../../etc", "$HOME"])
def test_paths_outside_of_the_tree_are_left_out(base, path):
    assert suite_command(f"pytest {path}", base(FILES), "").paths == ()
