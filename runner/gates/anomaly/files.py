"""What a change's files are to its tests: tests in Python or other languages, conftests, settings, files that run before them."""

from collections.abc import Callable
from pathlib import PurePosixPath

from runner.gates.anomaly import selection, words
from runner.model import startup
from runner.model.change import FileChange, Status
from runner.model.names_of_tests import COMMAND_TEST_FILES, TEST_FILES, TEST_FOLDERS, is_test_module

_ODD_NAMES = ("test.py", "tests.py", "*_tests.py", "*Test.py", "*Tests.py", "Test*.py", "test*.py")


def is_test(path: str) -> bool:
    """Whether a file belongs to the tests, by its name or a folder's; a name is enough where nothing is excused by it."""
    folders = PurePosixPath(path).parts[:-1]
    return is_test_module(path, (*COMMAND_TEST_FILES, *_ODD_NAMES, "conftest.py")) or any(part.lower() in TEST_FOLDERS for part in folders)


def is_python_test(path: str) -> bool:
    """Whether a file is Python that tests consist of."""
    return path.endswith((".py", ".pyw")) and is_test(path)


def collects(path: str, others: frozenset[str]) -> bool:
    """Whether a test runner looks for tests in a file of this name, or the base had tests in files that are called no better."""
    name = PurePosixPath(path).name
    if not name.endswith(".py"):
        return False
    return is_test_module(path, (*TEST_FILES, *_ODD_NAMES)) or not any(is_test_module(other, TEST_FILES) for other in others)


def is_counted(path: str) -> bool:
    """Whether a file holds tests of another language than Python."""
    return words.known(path) and is_test(path)


def is_settings(path: str) -> bool:
    """Whether pytest may take its settings from a file of this name."""
    return PurePosixPath(path).name in selection.NAMES


def starts(file: FileChange, names: Callable[[str], frozenset[str]]) -> str | None:
    """What makes a new or edited file run before any test, or stand in place of a test tool; `None` for any other."""
    if file.status is Status.DELETED:
        return None
    why = startup.hook(file.path)
    if why is not None:
        return why
    shadow = startup.shadow(file.path)
    if shadow is None or startup.rank(shadow[1]) != "test tool":
        return None
    return f"it stands in place of the test tool {shadow[1]}" if startup.is_import_root(shadow[0], names) else None
