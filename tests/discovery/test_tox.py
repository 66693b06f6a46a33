"""tox's settings, read as data."""

import pytest

from runner.discovery.tox import tox_environment

INI = """
[tox]
envlist = py{39,310}, lint
[base]
deps =
    mock
[testenv]
deps =
    {[base]deps}
    -r{toxinidir}/requirements/tests.txt
    pytest>=8  # the runner
    coverage
    py27: unittest2
    django: django
    !pypy: uvloop
    py{37,3}: typing
    .[fast]
extras = test
dependency_groups =
    more
setenv =
    MODE = fast
    ROOT = {toxinidir}/data
    TMP = {envtmpdir}
    LEVEL = {env:LEVEL:3}
commands =
    python -c "print(1)"
    coverage run -m pytest -n 4 --cov x -k "not slow" {posargs:tests}
[testenv:lint]
deps = ruff
commands = ruff check
"""
FILES = {"requirements/tests.txt": "hypothesis\n", "tests/test_a.py": ""}


def test_an_environment_says_what_it_needs_and_how_it_runs_the_tests(base):
    found = tox_environment(base({**FILES, "tox.ini": INI}))
    assert found.source == "testenv in tox.ini"
    assert found.need.packages == ("mock", "pytest>=8", "uvloop", "typing")
    assert found.need.requirements == ("requirements/tests.txt",)
    assert (found.need.extras, found.need.groups) == (("test", "fast"), ("more",))
    assert "hypothesis" in found.need.names
    assert found.command.paths == ("tests",)
    assert found.command.args == ("-k", "not slow")
    assert found.env == {"MODE": "fast", "ROOT": "/work/data", "LEVEL": "3"}


@pytest.mark.parametrize(
    ("name", "content", "source"),
    [
        ("setup.cfg", INI, "testenv in setup.cfg"),
        ("pyproject.toml", f"[tool.tox]\nlegacy_tox_ini = '''{INI}'''\n", "tool.tox.legacy_tox_ini in pyproject.toml"),
        (
            "pyproject.toml",
            '[tool.tox.env_run_base]\ndeps = ["mock"]\ncommands = [["pytest", {replace = "posargs", default = ["tests"], extend = true}]]\n',
            "tool.tox.env_run_base in pyproject.toml",
        ),
        ("tox.toml", '[env_run_base]\ndeps = ["mock"]\ncommands = [["pytest", "tests"]]\n', "env_run_base in tox.toml"),
        ("tox.ini", "[testenv:py3]\ndeps = mock\ncommands = pytest tests\n", "testenv:py3 in tox.ini"),
    ],
)
def test_the_settings_may_lie_in_several_files(base, name, content, source):
    found = tox_environment(base({**FILES, name: content}))
    assert found.source == source
    assert "mock" in found.need.names
    assert found.command.paths == ("tests",)


def test_a_folder_that_the_commands_run_in_is_where_the_tests_are(base):
    found = tox_environment(base({"tests/unit/test_a.py": "", "tox.ini": "[testenv]\nchangedir = tests\ncommands = pytest unit\n"}))
    assert found.command.paths == ("tests/unit",)
    found = tox_environment(base({"tests/unit/test_a.py": "", "tox.ini": "[testenv]\nchangedir = {toxinidir}/tests\ncommands = pytest\n"}))
    assert found.command.paths == ("tests",)


def test_an_environment_for_something_else_is_none_for_tests(base):
    assert tox_environment(base({"tox.ini": "[tox]\nenvlist = docs\n[testenv:docs]\ndeps = sphinx\ncommands = sphinx-build\n"})) is None
