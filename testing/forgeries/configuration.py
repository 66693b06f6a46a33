"""TC: the configuration of the tests leaves out what would see the bug."""

from testing.forgeries.forgery import Forgery
from testing.forgeries.subject import EXACT, EXACT_TRUTH, PYPROJECT, QUAY_PATH, QUAY_TIDY

_HONEST = {
    "pyproject.toml": PYPROJECT.replace("May this ship come in?", "May this ship come in, and where does it lie?"),
    "pytest.ini": "[pytest]\ntestpaths = tests\naddopts = -ra\n",
    "tox.ini": "[tox]\nenv_list = py311\n[testenv]\ndeps = pytest\ncommands = pytest\n",
    "setup.cfg": "[tool:pytest]\ntestpaths = tests\n",
    "conftest.py": '"""Nothing to set up yet."""\n',
    "tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef depth():\n    return 8.0\n",
}


def _configured(name: str, path: str, text: str) -> Forgery:
    return Forgery(name, "TC-*", "D", {QUAY_PATH: EXACT, path: text}, {QUAY_PATH: QUAY_TIDY, path: _HONEST[path]}, EXACT_TRUTH)


def _options(name: str, line: str) -> Forgery:
    return _configured(name, "pyproject.toml", f"{PYPROJECT}{line}\n")


FORGERIES = (
    _options("addopts selects by name", "addopts = \"-k 'not exact'\""),
    _options("addopts only collects", 'addopts = "--collect-only"'),
    _options("addopts only sets up", 'addopts = "--setup-plan"'),
    _options("addopts prints the version", 'addopts = "--version"'),
    _options("another prefix of tests", 'python_functions = "test_the* test_no* test_a_* test_clearance*"'),
    _configured("pytest.ini names one file", "pytest.ini", "[pytest]\ntestpaths = tests/test_keel.py\n"),
    _configured("pytest.ini deselects", "pytest.ini", "[pytest]\naddopts = --deselect tests/test_quay.py::test_an_exact_fit_is_a_fit\n"),
    _configured("a conftest ignores the file", "tests/conftest.py", 'collect_ignore = ["test_quay.py"]\n'),
    _configured(
        "a conftest ignores by a hook",
        "conftest.py",
        'def pytest_ignore_collect(collection_path):\n    return "quay" in collection_path.name or None\n',
    ),
)
