"""Where a project keeps its tests."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from runner.discovery.base_files import BaseFiles

PATTERNS = ("test_*.py", "*_test.py")
_ODD_NAMES = ("test.py", "tests.py", "*tests.py", "test*.py", "*Test.py", "*Tests.py", "Test*.py")
"""Names of test modules that unittest users choose and that pytest does not look for."""
_ODD_BESIDE = ("test.py", "tests.py")
"""Those that stand for tests beside modules with usual names, too; the others may only be what those share."""
_USUAL = ("tests", "test", "testing")
_NO_TESTS = (
    "docs",
    "doc",
    "examples",
    "example",
    "benchmarks",
    "benchmark",
    "bench",
    "build",
    "dist",
    "venv",
    "env",
    "node_modules",
    "site-packages",
    "downstream",
)
_HOLDS_TESTS = re.compile(rb"^[ \t]*(?:class \w+\([^)]{0,500}Test\w*|def test\w*\(|async def test)", re.MULTILINE)
_DEEPEST = 5
_MANY = 4
_MOST_FOLDERS = 400
_MOST_ODD = 100


@dataclass(frozen=True)
class Places:
    """Arguments for pytest that reach the tests; the modules found there; conftests and other modules in the same folders."""

    args: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


def find_places(files: BaseFiles, patterns: tuple[str, ...], given: tuple[str, ...] = ()) -> Places:
    """The tests below the folders and files `given`, or wherever they usually are: test folders at the root and in packages, modules at the root."""
    if given:
        below = [path for place in given for path in ([place] if files.exists(place) else _below(files, place))]
        modules = [path for path in below if path in given or _matches(path, patterns)]
        return Places(given, tuple(modules), _neighbours(files, modules))
    root = [path for path in files.files() if path.endswith(".py")]
    chosen, modules = [], [path for path in root if _matches(path, patterns)]
    args = list(modules)
    for folder in _test_folders(files):
        inside = list(_below(files, folder))
        foreign = _foreign(inside, folder)
        inside = [path for path in inside if not path.startswith(tuple(f"{other}/" for other in foreign))]
        matching = [path for path in inside if _matches(path, patterns)]
        if matching:
            chosen.append(folder)
            args += (f"--ignore={other}" for other in foreign)
        odd = _odd(files, [path for path in inside if path not in set(matching)], alone=not matching)
        if matching and odd:  # pytest takes a file below a folder that is named, too, for part of that folder
            names = dict.fromkeys(PurePosixPath(path).name for path in odd)
            args += ("-o", f"python_files={' '.join((*patterns, *names))}")
        else:
            args += odd
        modules += [*matching, *odd]
    if not modules:
        args = _odd(files, root, alone=False) or _odd(files, _in_packages(files), alone=False)
        modules = list(args)
    if not modules:
        inside = _in_packages(files)
        modules = [path for path in inside if _matches(path, patterns)]
        chosen = list(dict.fromkeys(path.partition("/")[0] for path in modules))
    return Places((*dict.fromkeys(chosen), *args), tuple(modules), _neighbours(files, modules))


def _neighbours(files: BaseFiles, modules: Iterable[str]) -> tuple[str, ...]:
    """Conftests above test modules, and the other Python files in their folders; the root has modules of all kinds."""
    folders = dict.fromkeys(str(parent) for path in modules for parent in PurePosixPath(path).parents)
    direct = {str(PurePosixPath(path).parent) for path in modules}
    beside = [
        path
        for folder in folders
        for path in files.files("" if folder == "." else folder)
        if path.endswith("conftest.py") or (path.endswith(".py") and folder in direct and folder != ".")
    ]
    return tuple(path for path in beside if path not in set(modules))


def _test_folders(files: BaseFiles) -> list[str]:
    """The outermost folders named for tests, at the root and inside of packages; of a package with many of them the package itself."""
    found: list[str] = []
    waiting = [(folder, 1) for folder in files.folders()]
    seen = 0
    while waiting and seen < _MOST_FOLDERS:
        folder, depth = waiting.pop(0)
        seen += 1
        name = PurePosixPath(folder).name
        if name in _USUAL:
            found.append(folder)
        elif (
            depth < _DEEPEST
            and name not in _NO_TESTS
            and not name.startswith((".", "_"))
            and not name.endswith((".egg-info", ".dist-info"))
        ):
            waiting += [(inner, depth + 1) for inner in files.folders(folder)]
    count = Counter(folder.partition("/")[0] for folder in found)
    return list(dict.fromkeys(top if count[top := folder.partition("/")[0]] > _MANY else folder for folder in found))


def _below(files: BaseFiles, folder: str) -> Iterator[str]:
    """Python files below a folder, the nearest first."""
    waiting, seen = [folder], 0
    while waiting and seen < _MOST_FOLDERS:
        here = waiting.pop(0)
        seen += 1
        yield from (path for path in files.files(here) if path.endswith(".py"))
        waiting += files.folders(here)


def _foreign(inside: Iterable[str], folder: str) -> list[str]:
    """Folders within a test folder that are projects of their own: data of the tests, with tests that are none of theirs."""
    found = {str(PurePosixPath(path).parent) for path in inside if PurePosixPath(path).name == "setup.py"} - {folder}
    return sorted(other for other in found if not any(other.startswith(f"{outer}/") for outer in found))


def _in_packages(files: BaseFiles) -> list[str]:
    """Python files in the folders at the root, without documentation and the like."""
    return [
        path
        for folder in files.folders()
        if PurePosixPath(folder).name not in _NO_TESTS and not folder.startswith(".")
        for path in _below(files, folder)
    ]


def _odd(files: BaseFiles, paths: list[str], *, alone: bool) -> list[str]:
    """Modules with tests under names that pytest does not look for; `alone`: nothing beside them has a usual name."""
    named = [path for path in paths if any(fnmatchcase(PurePosixPath(path).name, odd) for odd in (_ODD_NAMES if alone else _ODD_BESIDE))]
    named = list(paths) if alone and not named else named
    named = [path for path in named if PurePosixPath(path).name not in ("conftest.py", "setup.py")][:_MOST_ODD]
    contents = files.contents(tuple(named))
    return [path for path in named if _HOLDS_TESTS.search(contents.get(path, b""))]


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(PurePosixPath(path).name, pattern) for pattern in patterns)
