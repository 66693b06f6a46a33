"""noxfile.py, read as data."""

from runner.discovery.nox import nox_environment

NOXFILE = """
import nox
raise SystemExit("this file must not run")
DEPS = ["mock", "six"]
@nox.session
def lint(session):
    session.install("ruff")
    session.run("ruff", "check")
@nox.session(python=["3.11"])
def tests(session):
    session.install("-e", ".[test]", "-r", "requirements/tests.txt")
    session.install(*DEPS)
    session.run("pytest", "-q", *(session.posargs or ["tests"]))
"""


def test_the_session_that_runs_the_tests_is_found_without_running_the_file(base):
    found = nox_environment(base({"noxfile.py": NOXFILE, "requirements/tests.txt": "pytest\n", "tests/test_a.py": ""}))
    assert found.source == "session tests in noxfile.py"
    assert (found.need.extras, found.need.packages, found.need.requirements) == (("test",), ("mock", "six"), ("requirements/tests.txt",))
    assert found.command.paths == ("tests",)
    assert found.command.main


def test_without_a_session_for_tests_there_is_none(base):
    assert nox_environment(base({"noxfile.py": "import nox\n@nox.session\ndef docs(session):\n    session.run('sphinx-build')\n"})) is None
