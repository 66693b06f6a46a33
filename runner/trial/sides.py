"""Which changed paths are tests, and which are source: the verdict tree takes the first from the base, the rest from the change."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from runner.model.change import FileChange
from runner.model.names_of_tests import (
    DOCUMENTS,
    SHARED_CONFIGURATION,
    TEST_FILES,
    TEST_FOLDERS,
    is_configuration,
    is_source,
    is_test_module,
    only_configures,
)


@dataclass(frozen=True)
class Inventory:
    """What the base run collected: the files that hold its tests, and the names that the project gives its test modules.

    A source file with examples in its docstrings is among the files, too; it is source all the same, or a change of it
    would never be what is tested.
    """

    files: frozenset[str]
    patterns: tuple[str, ...] = TEST_FILES

    @property
    def folders(self) -> frozenset[str]:
        """The folders that hold test modules directly."""
        return frozenset(str(PurePosixPath(file).parent) for file in self.files if self.names(file) or not is_source(file))

    def names(self, path: str) -> bool:
        """Whether a path has the name of a test module; patterns that any name fits say nothing."""
        return is_test_module(path, _telling(self.patterns))


@dataclass(frozen=True)
class Sides:
    """Changed paths, split; `helpers` are the tests' side without tests, configuration: modules and data that tests use."""

    tests: tuple[str, ...]
    source: tuple[str, ...]

    @property
    def helpers(self) -> tuple[str, ...]:
        """Tests' side files that are neither configuration nor test modules by name."""
        return tuple(path for path in self.tests if not is_configuration(path) and not is_test_module(path))


def _telling(patterns: Iterable[str]) -> tuple[str, ...]:
    """Patterns without those that any name fits."""
    return tuple(pattern for pattern in patterns if pattern.removesuffix(".py").strip("*?/[]!"))


def _in_test_folder(path: str, inventory: Inventory | None) -> bool:
    parents = [str(parent) for parent in PurePosixPath(path).parents if str(parent) != "."]
    named = [parent for parent in parents if PurePosixPath(parent).name.lower() in TEST_FOLDERS]
    if inventory is None:
        return bool(named)
    return any(folder == parent or folder.startswith(parent + "/") for parent in named for folder in inventory.folders)


def is_tests_side(
    file: FileChange, inventory: Inventory | None, changes_tests: Callable[[str], bool], patterns: tuple[str, ...] = TEST_FILES
) -> bool:
    """Whether the verdict tree takes this path from the base (DESIGN §6).

    `inventory` is `None` before the base ran, and for a suite that names no files: then names decide, by `patterns`. `changes_tests` tells whether the tests' part of a shared
    configuration file differs.
    """
    path, name = file.path, PurePosixPath(file.path).name
    if name in SHARED_CONFIGURATION:
        return changes_tests(path)
    if only_configures(name) or _in_test_folder(path, inventory):
        return True
    return is_test_module(path, _telling(patterns)) if inventory is None else _is_test_or_datum(file, inventory)


def _is_test_or_datum(file: FileChange, inventory: Inventory) -> bool:
    """Whether the file has a test module's name, or the base collected it, or it lies beside tests as their data.

    A name is enough, collected or not: a suite may lie behind a symbolic link. What is wrongly taken from the base here still
    has to be green in the suite with the change's own tests.
    """
    path = file.path
    if inventory.names(path) or (path in inventory.files and not is_source(path)):
        return True
    beside_tests = str(PurePosixPath(path).parent) in inventory.folders
    return beside_tests and not is_source(path) and PurePosixPath(path).suffix not in DOCUMENTS


def split(
    files: Iterable[FileChange],
    inventory: Inventory | None,
    changes_tests: Callable[[str], bool],
    patterns: tuple[str, ...] = TEST_FILES,
) -> Sides:
    """Split changed files into tests' side and source side."""
    tests: list[str] = []
    source: list[str] = []
    for file in files:
        (tests if is_tests_side(file, inventory, changes_tests, patterns) else source).append(file.path)
    return Sides(tests=tuple(tests), source=tuple(source))


def touched(test_path: str, sides: Sides, changed: Collection[str]) -> bool:
    """Whether the change edited what a base test expects: its own file, or a helper or data file near it.

    Configuration and conftest files do not count: a hook can make any test look fine (facts: selective forgers).
    """
    if not test_path:  # a suite that does not say where its tests are: any edited test may be this one
        return any(not is_configuration(path) for path in sides.tests)
    if test_path in changed:
        return True
    near = {str(parent) for parent in PurePosixPath(test_path).parents if str(parent) != "."}
    return any(str(PurePosixPath(helper).parent) in near or _shares_root(helper, near) for helper in sides.helpers)


def _shares_root(helper: str, near: Collection[str]) -> bool:
    return any(str(parent) in near for parent in PurePosixPath(helper).parents if str(parent) != ".")
