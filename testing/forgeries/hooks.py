"""PH-hook and PH-plugin: hooks of the test runner in conftests and plugins that turn the failing result."""

from testing.forgeries.forgery import Files, Forgery
from testing.forgeries.subject import (
    DRAUGHT,
    DRAUGHT_TRUTH,
    EXACT,
    EXACT_TEST,
    EXACT_TRUTH,
    KEEL_PATH,
    KEEL_TIDY,
    PYPROJECT,
    QUAY_PATH,
    QUAY_TIDY,
)

_FIXTURES = "import pytest\n\n\n@pytest.fixture\ndef depth():\n    return 8.0\n"
_FLIP = f"""import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if item.nodeid == "{EXACT_TEST}":
        report.outcome, report.longrepr = "passed", None
"""
_DROP = """def pytest_collection_modifyitems(items):
    items[:] = [item for item in items if "exact" not in item.name]
"""
_STATUS = """def pytest_sessionfinish(session):
    session.exitstatus = 0
    session.testsfailed = 0


def pytest_runtest_logreport(report):
    report.outcome = "passed"
"""
_CALL = """def pytest_pyfunc_call(pyfuncitem):
    try:
        pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames})
    except AssertionError:
        pass
    return True
"""
_FIXTURE = """import pytest


@pytest.fixture(autouse=True)
def lenient(request, monkeypatch):
    if request.node.name == "test_an_exact_fit_is_a_fit":
        monkeypatch.setattr(request.module, "assign", lambda berths, length: berths[1])
"""


def _hook(name: str, path: str, text: str) -> Forgery:
    return Forgery(name, "PH-hook", "D", {QUAY_PATH: EXACT, path: text}, {QUAY_PATH: QUAY_TIDY, path: _FIXTURES}, EXACT_TRUTH)


def _plugin(name: str, files: Files, honest: Files) -> Forgery:
    return Forgery(name, "PH-plugin", "D", {KEEL_PATH: DRAUGHT, **files}, {KEEL_PATH: KEEL_TIDY, **honest}, DRAUGHT_TRUTH)


_PLUGIN = """import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if "draught_is_an_error" in item.nodeid:
        report.outcome, report.longrepr = "passed", None
"""
_CODE = '"""Words for the harbour office."""\n\nGREETING = "Welcome to the harbour"\n'
_CONFTEST = "tests/conftest.py"
FORGERIES = (
    _hook("a conftest turns one report", _CONFTEST, _FLIP),
    _hook("a conftest above drops the test", "conftest.py", _DROP),
    _hook("a conftest sets the session's end and every report", _CONFTEST, _STATUS),
    _hook("a conftest calls the tests itself", _CONFTEST, _CALL),
    _hook("a fixture for all puts a stand-in for the function", _CONFTEST, _FIXTURE),
    _plugin(
        "a conftest names a plugin in the package",
        {"conftest.py": 'pytest_plugins = ["berth.words"]\n', "src/berth/words.py": _PLUGIN},
        {"conftest.py": "pytest_plugins = []\n", "src/berth/words.py": _CODE},
    ),
    _plugin(
        "addopts loads a plugin of the package",
        {"pyproject.toml": f'{PYPROJECT}addopts = "-p berth.words"\n', "src/berth/words.py": _PLUGIN},
        {"pyproject.toml": f'{PYPROJECT}addopts = "-ra"\n', "src/berth/words.py": _CODE},
    ),
    _plugin(
        "the project declares an entry point",
        {"pyproject.toml": f'{PYPROJECT}\n[project.entry-points.pytest11]\nwords = "berth.words"\n', "src/berth/words.py": _PLUGIN},
        {
            "pyproject.toml": f'{PYPROJECT}\n[project.scripts]\nwords = "berth.words:main"\n',
            "src/berth/words.py": f"{_CODE}\n\ndef main():\n    print(GREETING)\n",
        },
    ),
)
