"""What the environments of hatch, PDM, uv and Pipenv name for tests."""

from collections.abc import Iterator
from typing import Any

from runner.discovery.base_files import BaseFiles, at, table, texts
from runner.discovery.needs import Aim, Need, aim_of, names_of
from runner.discovery.poetry import requirements

_PYPROJECT = "pyproject.toml"


def tool_needs(files: BaseFiles) -> Iterator[Need]:
    """One need for each environment that a tool's settings describe."""
    document = files.toml(_PYPROJECT)
    for source, given in (("tool.hatch.envs", at(document, "tool", "hatch", "envs")), ("envs", files.toml("hatch.toml").get("envs"))):
        file = _PYPROJECT if source.startswith("tool") else "hatch.toml"
        for name, environment in table(given).items():
            yield _hatch(name, environment, f"{source}.{name} in {file}")
    for name, lines in table(at(document, "tool", "pdm", "dev-dependencies")).items():
        yield _outright(f"group {name}", f"tool.pdm.dev-dependencies.{name} in {_PYPROJECT}", aim_of(name), texts(lines))
    if lines := texts(at(document, "tool", "uv", "dev-dependencies")):
        yield _outright("development packages", f"tool.uv.dev-dependencies in {_PYPROJECT}", Aim.DEVELOPMENT, lines)
    if lines := requirements(files.toml("Pipfile").get("dev-packages")):
        yield _outright("development packages", "dev-packages in Pipfile", Aim.DEVELOPMENT, lines)


def _hatch(name: str, environment: Any, source: str) -> Need:
    lines = (*texts(at(environment, "dependencies")), *texts(at(environment, "extra-dependencies")))
    aim = Aim.LIKE_TESTS if name == "hatch-test" else aim_of(name)
    if name == "default":
        aim = Aim.LIKE_TESTS if "pytest" in names_of(lines) else Aim.DEVELOPMENT
    return Need(
        f"environment {name} of hatch",
        source,
        aim,
        lines=lines,
        packages=lines,
        extras=texts(at(environment, "features")),
        groups=texts(at(environment, "dependency-groups")),
    )


def _outright(what: str, source: str, aim: Aim, lines: tuple[str, ...]) -> Need:
    lines = tuple(line for line in lines if not line.startswith(("-", ".")))
    return Need(what, source, aim, lines=lines, packages=lines)
