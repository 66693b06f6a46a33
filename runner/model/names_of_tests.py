"""Which names say tests: the files, folders and settings that test runners look for."""

from fnmatch import fnmatchcase
from pathlib import PurePosixPath

CONFIGURATION = frozenset({"conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml"})
"""Names that only configure tests."""
SHARED_CONFIGURATION = frozenset({"pyproject.toml", "setup.cfg", "tox.ini"})
"""Names that configure tests among other things: tests' side only when the tests' part of them changed."""
CONFIGURATION_PATTERNS = ("jest.config.*", "vitest.config.*", ".mocharc*", "karma.conf.*", "playwright.config.*", "cypress.config.*")
"""Names that only configure tests of other languages."""
TEST_FOLDERS = frozenset({"test", "tests", "spec", "specs", "unittests", "testdata", "__tests__", "__mocks__", "__snapshots__"})
"""Folder names that say tests and nothing else; packages are called `testing` or `integration` as well."""
DOCUMENTS = frozenset({".md", ".rst", ".adoc"})
TEST_FILES = ("test_*.py", "*_test.py")
COMMAND_TEST_FILES = (
    *TEST_FILES,
    "*_test.go",
    *(
        f"{name}.{suffix}"
        for name in ("*.test", "*.spec", "*-test", "*_test", "test-*", "test")
        for suffix in ("[cm][jt]s", "[jt]s", "[jt]sx")
    ),
)
"""Names of test files where the suite is a command of any language: Python's, Go's, and those that Node.js and its runners look for."""
SOURCE_SUFFIXES = frozenset({".py", ".pyi", ".pyx", ".pxd", ".c", ".h", ".cc", ".cpp", ".hpp", ".rs", ".go", ".js", ".ts", ".mjs"})


def is_configuration(path: str) -> bool:
    """Whether a path configures how tests are collected or run."""
    name = PurePosixPath(path).name
    return name in SHARED_CONFIGURATION or only_configures(name)


def only_configures(name: str) -> bool:
    """Whether a file of this name serves nothing but the configuration of tests."""
    return name in CONFIGURATION or any(fnmatchcase(name, pattern) for pattern in CONFIGURATION_PATTERNS)


def is_test_module(path: str, patterns: tuple[str, ...] = TEST_FILES) -> bool:
    """Whether a path has a name that test runners collect, by default or by the project's own `patterns`."""
    return any(fnmatchcase(path if "/" in pattern else PurePosixPath(path).name, pattern) for pattern in patterns)


def is_source(path: str) -> bool:
    """Whether a path has the name of program text."""
    return PurePosixPath(path).suffix in SOURCE_SUFFIXES
