"""Requirements as Poetry writes them, in the form that pip reads."""

import re
from collections.abc import Iterator
from typing import Any

from runner.discovery.base_files import BaseFiles, at, table, texts
from runner.discovery.needs import Aim, Need, aim_of

_PART = re.compile(r"(\^|~(?!=))?\s*v?(\d+(?:\.\d+)*)(.*)")


def poetry_needs(files: BaseFiles) -> Iterator[Need]:
    """What Poetry's groups name; extras of Poetry are extras of the package and told with the others."""
    poetry = at(files.toml("pyproject.toml"), "tool", "poetry")
    for name, group in table(at(poetry, "group")).items():
        yield _need(f"group {name}", f"tool.poetry.group.{name}.dependencies in pyproject.toml", aim_of(name), at(group, "dependencies"))
    if given := at(poetry, "dev-dependencies"):
        yield _need("development packages", "tool.poetry.dev-dependencies in pyproject.toml", Aim.DEVELOPMENT, given)


def poetry_dependencies(files: BaseFiles) -> tuple[str, ...]:
    """What a Poetry project needs to run."""
    return requirements(at(files.toml("pyproject.toml"), "tool", "poetry", "dependencies"))


def poetry_extras(files: BaseFiles) -> dict[str, tuple[str, ...]]:
    """Names of the distributions behind each of Poetry's extras."""
    return {name: texts(value) for name, value in table(at(files.toml("pyproject.toml"), "tool", "poetry", "extras")).items()}


def requirements(given: Any) -> tuple[str, ...]:
    """A table of Poetry's dependencies as pip's requirements; local paths, and Python itself, are left out."""
    return tuple(line for name, value in table(given).items() if name.lower() != "python" if (line := _requirement(name, value)))


def _need(what: str, source: str, aim: Aim, given: Any) -> Need:
    lines = requirements(given)
    return Need(what, source, aim, lines=lines, packages=lines)


def _requirement(name: str, value: Any) -> str:
    if isinstance(value, str):
        return name + _specifier(value)
    if isinstance(value, list):  # one entry per Python version or platform
        return name
    extras = ",".join(texts(at(value, "extras")))
    name = f"{name}[{extras}]" if extras else name
    if isinstance(git := at(value, "git"), str):
        revision = next((r for key in ("rev", "tag", "branch") if isinstance(r := at(value, key), str)), "")
        return f"{name} @ git+{git}{'@' + revision if revision else ''}"
    if isinstance(url := at(value, "url"), str):
        return f"{name} @ {url}"
    if not isinstance(value, dict) or "path" in value:
        return ""
    version = value.get("version")
    markers = value.get("markers")
    return name + _specifier(version if isinstance(version, str) else "*") + (f" ; {markers}" if isinstance(markers, str) else "")


def _specifier(text: str) -> str:
    """Poetry's `^1.2`, `~1.2`, `1.2`, `1.*` and `*` in pip's words; empty where alternatives are given."""
    if "||" in text or "|" in text:
        return ""
    return ",".join(filter(None, (_part(part.strip()) for part in text.replace(" ", ",").split(",") if part.strip())))


def _part(part: str) -> str:
    if part == "*":
        return ""
    found = _PART.fullmatch(part)
    if found is None:
        return part
    sign, number, rest = found[1], found[2], found[3]
    numbers = [int(digits) for digits in number.split(".")]
    if sign == "^":
        at_ = next((index for index, digit in enumerate(numbers) if digit), len(numbers) - 1)
        return f">={number}{rest},<{_next(numbers, at_)}"
    if sign:
        return f">={number}{rest},<{_next(numbers, min(1, len(numbers) - 1))}"
    return f"=={number}{rest}"


def _next(numbers: list[int], index: int) -> str:
    return ".".join(str(digit) for digit in (*numbers[:index], numbers[index] + 1))
