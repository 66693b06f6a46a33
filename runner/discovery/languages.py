"""Repositories that hold no Python: which other recipe is theirs, and how their tests are started."""

import json
import shlex
from typing import Any

from runner.discovery.base_files import BaseFiles, at
from runner.discovery.decision import Decision
from runner.sandbox.options import Build
from runner.trial.options import JUNIT_FILE, Tests

_PYTHON = ("pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "noxfile.py", "pytest.ini", "requirements.txt", "Pipfile", "conftest.py")
_NODE = ("node", "--test", "--test-reporter=junit", f"--test-reporter-destination={JUNIT_FILE}")
_GO = ("gotestsum", "--junitfile", JUNIT_FILE, "--", "./...")


def other_language(files: BaseFiles) -> str:
    """`node` or `go` for a repository that is one at its root and shows no Python there; else empty."""
    root = files.files()
    if any(path in _PYTHON or path.endswith(".py") for path in root):
        return ""
    return "node" if "package.json" in root else "go" if "go.mod" in root else ""


def other_tests(language: str, tests: Tests, files: BaseFiles) -> tuple[Tests, Decision]:
    """The command for the tests of a repository in another language."""
    command, report, source = (_GO, "junit", "go.mod") if language == "go" else _of_node(files)
    settled = Tests.model_validate({**dict(tests), "runner": "command", "command": command, "report": report})
    return settled, Decision("tests", f"tests: {shlex.join(command)}", source)


def other_build(language: str, build: Build) -> tuple[Build, Decision]:
    """The recipe for a repository in another language."""
    settled = Build.model_validate({**build.model_dump(exclude_unset=True), "recipe": language})
    return settled, Decision("sandbox.build.recipe", f"image: the recipe {language}", "go.mod" if language == "go" else "package.json")


def _of_node(files: BaseFiles) -> tuple[tuple[str, ...], str, str]:
    """Node's own runner with its JUnit reporter where the project's script is no more than that; else the script, by its exit status."""
    try:
        document: Any = json.loads(files.text("package.json") or "{}")
    except (ValueError, RecursionError):
        document = {}
    script = at(document, "scripts", "test")
    words = script.split() if isinstance(script, str) else []
    if not words or (words[:2] == ["node", "--test"] and not any(sign in script for sign in "&|;<>$`'\"")):
        return (*_NODE, *(word for word in words[2:] if not word.startswith("--test-reporter"))), "junit", "scripts.test in package.json"
    return ("npm", "test"), "exit", "scripts.test in package.json"
