"""From a policy that leaves things open to one that says how the base is installed and tested, with the reason for each choice."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TypeVar

from pydantic import ValidationError

from runner.discovery import metadata, places
from runner.discovery.base_files import BaseFiles
from runner.discovery.choose import choose, covers, further
from runner.discovery.decision import Decision
from runner.discovery.languages import other_build, other_language, other_tests
from runner.discovery.libraries import MOST_BYTES, MOST_FILES, used_libraries
from runner.discovery.needs import Need, name_of, names_of
from runner.discovery.nested import Nested, nested_projects, search_path, wants
from runner.discovery.nox import nox_environment
from runner.discovery.poetry import poetry_needs
from runner.discovery.pytest_settings import plugins, settings_of
from runner.discovery.requirement_lists import lines_of, requirement_needs, runtime_lists
from runner.discovery.settled import Settled
from runner.discovery.system_packages import system_packages
from runner.discovery.tool_environments import tool_needs
from runner.discovery.tox import Environment, tox_environment
from runner.ports import Trees
from runner.sandbox.options import Build, Sandbox
from runner.trial.options import Tests
from runner.trial.pytest_options import PytestConfig, read_configuration
from runner.trial.roots import import_roots, own_modules

_Section = TypeVar("_Section", Tests, Build, Sandbox)
_GO_ON = "--continue-on-collection-errors"
"""One module that cannot be imported on the base, and then says so, is no reason to run none of the others."""
_CASE = re.compile(rb"^class \w+\([^)]{0,500}TestCase", re.MULTILINE)
_PYTEST_ONLY = re.compile(rb"^[ \t]*(?:import|from)[ \t]+(?:pytest|nose)|^def test", re.MULTILINE)
_PLAIN_CLASS = re.compile(rb"^class Test\w*(?:\((?:object)?\))?:[^\n]*\n((?:(?:[ \t#][^\n]*)?\n)*)", re.MULTILINE)
_LEFT_OUT = ("COV", "PIP_", "TOX_", "VIRTUALENV", "PYTEST_", "UV_", "FORCE_COLOR", "PY_COLORS", "PATH", "HOME")
"""Beginnings of variables that concern tools which do not run in a trial, or what the sandbox sets itself."""


def settle(tests: Tests, sandbox: Sandbox, trees: Trees, base_tree: str) -> Settled:
    """Fill in what the policy leaves to `auto`; what it gives itself is kept, and lists are added to.

    Reads files of the base tree only and runs nothing. Raises UsageError when the tests' configuration cannot be read.
    """
    build = sandbox.build
    open_image = build is not None and build.recipe == "auto"
    if not open_image and tests.runner != "auto":
        return Settled(tests, sandbox)
    files = BaseFiles(trees, base_tree)
    asked_for_python = tests.runner == "pytest" or tests.args or (build is not None and build.is_for_python)
    if not asked_for_python and (language := other_language(files)):
        return _settled_other(language, tests, sandbox, files)
    project = _Project(files, trees, base_tree, tests)
    decisions: list[Decision] = []
    if tests.runner == "auto":
        tests = _settled_tests(tests, project, decisions)
    if build is not None and open_image:
        build = _settled_build(build, project, decisions)
        sandbox = _with(sandbox, build=build, env={**_found_variables(project, sandbox, decisions), **sandbox.env})
    return Settled(tests, sandbox, tuple(decisions))


def _settled_other(language: str, tests: Tests, sandbox: Sandbox, files: BaseFiles) -> Settled:
    decisions = []
    if tests.runner == "auto":
        tests, decision = other_tests(language, tests, files)
        decisions.append(decision)
    if sandbox.build is not None and sandbox.build.recipe == "auto":
        build, decision = other_build(language, sandbox.build)
        sandbox = _with(sandbox, build=build)
        decisions.append(decision)
    return Settled(tests, sandbox, tuple(decisions))


class _Project:
    """What the base tree tells, worked out once."""

    def __init__(self, files: BaseFiles, trees: Trees, tree: str, tests: Tests) -> None:
        self.files = files
        self.config: PytestConfig = read_configuration(trees, tree, tests.args) if tests.runner != "command" else PytestConfig()
        self.environment: Environment | None = _environment(files)
        patterns = self.config.python_files or places.PATTERNS
        self.given = self._given(tests)
        self.places = places.find_places(files, tuple(pattern for pattern in patterns if "/" not in pattern) or places.PATTERNS, self.given)
        self.own = {*own_modules(trees, tree, import_roots(trees, tree)), *_beside(self.places, files)}

    @cached_property
    def contents(self) -> dict[str, bytes]:
        """The test files, as many as are worth reading."""
        modules = set(self.places.modules)
        paths = [*self.places.modules, *(path for path in self.places.beside if path not in modules)]
        sizes, read = 0, {}
        for path, content in self.files.contents(tuple(paths[:MOST_FILES])).items():
            sizes += len(content)
            if sizes > MOST_BYTES:
                break
            read[path] = content
        return read

    @cached_property
    def nested(self) -> tuple[Nested, ...]:
        """Projects in folders, where the root is none."""
        return () if metadata.installable(self.files) else nested_projects(self.files, self.places.modules)

    @property
    def is_unittest(self) -> bool:
        """Whether the suite is written for unittest alone: test cases, plain classes only to mix into them, and nothing for pytest."""
        read = [self.contents[path] for path in self.places.modules if path in self.contents]
        if settings_of(self.files, self.config) or not any(map(_CASE.search, read)) or any(map(_PYTEST_ONLY.search, read)):
            return False
        return all(b"self.assert" in body for content in read for body in _PLAIN_CLASS.findall(content))

    def _given(self, tests: Tests) -> tuple[str, ...]:
        """The folders and files of tests that the policy, pytest's configuration or a tool's command names, and that exist."""
        command = self.environment.command if self.environment else None
        testpaths = tuple(f"{self.config.rootdir}/{path}".lstrip("/").rstrip("/").removeprefix("./") for path in self.config.testpaths)
        for named in (tests.args, testpaths, command.paths if command else ()):
            plain = tuple(dict.fromkeys(path.partition("::")[0].rstrip("/") for path in named if not path.startswith("-")))
            if found := tuple(path for path in plain if self.files.exists(path) or self.files.is_folder(path)):
                return found
        return ()


def _environment(files: BaseFiles) -> Environment | None:
    tox, nox = tox_environment(files), nox_environment(files)
    return next((found for found in (tox, nox) if found and found.command), tox or nox)


def _beside(found: places.Places, files: BaseFiles) -> Iterator[str]:
    """Names that test files may import from their own folders."""
    for path in found.beside:
        yield path.rpartition("/")[2].removesuffix(".py")
        yield from path.split("/")[:-1]
    yield from (folder.rpartition("/")[2] for folder in files.folders())


def _settled_tests(tests: Tests, project: _Project, decisions: list[Decision]) -> Tests:
    config, environment = project.config, project.environment
    if tests.args:
        return _with(tests, runner="pytest")
    if config.testpaths and project.given:
        decisions.append(Decision("tests", f"tests: pytest {' '.join(project.given)}", f"testpaths in {config.file}"))
        return _with(tests, runner="pytest", args=(_GO_ON,))
    if environment and environment.command and (environment.command.paths or environment.command.args):
        command = environment.command
        args, source = (*command.args, *(command.paths or project.places.args)), environment.source
    elif project.places.args:
        args, source = project.places.args, _place_reason(project)
    else:
        what = "tests: no file looks like one; name them by tests.args, or another suite by tests.command"
        decisions.append(Decision("tests", what, ""))
        return _with(tests, runner="pytest", args=(_GO_ON,))
    shown = " ".join(args[:6]) + (f" and {len(args) - 6} more" if len(args) > 6 else "")  # noqa: PLR2004
    decisions.append(Decision("tests", f"tests: pytest {shown}", source))
    if project.is_unittest:
        decisions.append(
            Decision("tests", "tests: only classes of unittest count, no others named Test…", "nothing there is written for pytest")
        )
        args = (*args, "-o", "python_classes=")
    return _with(tests, runner="pytest", args=(*args, _GO_ON))


def _place_reason(project: _Project) -> str:
    count = len(project.places.modules)
    return f"{count} test file{'s' if count != 1 else ''} there"


def _settled_build(build: Build, project: _Project, decisions: list[Decision]) -> Build:
    files = project.files
    file = metadata.installable(files)
    installs = bool(file) and build.project
    needs = _needs(project)
    chosen = choose(needs)
    lines = list(metadata.dependencies(files))
    runtime: tuple[str, ...] = ()
    if not installs:
        runtime = runtime_lists(files)
        lines += [line for path in runtime for line in lines_of(files, path)]
    inner = tuple(wants(project.nested)) if build.project else ()
    lines += [line for _, wanted in inner for line in wanted.packages]
    covered = covers(chosen, (*lines, *build.packages, metadata.project_name(files)))
    more = tuple(further(_used(project), covered, needs))
    found = _gathered(chosen, installs=installs)
    if not installs:
        found["packages"] = (*found["packages"], *metadata.dependencies(files))
    found["requirements"] = (*found["requirements"], *runtime, *(path for _, wanted in inner for path in wanted.requirements))
    found["packages"] = (*found["packages"], *(line for _, wanted in inner for line in wanted.packages))
    found["packages"] = _without_doubles((*found["packages"], *(line for line, _ in more)), build.packages)
    system = dict(system_packages(files, project.contents))
    found["apt"] = tuple(system)
    decisions += _told(file, chosen, more, runtime, installs=installs)
    decisions += (
        Decision("sandbox.build.packages", f"installs: what {nested.folder} needs", f"{nested.folder}/{nested.file}")
        for nested, wanted in inner
        if any(wanted)
    )
    decisions += (Decision("sandbox.build.apt", f"adds: the Debian package {package}", why) for package, why in system.items())
    kept = {
        key: tuple(dict.fromkeys((*getattr(build, key), *(value for value in values if _fits(key, value)))))
        for key, values in found.items()
    }
    return _with(build, recipe="python", project=installs, **kept)


def _needs(project: _Project) -> tuple[Need, ...]:
    files = project.files
    environment = [project.environment.need] if project.environment else []
    return (
        *metadata.group_needs(files),
        *metadata.extra_needs(files),
        *poetry_needs(files),
        *tool_needs(files),
        *requirement_needs(files),
        *environment,
        *metadata.legacy_needs(files),
    )


def _used(project: _Project) -> list[tuple[str, str]]:
    """What the tests use, with why: by pytest's settings, by imports, fixtures and markers."""
    by_settings = list(plugins(project.files, project.config))
    return [*by_settings, *((name, f"used by {where}") for name, where in used_libraries(project.contents, project.own).items())]


def _gathered(chosen: Sequence[Need], *, installs: bool) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {
        key: tuple(value for need in chosen for value in getattr(need, key)) for key in ("extras", "groups", "requirements", "packages")
    }
    if not installs:  # nothing is there that could have extras: what stands behind them is installed instead
        found["packages"] += tuple(line for need in chosen if need.extras for line in need.lines)
        found["extras"] = ()
    return found


def _without_doubles(packages: Sequence[str], given: Sequence[str]) -> tuple[str, ...]:
    known = names_of(given)
    return tuple(line for line in packages if name_of(line) not in known)


def _told(
    file: str, chosen: Sequence[Need], more: Sequence[tuple[str, str]], runtime: Sequence[str], *, installs: bool
) -> Iterator[Decision]:
    if installs:
        yield Decision("sandbox.build.project", "installs: the project", file)
    else:
        yield Decision("sandbox.build.project", "installs: not the project, whose root is on the import path instead", "no build metadata")
    for path in runtime:
        yield Decision("sandbox.build.requirements", f"installs: {path}", "what the code needs, by its name")
    for need in chosen:
        key = next((key for key in ("extras", "groups", "requirements") if getattr(need, key)), "packages")
        by_name = "for tests, by its name" if need.requirements and need.source == need.what else need.source
        yield Decision(f"sandbox.build.{key}", f"installs: {need.what}", by_name)
    for line, why in more:
        yield Decision("sandbox.build.packages", f"adds: {line}", why)


def _found_variables(project: _Project, sandbox: Sandbox, decisions: list[Decision]) -> dict[str, str]:
    """Those that tox sets, and the search path for projects in folders, which are not installed."""
    found = _variables(project, sandbox, decisions)
    if not project.nested or "PYTHONPATH" in {*found, *sandbox.env}:
        return found
    path = search_path(project.nested)
    if not _is_variable("PYTHONPATH", path):
        return found
    decisions.append(Decision("sandbox.env", f"environment: PYTHONPATH={path}", "projects in folders, and none at the root"))
    return {**found, "PYTHONPATH": path}


def _variables(project: _Project, sandbox: Sandbox, decisions: list[Decision]) -> dict[str, str]:
    environment = project.environment
    if environment is None:
        return {}
    found = {
        name: value
        for name, value in environment.env.items()
        if name not in sandbox.env and not name.upper().startswith(_LEFT_OUT) and _is_variable(name, value)
    }
    decisions += [Decision("sandbox.env", f"environment: {name}={value}", environment.source) for name, value in found.items()]
    return found


def _is_variable(name: str, value: str) -> bool:
    try:
        Sandbox.model_validate({"env": {name: value}})
    except ValidationError:
        return False
    return True


def _fits(key: str, value: str) -> bool:
    """Whether the policy would take a value that was found: names can be odd in files that nobody checks."""
    try:
        Build.model_validate({key: (value,)})
    except ValidationError:
        return False
    return True


def _with(section: _Section, **changes: object) -> _Section:
    return type(section).model_validate({**dict(section), **changes})
