"""How settings choose which tests run: pytest's configuration of a folder, as pytest would find it, before and after."""

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from runner.gates.anomaly.term import Term
from runner.parsing import Parse, Source

NAMES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
"""Where pytest looks, the first that has settings for it."""
MOST_BYTES = 2**20
_SECTIONS = {"tox.ini": "pytest", "setup.cfg": "tool:pytest"}
_HARMLESS = (
    "-r", "-v", "-q", "-s", "-l", "-n", "--verbose", "--verbosity", "--quiet", "--strict", "--tb", "--durations", "--color", "--showlocals",
    "--cov", "--no-cov", "--doctest", "--import-mode", "--no-header", "--no-summary", "--dist", "--numprocesses", "--junit", "--html",
    "--capture", "--timeout", "--hypothesis", "--benchmark", "--randomly", "--random-order", "--cache-clear", "--code-highlight",
    "--full-trace", "--show-capture", "--log", "--asyncio", "--self-contained-html", "--pythonwarnings", "-W", "--mypy", "--flake8", "--ruff",
    "--basetemp", "--assert", "--snapshot-warn", "--reuse-db", "--ds", "--xdoctest", "--nbval", "--mpl", "--typeguard", "--beartype",
)  # fmt: skip
"""What options may begin with that neither choose tests nor change what counts."""
_NARROWING = ("--cov-fail-under",)
_PATTERNS = {"python_files": ("test_*.py", "*_test.py"), "python_classes": ("Test",), "python_functions": ("test",)}
_LISTS = (*_PATTERNS, "testpaths", "norecursedirs", "usefixtures")
_MOST_WORDS = 100
_MOST_OPTIONS = 10_000
_VALUED = ("-k", "-m", "-p", "-o", "-c", "-W", "-n", "-r", "--deselect", "--ignore", "--ignore-glob", "--tb", "--durations", "--maxfail",
           "--override-ini", "--rootdir", "--confcutdir", "--color", "--timeout", "--dist", "--numprocesses", "--cov", "--cov-report",
           "--cov-config", "--import-mode", "--ds")  # fmt: skip


class Settings(NamedTuple):
    """What one folder's configuration says: the file that pytest takes, and its keys; `None` where it cannot be read."""

    file: str
    keys: Mapping[str, Any] | None


def sources(contents: Mapping[str, bytes]) -> list[Source]:
    """What the child is to parse, for the files of one side by their names."""
    return [Source("toml-data" if name.endswith(".toml") else "ini-data", contents[name]) for name in NAMES if name in contents]


def settings(names: Iterable[str], parses: Iterable[Parse]) -> Settings:
    """The settings that pytest takes of these files, given in the order of `NAMES`."""
    for name, parsed in zip(names, parses, strict=True):
        only = name in ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml")
        if parsed.state != "fine":
            if only:
                return Settings(name, None)
            continue
        content = json.loads(parsed.data)
        keys = _section(name, content)
        if keys is not None or only:
            return Settings(name, keys or {})
    return Settings("", {})


def _section(name: str, content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if name in ("pytest.toml", ".pytest.toml"):
        section: Any = content.get("pytest")
    elif name == "pyproject.toml":
        tool = content.get("tool")
        part = tool.get("pytest") if isinstance(tool, dict) else None
        section = {**part, **part["ini_options"]} if isinstance(part, dict) and isinstance(part.get("ini_options"), dict) else part
    else:
        section = content.get(_SECTIONS.get(name, "pytest"))
    return section if isinstance(section, dict) else None


def changed(folder: str, old: Settings, new: Settings, tests: Iterable[str]) -> Iterator[Term]:
    """What the new settings leave out or excuse that the old did not; `tests` are the test files of the base."""
    path = str(PurePosixPath(folder) / (new.file or old.file))
    if old.keys is None or new.keys is None:
        if old != new:
            yield Term("selection", path, "the settings of pytest cannot be read")
        return
    if long := [key for key in _LISTS if len(_words(new.keys, key)) > _MOST_WORDS]:
        yield Term("selection", path, f"{long[0]} is too long to be compared")
        return
    yield from _options(path, old.keys, new.keys)
    yield from _collected(folder, path, old.keys, new.keys, tests)
    if _true(old.keys.get("xfail_strict")) and not _true(new.keys.get("xfail_strict")):
        yield Term("selection", path, "xfail_strict is no longer set: tests that fail as expected may pass unseen")
    if _raises(old.keys) and not _raises(new.keys):
        yield Term("selection", path, "warnings are no longer errors")


def _raises(keys: Mapping[str, Any]) -> bool:
    return any("error" in word for word in _words(keys, "filterwarnings"))


def _collected(folder: str, path: str, old: Mapping[str, Any], new: Mapping[str, Any], tests: Iterable[str]) -> Iterator[Term]:
    """Which files, classes and functions are tests, and where they are looked for."""
    for key, default in _PATTERNS.items():
        had, has = (_words(side, key) or list(default) for side in (old, new))
        if lost := [word for word in had if word not in has and not any(fnmatchcase(word.replace("*", "x"), given) for given in has)]:
            yield Term("selection", path, f"{key} no longer names {lost[0]}")
    had_paths, has_paths = _words(old, "testpaths"), _words(new, "testpaths")
    if has_paths and has_paths != had_paths:
        yield from _narrowed(folder, path, had_paths, has_paths, tests)
    if added := [word for word in _words(new, "norecursedirs") if word not in _words(old, "norecursedirs")]:
        names = [part for test in tests for part in PurePosixPath(test).parts[:-1]]
        if any(fnmatchcase(name, pattern) for pattern in added for name in names):
            yield Term("selection", path, f"norecursedirs leaves out {added[0]}")


def _narrowed(folder: str, path: str, old: list[str], new: list[str], tests: Iterable[str]) -> Iterator[Term]:
    def below(test: str, places: list[str]) -> bool:
        return any(
            test == str(PurePosixPath(folder) / place)
            or PurePosixPath(test).match(f"{place.rstrip('/')}/*")
            or test.startswith(f"{str(PurePosixPath(folder) / place).rstrip('/')}/")
            for place in places
        )

    inside = [test for test in tests if not old or below(test, old)]
    if left := [test for test in inside if not below(test, new)]:
        yield Term(
            "selection",
            path,
            f"testpaths leaves out {left[0]}, and {len(left) - 1} more" if len(left) > 1 else f"testpaths leaves out {left[0]}",
        )


def _options(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Term]:
    had, has = _tokens(old), _tokens(new)
    if had is None or has is None:
        if had != has:
            yield Term("selection", path, "addopts cannot be read")
        return
    for option in has:
        if option not in had and not option.startswith(_HARMLESS):
            yield Term("selection", path, f"addopts newly has {option[:60]}")
    for option in had:
        if option not in has and option.startswith(("--doctest", *_NARROWING)):
            yield Term("selection", path, f"addopts no longer has {option[:60]}")


def _tokens(keys: Mapping[str, Any]) -> list[str] | None:
    """The options with their values; `None` when they cannot be split."""
    given = keys.get("addopts", "")
    if len(str(given)) > _MOST_OPTIONS:
        return None
    try:
        words = [str(word) for word in given] if isinstance(given, list) else shlex.split(str(given), comments=False)
    except ValueError:
        return None
    options: list[str] = []
    while words:
        word = words.pop(0)
        options.append(f"{word} {words.pop(0)}" if word in _VALUED and words else word)
    return options


def _words(keys: Mapping[str, Any], key: str) -> list[str]:
    given = keys.get(key, ())
    if isinstance(given, str):
        return given.split("\n") if key == "filterwarnings" else given.split()
    return [str(word) for word in given] if isinstance(given, list) else []


def _true(value: Any) -> bool:
    return value is True or str(value).lower() in ("true", "1", "yes", "on")
