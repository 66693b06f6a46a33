"""Names by which a file is run, or found, before the code that is tested: start-up hooks, and shadows of other modules."""

import sys
from collections.abc import Callable
from pathlib import PurePosixPath

HOOK_MODULES = frozenset({"sitecustomize", "usercustomize"})
_METADATA = (".dist-info", ".egg-info")
_EXTENSIONS = (".so", ".pyd")

TEST_TOOLS = frozenset(
    {
        "_hypothesis_ftz_detector",
        "_hypothesis_globals",
        "_hypothesis_pytestplugin",
        "_pytest",
        "colorama",
        "coverage",
        "doctest",
        "exceptiongroup",
        "execnet",
        "hypothesis",
        "iniconfig",
        "mock",
        "nose",
        "nose2",
        "packaging",
        "pluggy",
        "py",
        "pygments",
        "pytest",
        "pytest_asyncio",
        "pytest_cov",
        "pytest_mock",
        "pytest_timeout",
        "seatrial",
        "seatrial_plugin",
        "testtools",
        "tomli",
        "unittest",
        "xdist",
    }
)
"""Modules that run or judge tests: a module of the same name in front of them could say anything."""


def hook(path: str) -> str | None:
    """What makes the path a start-up hook or metadata that Python or pytest acts upon; `None` for any other file."""
    parts = PurePosixPath(path).parts
    if not parts:
        return None
    if _modules(path) & HOOK_MODULES:
        return "Python runs it at every start when it is on its path"
    name = parts[-1].lower()
    if name.endswith((".pth", ".egg-link")):
        return "Python reads it at every start and may run lines of it"
    if "__pycache__" in parts or name.endswith((".pyc", ".pyo")):
        return "compiled code is run in place of the source beside it"
    return None


def metadata(path: str) -> str | None:
    """The `*.dist-info` or `*.egg-info` in the path: it can register plugins of pytest and commands; `None` without one."""
    for at, part in enumerate(PurePosixPath(path).parts):
        if part.lower().endswith(_METADATA):
            return "/".join(PurePosixPath(path).parts[: at + 1])
    return None


def shadow(path: str) -> tuple[str, str] | None:
    """Folder and name of the top-level module that a file would be if its folder (or its parent's) is on Python's path.

    Only `name.py`, `name/__init__.py` and extension modules can stand in front of an installed module.
    """
    parts = PurePosixPath(path).parts
    name = _module(parts[-1]) if parts else None
    if name is None:
        return None
    if name == "__init__":
        return ("/".join(parts[:-2]), parts[-2]) if len(parts) > 1 else None
    return "/".join(parts[:-1]), name


def forms(folder: str, name: str) -> tuple[str, str]:
    """The two source files by which a folder offers the module `name`."""
    front = f"{folder}/" if folder else ""
    return f"{front}{name}.py", f"{front}{name}/__init__.py"


def rank(name: str) -> str | None:
    """`test tool`, `standard library`, or `None` for a name that stands in nobody's way."""
    if name in TEST_TOOLS:
        return "test tool"
    if name in sys.stdlib_module_names or name.startswith("pytest_"):
        return "standard library" if name in sys.stdlib_module_names else "pytest plugin"
    return None


def is_test_file(name: str) -> bool:
    """Whether pytest would take a file of this name for tests or their configuration, by its default patterns."""
    return name == "conftest.py" or (name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py")))


def is_import_root(folder: str, names: Callable[[str], frozenset[str]]) -> bool:
    """Whether Python's path holds the folder when the suite runs; `names` gives the names in a folder.

    That is so for the root, `src` and `lib`, and for every folder that is no package itself and has tests in it or in a
    package below it: pytest puts it on the path.
    """
    if folder in ("", "src", "lib"):
        return True
    if "__init__.py" in names(folder):
        return False
    return _has_tests(folder, names, 0)


def _has_tests(folder: str, names: Callable[[str], frozenset[str]], depth: int) -> bool:
    inside = names(folder)
    if any(is_test_file(name) for name in inside):
        return True
    if depth == 3:  # noqa: PLR2004  deeper packages of tests below a folder that has none do not occur
        return False
    below = (f"{folder}/{name}" for name in sorted(inside) if "." not in name)
    return any("__init__.py" in names(child) and _has_tests(child, names, depth + 1) for child in below)


def _module(name: str) -> str | None:
    stem, dot, _ = name.partition(".")
    if not dot or not stem:
        return None
    return stem if name == f"{stem}.py" or name.endswith(_EXTENSIONS) else None


def _modules(path: str) -> frozenset[str]:
    parts = PurePosixPath(path).parts
    return frozenset({_module(parts[-1]) or "", parts[-2] if len(parts) > 1 and parts[-1] == "__init__.py" else ""})
