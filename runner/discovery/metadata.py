"""What a project's build metadata says: whether it can be installed, what it depends on, its extras and dependency groups."""

from collections.abc import Iterator
from typing import Any

from runner.discovery.base_files import BaseFiles, at, normal, table, texts
from runner.discovery.needs import Aim, Need, aim_of, name_of
from runner.discovery.poetry import poetry_dependencies, poetry_extras
from runner.discovery.setup_py import has_setup_call, setup_arguments

_PYPROJECT, _CFG, _SETUP = "pyproject.toml", "setup.cfg", "setup.py"
_DEEPEST = 10


def installable(files: BaseFiles) -> str:
    """The file that makes the root something pip can install; empty when there is none.

    A pyproject.toml that only holds settings of tools is none, nor one that says that the project is no package.
    """
    document = files.toml(_PYPROJECT)
    unwanted = at(document, "tool", "uv", "package") is False or at(document, "tool", "poetry", "package-mode") is False
    if unwanted:
        return ""
    if any(name in document for name in ("project", "build-system")) or at(document, "tool", "poetry", "name"):
        return _PYPROJECT
    if files.exists(_SETUP) and has_setup_call(files.python(_SETUP)):
        return _SETUP
    return ""


def project_name(files: BaseFiles) -> str:
    """The normal name of the project; empty when nothing readable gives it."""
    document = files.toml(_PYPROJECT)
    names = (
        at(document, "project", "name"),
        at(document, "tool", "poetry", "name"),
        files.ini(_CFG).get("metadata", {}).get("name"),
        _setup(files).get("name"),
    )
    return next((normal(name) for name in names if isinstance(name, str) and name.strip()), "")


def dependencies(files: BaseFiles) -> tuple[str, ...]:
    """What the project needs to run, as far as it is written out."""
    return (
        *texts(at(files.toml(_PYPROJECT), "project", "dependencies")),
        *poetry_dependencies(files),
        *texts(files.ini(_CFG).get("options", {}).get("install_requires")),
        *texts(_setup(files).get("install_requires")),
    )


def extra_needs(files: BaseFiles) -> Iterator[Need]:
    """Every extra of the project, by the first file that tells of it."""
    extras: dict[str, tuple[str, tuple[str, ...]]] = {}
    for source, table_ in (
        ("project.optional-dependencies in pyproject.toml", table(at(files.toml(_PYPROJECT), "project", "optional-dependencies"))),
        (
            "tool.flit.metadata.requires-extra in pyproject.toml",
            table(at(files.toml(_PYPROJECT), "tool", "flit", "metadata", "requires-extra")),
        ),
        ("tool.poetry.extras in pyproject.toml", poetry_extras(files)),
        ("options.extras_require in setup.cfg", files.ini(_CFG).get("options.extras_require", {})),
        ("extras_require in setup.py", table(_setup(files).get("extras_require"))),
    ):
        for name, value in table_.items():
            if not name.startswith(":"):  # setuptools: requirements with a condition, and no extra
                extras.setdefault(name.partition(":")[0], (source, texts(value)))
    own = project_name(files)
    for name, (source, _) in extras.items():
        lines = _own_extras(name, {key: lines for key, (_, lines) in extras.items()}, own, 0)
        yield Need(f"extra {name}", source, aim_of(name), lines=lines, extras=(name,))


def _own_extras(name: str, extras: dict[str, tuple[str, ...]], own: str, depth: int) -> tuple[str, ...]:
    """The requirements of an extra; where it names the project's own extras, theirs."""
    lines: list[str] = []
    for line in extras.get(name, ()):
        if own and name_of(line) == own and "[" in line and depth < _DEEPEST:
            inner = line.partition("[")[2].partition("]")[0]
            lines += (found for other in inner.split(",") for found in _own_extras(other.strip(), extras, own, depth + 1))
        else:
            lines.append(line)
    return tuple(lines)


def group_needs(files: BaseFiles) -> Iterator[Need]:
    """Every dependency group (PEP 735)."""
    groups = table(files.toml(_PYPROJECT).get("dependency-groups"))
    for name in groups:
        lines = _group_lines(name, groups, 0)
        yield Need(f"dependency group {name}", "dependency-groups in pyproject.toml", aim_of(name), lines=lines, groups=(name,))


def _group_lines(name: str, groups: dict[str, Any], depth: int) -> tuple[str, ...]:
    given = next((value for key, value in groups.items() if normal(key) == normal(name)), None)
    lines: list[str] = []
    for item in given if isinstance(given, list) else []:
        if isinstance(item, str):
            lines.append(item)
        elif isinstance(other := at(item, "include-group"), str) and depth < _DEEPEST:
            lines += _group_lines(other, groups, depth + 1)
    return tuple(lines)


def legacy_needs(files: BaseFiles) -> Iterator[Need]:
    """`tests_require` of setuptools of old."""
    for source, value in (
        ("tests_require in setup.py", _setup(files).get("tests_require")),
        ("options.tests_require in setup.cfg", files.ini(_CFG).get("options", {}).get("tests_require")),
    ):
        if lines := texts(value):
            yield Need("packages for tests", source, Aim.TESTS, lines=lines, packages=lines)


def _setup(files: BaseFiles) -> dict[str, Any]:
    return setup_arguments(files.python(_SETUP)) if files.exists(_SETUP) else {}
