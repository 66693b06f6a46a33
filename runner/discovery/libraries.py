"""Libraries that test files use: what they import, and what their fixtures, markers and settings belong to."""

import ast
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

MOST_FILES = 300
MOST_BYTES = 8 * 2**20
_LARGEST = 100_000
"""Bytes; a larger test module is a table of data, and its imports are found by their lines."""
_FAULTS = (SyntaxError, ValueError, RecursionError, MemoryError)

IMPORTED = {
    "aioresponses": "aioresponses", "aiosqlite": "aiosqlite", "anyio": "anyio", "asgiref": "asgiref", "asynctest": "",
    "attr": "attrs", "attrs": "attrs", "bs4": "beautifulsoup4", "covdefaults": "", "coverage": "coverage", "dateutil": "python-dateutil",
    "ddt": "ddt", "dirty_equals": "dirty-equals", "django": "django", "exceptiongroup": "exceptiongroup", "factory": "factory-boy",
    "faker": "faker", "fakeredis": "fakeredis", "flask": "flask", "freezegun": "freezegun", "hamcrest": "PyHamcrest", "httpx": "httpx",
    "hypothesis": "hypothesis", "inline_snapshot": "inline-snapshot", "jinja2": "jinja2", "jsonschema": "jsonschema", "lxml": "lxml",
    "mock": "mock", "moto": "moto", "mypy": "mypy", "nose": "", "numpy": "numpy", "pandas": "pandas", "parameterized": "parameterized",
    "pexpect": "pexpect", "polyfactory": "polyfactory", "pretend": "pretend", "psutil": "psutil", "pydantic": "pydantic",
    "pyfakefs": "pyfakefs", "pytest_asyncio": "pytest-asyncio", "pytest_cases": "pytest-cases", "pytest_check": "pytest-check",
    "pytest_httpserver": "pytest-httpserver", "pytest_lazy_fixtures": "pytest-lazy-fixtures", "pytest_lazyfixture": "pytest-lazy-fixture",
    "pytest_mock": "pytest-mock", "pytest_subtests": "pytest-subtests", "pytest_trio": "pytest-trio", "pytz": "pytz", "regex": "regex",
    "requests": "requests", "requests_mock": "requests-mock", "respx": "respx", "responses": "responses", "scripttest": "scripttest",
    "simplejson": "simplejson", "six": "six", "sortedcontainers": "sortedcontainers", "sure": "sure", "syrupy": "syrupy",
    "tenacity": "tenacity", "testfixtures": "testfixtures", "testscenarios": "testscenarios", "testtools": "testtools", "time_machine": "time-machine",
    "toml": "toml", "tomli": "tomli", "tomli_w": "tomli-w", "trio": "trio", "trustme": "trustme", "twisted": "twisted",
    "typeguard": "typeguard", "typing_extensions": "typing-extensions", "ujson": "ujson", "uvloop": "uvloop", "vcr": "vcrpy",
    "webtest": "webtest", "werkzeug": "werkzeug", "xmlschema": "xmlschema", "yaml": "PyYAML", "zope": "",
    "setuptools": "setuptools", "pkg_resources": "setuptools", "docutils": "docutils", "pygments": "pygments", "packaging": "packaging",
    "cryptography": "cryptography", "aiohttp": "aiohttp", "tornado": "tornado", "zstandard": "zstandard", "brotli": "brotli", "PIL": "pillow",
}  # fmt: skip
"""Distributions by the module that offers them; empty: known, and not to be had or not wanted under this name."""

FIXTURES = {
    "mocker": "pytest-mock", "benchmark": "pytest-benchmark", "httpserver": "pytest-httpserver", "httpx_mock": "pytest-httpx",
    "requests_mock": "requests-mock", "responses": "", "respx_mock": "respx", "datadir": "pytest-datadir", "shared_datadir": "pytest-datadir",
    "data_regression": "pytest-regressions", "file_regression": "pytest-regressions", "num_regression": "pytest-regressions",
    "snapshot": "syrupy", "freezer": "pytest-freezer", "fs": "pyfakefs", "aiohttp_client": "pytest-aiohttp", "faker": "faker",
    "subtests": "pytest-subtests", "nursery": "pytest-trio", "autojump_clock": "pytest-trio", "unused_tcp_port": "pytest-asyncio",
    "event_loop": "pytest-asyncio", "script_runner": "pytest-console-scripts", "postgresql": "",
    "time_machine": "time-machine", "qtbot": "", "vcr": "", "testdir": "", "pytester": "",
}  # fmt: skip
"""Distributions by the fixture that they bring."""

MARKERS = {
    "asyncio": "pytest-asyncio", "anyio": "anyio", "trio": "pytest-trio", "timeout": "pytest-timeout", "freeze_time": "pytest-freezer",
    "django_db": "pytest-django", "flaky": "flaky", "vcr": "pytest-recording", "datafiles": "pytest-datafiles", "order": "pytest-order",
    "forked": "pytest-forked", "repeat": "pytest-repeat", "parametrize_with_cases": "pytest-cases", "skip_slow": "",
}  # fmt: skip
"""Distributions by the marker that they read."""

SETTINGS = {
    "asyncio_mode": "pytest-asyncio", "asyncio_default_fixture_loop_scope": "pytest-asyncio", "timeout": "pytest-timeout",
    "timeout_method": "pytest-timeout", "trio_mode": "pytest-trio", "anyio_mode": "anyio", "DJANGO_SETTINGS_MODULE": "pytest-django",
    "django_find_project": "pytest-django", "mock_use_standalone_module": "pytest-mock", "env": "pytest-env", "env_files": "pytest-dotenv",
    "asyncio_default_test_loop_scope": "pytest-asyncio", "env_override_existing_values": "pytest-dotenv", "twisted": "pytest-twisted",
    "qt_api": "pytest-qt", "doctest_plus": "pytest-doctestplus", "mypy_ini_file": "pytest-mypy-plugins", "rerun_except": "pytest-rerunfailures",
    "xfail_flaky": "", "collect_imported_tests": "", "pytester_example_dir": "",
}  # fmt: skip
"""Distributions by the key of pytest's configuration that they read."""

OPTIONS = {
    "--timeout": "pytest-timeout", "--benchmark": "pytest-benchmark", "--doctest-plus": "pytest-doctestplus", "--asyncio-mode": "pytest-asyncio",
    "--strict-asyncio": "pytest-asyncio", "--mypy": "pytest-mypy", "--snapshot": "syrupy", "--ds": "pytest-django", "--allow-hosts": "pytest-socket",
    "--disable-socket": "pytest-socket", "--allow-unix-socket": "pytest-socket", "--black": "pytest-black", "--flake8": "pytest-flake8",
    "--pycodestyle": "pytest-pycodestyle", "--isort": "pytest-isort", "--ruff": "pytest-ruff", "--pylint": "pytest-pylint",
    "--record-mode": "pytest-recording", "--hypothesis": "hypothesis", "--hypothesis-profile": "hypothesis", "--hypothesis-seed": "hypothesis",
    "--nbval": "nbval", "--html-output": "", "--doctest-rst": "pytest-doctestplus", "--remote-data": "pytest-remotedata", "--mpl": "pytest-mpl",
    "--import-mode": "", "--alluredir": "allure-pytest", "--picked": "pytest-picked", "--durations-path": "pytest-split",
    "--arraydiff": "pytest-arraydiff", "--memray": "pytest-memray", "--codspeed": "pytest-codspeed", "--instafail": "pytest-instafail",
    "--reruns": "", "--verify-base-url": "pytest-base-url",
}  # fmt: skip
"""Distributions by the start of a pytest option that they bring."""

_WORD = re.compile(rb"[A-Za-z_]\w+")
_IMPORT = re.compile(rb"^[ \t]*(?:import|from)[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
_AT_TOP = re.compile(rb"^(?:import|from) +([A-Za-z_]\w*)", re.MULTILINE)
_MARKER = re.compile(rb"\bmark\.([A-Za-z_]\w*)")
_TAKES = re.compile(rb"def test\w*\(([^()]{0,2000})\)")


def used_libraries(contents: Mapping[str, bytes], own: Iterable[str]) -> dict[str, str]:
    """Distributions that test files use, each with the file that does; `own` are the project's and its tests' own modules.

    Imports inside of `try` are left out, since the tests get by without them.
    """
    known = frozenset(own) | sys.stdlib_module_names | {"pytest", "_pytest"}
    found: dict[str, str] = {}
    for path, content in contents.items():
        for name in _imports(content) - known:
            if distribution := IMPORTED.get(name, name):
                found.setdefault(distribution, path)
        words = frozenset(word.decode() for word in _WORD.findall(content))
        if words & FIXTURES.keys():
            taken = {word.decode() for arguments in _TAKES.findall(content) for word in _WORD.findall(arguments)}
            defined = {name for name in taken & FIXTURES.keys() if f"def {name}(".encode() in content}
            for name in (taken & FIXTURES.keys()) - defined:
                found.setdefault(FIXTURES[name], f"{path}, fixture {name}")
        for name in {marker.decode() for marker in _MARKER.findall(content)} & MARKERS.keys():
            found.setdefault(MARKERS[name], f"{path}, marker {name}")
    defined_anywhere = {name for name in FIXTURES if any(f"def {name}(".encode() in content for content in contents.values())}
    return {
        distribution: path
        for distribution, path in found.items()
        if distribution and not any(path.endswith(f", fixture {name}") for name in defined_anywhere)
    }


def needed_by_settings(settings: Mapping[str, Any], addopts: Iterable[str]) -> dict[str, str]:
    """Distributions that keys and options of pytest's configuration belong to, each with the key."""
    found = {SETTINGS[key]: key for key in settings if SETTINGS.get(key)}
    for option in addopts:
        for start, distribution in OPTIONS.items():
            if option.partition("=")[0] == start and distribution:
                found.setdefault(distribution, f"addopts, {start}")
    return found


def _imports(content: bytes) -> frozenset[str]:
    """Top-level names of absolute imports that a module does when it is loaded; regular expressions sort out most files."""
    mentioned = {name.decode() for name in _IMPORT.findall(content)}
    if not mentioned - sys.stdlib_module_names - {"pytest"}:
        return frozenset()
    if len(content) > _LARGEST:
        return frozenset(name.decode() for name in _AT_TOP.findall(content))
    try:
        module = ast.parse(content)
    except _FAULTS:
        return frozenset()
    return frozenset(_of_statements(module.body))


def _of_statements(body: Iterable[ast.stmt]) -> set[str]:
    names: set[str] = set()
    for statement in body:
        if isinstance(statement, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom) and not statement.level and statement.module:
            names.add(statement.module.partition(".")[0])
        elif isinstance(statement, ast.With | ast.ClassDef):
            names |= _of_statements(statement.body)
    return names
