"""Projects in folders of a repository whose root is none: where their code is, and what their tests need."""

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from runner.discovery import metadata
from runner.discovery.base_files import BaseFiles
from runner.discovery.choose import choose
from runner.discovery.needs import name_of
from runner.discovery.poetry import poetry_needs
from runner.discovery.requirement_lists import requirement_needs, runtime_lists
from runner.discovery.tool_environments import tool_needs

_MOST = 20
_WORK = "/work"


class Nested(NamedTuple):
    """One project below the root: its folder, the file that says that it is one, and its files."""

    folder: str
    file: str
    files: BaseFiles


class Wants(NamedTuple):
    """What a nested project and its tests need: requirements outright, and requirement files by their paths from the root."""

    packages: tuple[str, ...]
    requirements: tuple[str, ...]


def nested_projects(files: BaseFiles, modules: Iterable[str]) -> tuple[Nested, ...]:
    """The nearest project above each test module, in the order of the modules; the root is none of them."""
    asked: dict[str, Nested | None] = {}
    found: dict[str, Nested] = {}
    for module in modules:
        for parent in map(str, PurePosixPath(module).parents):
            if parent == "." or len(found) >= _MOST:
                break
            if parent not in asked:
                below = files.below(parent)
                file = metadata.installable(below)
                asked[parent] = Nested(parent, file, below) if file else None
            if (project := asked[parent]) is not None:
                found[parent] = project
                break
    return tuple(found.values())


def search_path(projects: Iterable[Nested]) -> str:
    """The value of PYTHONPATH with which all of them import without being installed."""
    roots = (f"{_WORK}/{project.folder}/{root}".rstrip("/") for project in projects for root in (*project.files.import_roots, ""))
    return ":".join(root for root in dict.fromkeys(roots) if root.count(":") == 0)


def wants(projects: Iterable[Nested]) -> Iterator[tuple[Nested, Wants]]:
    """What each of them needs, without the others: a name of this repository is never taken from an index."""
    projects = tuple(projects)
    own = {metadata.project_name(project.files) or PurePosixPath(project.folder).name for project in projects}
    for project in projects:
        files = project.files
        needs = choose(
            (
                *metadata.group_needs(files),
                *metadata.extra_needs(files),
                *poetry_needs(files),
                *tool_needs(files),
                *requirement_needs(files),
                *metadata.legacy_needs(files),
            )
        )
        lines = (
            *metadata.dependencies(files),
            *(line for need in needs if not need.requirements for line in (need.lines or need.packages)),
        )
        lists = (*(path for need in needs for path in need.requirements), *(() if metadata.dependencies(files) else runtime_lists(files)))
        yield (
            project,
            Wants(
                tuple(line for line in dict.fromkeys(lines) if name_of(line) not in own),
                tuple(dict.fromkeys(f"{project.folder}/{path}" for path in lists)),
            ),
        )
