"""Judges `pyproject.toml`, `setup.cfg` and `tox.ini` by key: metadata and style are free, tests, build and dependencies are not."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from runner.parsing import Source, parse
from runner.validators.paths.differences import Difference, differences

MOST_BYTES = 256 * 1024
NAMES = ("pyproject.toml", "setup.cfg", "tox.ini")

_FREE_PROJECT = frozenset(
    ["version", "description", "readme", "authors", "maintainers", "keywords", "classifiers", "urls", "license", "license-files"]
)
_FREE_TOOLS = frozenset(
    [
        "autoflake",
        "autopep8",
        "bandit",
        "basedpyright",
        "black",
        "bumpver",
        "bumpversion",
        "bump-my-version",
        "codespell",
        "commitizen",
        "djlint",
        "docformatter",
        "doc8",
        "flake8",
        "git-cliff",
        "interrogate",
        "isort",
        "mdformat",
        "mypy",
        "numpydoc_validation",
        "pycodestyle",
        "pydoclint",
        "pydocstyle",
        "pylint",
        "pyright",
        "pyrefly",
        "pytype",
        "pyupgrade",
        "refurb",
        "ruff",
        "semantic_release",
        "scriv",
        "towncrier",
        "ty",
        "typos",
        "vulture",
        "yapf",
    ]
)
_TEST_TOOLS = frozenset({"pytest", "coverage", "tox", "hypothesis", "nox"})
_DEPENDENCY_KEYS = frozenset({"dependencies", "optional-dependencies", "requires-python"})
_FREE_METADATA = frozenset(
    [
        "version",
        "description",
        "long_description",
        "long_description_content_type",
        "author",
        "author_email",
        "maintainer",
        "maintainer_email",
        "url",
        "download_url",
        "project_urls",
        "keywords",
        "classifiers",
        "classifier",
        "platforms",
        "platform",
        "license",
        "license_file",
        "license_files",
        "home_page",
        "summary",
    ]
)
_FREE_SECTIONS = re.compile(
    r"(flake8|pycodestyle|pep8|pydocstyle|isort|mypy(-.*)?|pylint(\..*)?|codespell|yapf|doc8|bumpversion(:.*)?)", re.ASCII
)


class Judged(NamedTuple):
    """One key that a person must look at."""

    rule: str
    message: str


def judge_file(path: str, old: bytes | None, new: bytes | None) -> list[Judged]:
    """The keys of a project file whose difference must be looked at; `None` for a side without the file."""
    name = PurePosixPath(path).name.lower()
    try:
        before, after = _sides("toml-data" if name == "pyproject.toml" else "ini-data", (old, new))
        found = list(differences(before, after))
    except (ValueError, RecursionError) as problem:
        why = "it is nested too deep" if isinstance(problem, RecursionError) else _bounded(str(problem))
        return [Judged("paths.project", f"{name} cannot be read, so its keys cannot be told apart: {why}")]
    rule_of = {"pyproject.toml": _pyproject_rule, "setup.cfg": _setup_rule, "tox.ini": _tox_rule}[name]
    judged = [(rule_of(difference), difference) for difference in found]
    return [Judged(rule, f"{_key(name, difference)} changed: {difference.text}") for rule, difference in judged if rule]


class Layout(NamedTuple):
    """What a pyproject.toml says of where things are."""

    backend: tuple[str, ...] = ()
    """The files or folders of the project's own build back end, without `.py`, when `build-system` names one within the tree."""
    python_path: tuple[str, ...] = ()
    """Further folders on Python's path: pytest's `pythonpath`, setuptools' package folders."""


def layout(pyproject: bytes | None) -> Layout:
    """The layout that a pyproject.toml describes; an empty one when there is none or it cannot be read."""
    if pyproject is None or not any(word in pyproject for word in (b"backend-path", b"pythonpath", b"where", b"package-dir")):
        return Layout()
    try:
        (read,) = _sides("toml-data", (pyproject,))
        return Layout(_backend(read), _python_path(read))
    except (ValueError, RecursionError):
        return Layout()


def _backend(read: Mapping[str, Any]) -> tuple[str, ...]:
    folders, backend = _at(read, "build-system", "backend-path"), _at(read, "build-system", "build-backend")
    if not isinstance(folders, list) or not isinstance(backend, str):
        return ()
    top = re.split(r"[.:]", backend)[0]
    fronts = [PurePosixPath(folder).as_posix() for folder in folders if isinstance(folder, str)]
    return tuple(f"{'' if front == '.' else front + '/'}{top}" for front in fronts)


def _python_path(read: Mapping[str, Any]) -> tuple[str, ...]:
    tool = _at(read, "tool")
    found = [_at(tool, "pytest", "ini_options", "pythonpath"), _at(tool, "setuptools", "packages", "find", "where")]
    package_dir = _at(tool, "setuptools", "package-dir")
    found.append(list(package_dir.values()) if isinstance(package_dir, Mapping) else None)
    folders = (
        folder for value in found for folder in (value.split() if isinstance(value, str) else value if isinstance(value, list) else ())
    )
    return tuple(PurePosixPath(folder).as_posix() for folder in folders if isinstance(folder, str))


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _sides(kind: str, contents: Sequence[bytes | None]) -> list[Mapping[str, Any]]:
    """What the files say, `{}` for an absent one; ValueError when one cannot be read.

    Parsed apart from this process: both tomllib and configparser take minutes for some files of a few kilobytes.
    """
    if any(content is not None and len(content) > MOST_BYTES for content in contents):
        raise ValueError(f"it is larger than {MOST_BYTES // 1024}KiB")
    answers = parse([Source(kind, content or b"") for content in contents])
    for answer in answers:
        if answer.state != "fine":
            raise ValueError(answer.message)
    return [json.loads(answer.data) for answer in answers]


def _pyproject_rule(difference: Difference) -> str | None:
    keys = (*difference.keys, "", "")
    table, key = keys[0], keys[1]
    if table == "project":
        if key in _FREE_PROJECT:
            return None
        return "paths.dependencies" if key in _DEPENDENCY_KEYS else "paths.project"
    if table == "tool":
        if key in _FREE_TOOLS:
            return None
        return "paths.test_configuration" if key in _TEST_TOOLS else "paths.build"
    return {"build-system": "paths.build", "dependency-groups": "paths.dependencies"}.get(table, "paths.project")


def _setup_rule(difference: Difference) -> str | None:
    section, key = (*difference.keys, "")[:2]
    if section == "metadata":
        free = key.replace("-", "_").lower() in _FREE_METADATA and not _runs_code(difference.new)
        return None if free else "paths.project"
    if _FREE_SECTIONS.fullmatch(section):
        return None
    if section.startswith("options"):
        dependencies = "extras_require" in section or key in ("install_requires", "setup_requires", "tests_require", "python_requires")
        return "paths.dependencies" if dependencies else "paths.build"
    return "paths.test_configuration" if section.startswith(("tool:pytest", "pytest", "coverage", "aliases")) else "paths.build"


def _tox_rule(difference: Difference) -> str | None:
    section = difference.keys[0]
    if _FREE_SECTIONS.fullmatch(section):
        return None
    return "paths.test_configuration"


def _runs_code(value: Any) -> bool:
    """`attr:` imports the module that it names while the project is built."""
    return isinstance(value, str) and value.lstrip().startswith("attr:")


def _key(name: str, difference: Difference) -> str:
    if name == "pyproject.toml":
        return _bounded(".".join(key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key) for key in difference.keys))
    section, *rest = difference.keys
    return _bounded(f"[{section}] {' '.join(rest)}".strip().encode("ascii", "backslashreplace").decode())


def _bounded(text: str, most: int = 160) -> str:
    clean = "".join(letter if letter.isprintable() else "?" for letter in text[: most + 1])
    return clean if len(clean) <= most else clean[: most - 1] + "…"
