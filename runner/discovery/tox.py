"""What tox's settings say of the environment that tests run in; substitutions and conditions are read, nothing is run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.discovery.base_files import BaseFiles, at, ini, is_plain, table, texts
from runner.discovery.commands import TestCommand, best, suite_command
from runner.discovery.needs import Aim, Need, name_of
from runner.discovery.requirement_lists import lines_of

WORK = "/work"
"""Where the working copy lies in the sandbox."""
_SECTION = "testenv"
_REFERENCE = re.compile(r"\{\[([^\]{}]+)\]([\w.-]+)\}")
_ENVIRONMENT = re.compile(r"\{env:[\w.]+(?::([^{}]*))?\}")
_CONDITION = re.compile(r"([!\w.,{}-]+):\s+(.*)|([!\w.,{}-]+):$")
_TOOLS = frozenset(
    [
        "tox",
        "coverage",
        "pytest-cov",
        "codecov",
        "coveralls",
        "flake8",
        "mypy",
        "ruff",
        "black",
        "isort",
        "pylint",
        "twine",
        "build",
        "pre-commit",
        "pytest-xdist",
        "pytest-randomly",
        "pytest-sugar",
    ]
)
"""What a suite does without in a trial: coverage and other processes are off there, and linters are no tests."""
_NESTING = 10
_FACTORS = frozenset(["py", "py3", "python3", "cpython", "linux", "test", "tests", "unit"])
_PREFERRED = re.compile(r"py3\d*|py|python3|tests?|unit|pytest")


@dataclass(frozen=True)
class Environment:
    """How a tool runs the tests: what it needs, the command, and its variables."""

    need: Need
    command: TestCommand | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    source: str = ""


def tox_environment(files: BaseFiles) -> Environment | None:
    """The environment of tox that runs the tests; `None` without settings of tox that tell of one."""
    for file, sections in _settings(files):
        if environment := _from_ini(files, file, sections):
            return environment
    for file, document in (
        ("tox.toml", files.toml("tox.toml")),
        ("pyproject.toml", table(at(files.toml("pyproject.toml"), "tool", "tox"))),
    ):
        if environment := _from_toml(files, file, document):
            return environment
    return None


def _settings(files: BaseFiles) -> list[tuple[str, dict[str, dict[str, str]]]]:
    legacy = at(files.toml("pyproject.toml"), "tool", "tox", "legacy_tox_ini")
    found = [("tox.ini", files.ini("tox.ini")), ("setup.cfg", files.ini("setup.cfg"))]
    if isinstance(legacy, str):
        found.append(("tool.tox.legacy_tox_ini in pyproject.toml", ini(legacy)))
    return found


def _from_ini(files: BaseFiles, file: str, sections: dict[str, dict[str, str]]) -> Environment | None:
    base = sections.get(_SECTION, {})
    named = [name for name in sections if name.startswith(f"{_SECTION}:")]
    preferred = [name for name in named if _PREFERRED.fullmatch(name.partition(":")[2])]
    for name in (_SECTION, *preferred):
        if name not in sections:
            continue
        merged = {**base, **sections[name]}
        lines = {
            key: _lines(merged.get(key, ""), sections) for key in ("deps", "extras", "dependency_groups", "commands", "setenv", "set_env")
        }
        lines["setenv"] += lines.pop("set_env")
        folder = (merged.get("changedir") or merged.get("change_dir") or "").strip()
        where = f"{name} in {file}" if " in " not in file else file
        found = _environment(files, where, lines, folder)
        if found.command is not None or (
            name == _SECTION and not preferred and (found.need.lines or found.need.extras or found.need.groups)
        ):
            return found
    return None


def _lines(value: str, sections: dict[str, dict[str, str]], depth: int = 0) -> list[str]:
    """The lines of a value that apply: references to other sections filled in, conditions for other environments left out."""
    found: list[str] = []
    for raw in value.replace("\\\n", " ").splitlines():
        line = re.sub(r"(?:^|\s)#.*", "", raw).strip()
        condition = _CONDITION.fullmatch(line)
        if condition and not line.startswith(("-", "{")) and "://" not in line:
            if not _applies(condition[1] or condition[3]):
                continue
            line = (condition[2] or "").strip()
        whole = _REFERENCE.fullmatch(line)
        if whole and depth < _NESTING:
            found += _lines(sections.get(whole[1], {}).get(whole[2], ""), sections, depth + 1)
        elif line:
            found.append(
                _REFERENCE.sub(lambda match: sections.get(match[1], {}).get(match[2], "").strip(), line) if depth < _NESTING else line
            )
    return found


def _applies(condition: str) -> bool:
    """Whether a condition of factors holds for a plain environment of the current Python, such as `py3`."""
    return any(
        all((factor.lstrip("!") in _FACTORS) != factor.startswith("!") for factor in re.split(r"-", alternative.strip()))
        for alternative in _expanded(condition)
    )


def _expanded(condition: str) -> list[str]:
    """`py{36,37},lint` as its alternatives."""
    found = re.search(r"\{([^{}]*)\}", condition)
    if found is None:
        return condition.split(",")
    parts = [condition[: found.start()] + part + condition[found.end() :] for part in found[1].split(",")]
    return [alternative for part in parts for alternative in _expanded(part)]


def _from_toml(files: BaseFiles, file: str, document: dict[str, Any]) -> Environment | None:
    base = table(document.get("env_run_base"))
    environments = table(document.get("env"))
    place = "tool.tox." if file == "pyproject.toml" else ""
    candidates = [
        ("env_run_base", base),
        *((f"env.{name}", {**base, **table(given)}) for name, given in environments.items() if _PREFERRED.fullmatch(name)),
    ]
    for name, given in candidates:
        lines = {key: list(texts(given.get(key))) for key in ("deps", "extras", "dependency_groups")}
        lines["commands"] = [" ".join(map(_word, command)) for command in given.get("commands", ()) if isinstance(command, list)]
        lines["setenv"] = [f"{key}={value}" for key, value in table(given.get("set_env")).items() if isinstance(value, str)]
        folder = given.get("change_dir", "")
        found = _environment(files, f"{place}{name} in {file}", lines, folder if isinstance(folder, str) else "")
        if found.command is not None or found.need.lines or found.need.extras or found.need.groups:
            return found
    return None


def _word(word: Any) -> str:
    import shlex

    if isinstance(word, str):
        return shlex.quote(word) if "{" not in word else word
    if at(word, "replace") == "posargs":
        return "{posargs} " + " ".join(texts(at(word, "default")))
    return ""


def _environment(files: BaseFiles, source: str, lines: dict[str, list[str]], folder: str) -> Environment:
    folder = re.sub(r"^\{(?:toxinidir|tox_root)\}/?", "", folder)
    folder = folder if folder and is_plain(folder) and "{" not in folder else ""
    command = best(suite_command(_default(line), files, folder) for line in lines["commands"])
    if command is not None and folder and not command.paths:
        command = TestCommand(command.args, (folder,), command.main, command.uses)
    return Environment(
        need=environment_need("the environment of tox", source, files, lines),
        command=command,
        env=_variables(lines["setenv"]),
        source=source,
    )


def _default(line: str) -> str:
    """A command with `{posargs:…}` and `{env:…}` replaced by their defaults; a bare mention stays as the mark of a main command."""
    line = _ENVIRONMENT.sub(lambda match: match[1] or "", line)
    return re.sub(r"\{posargs:((?:[^{}]|\{[^{}]*\})*)\}|\{posargs\}|\[\]", lambda match: f"{match[1] or ''} {{posargs}}", line)


def environment_need(what: str, source: str, files: BaseFiles, lines: Mapping[str, list[str]]) -> Need:
    """The need behind an environment's `deps`, `extras` and `dependency_groups`; tools that a trial does without are left out."""
    requirements, packages = [], []
    extras, groups = list(_words(lines.get("extras", []))), list(_words(lines.get("dependency_groups", [])))
    for raw in lines.get("deps", []):
        line = re.sub(r"\{(?:toxinidir|tox_root)\}/?", "", raw).strip()
        if include := re.match(r"(?:-r|--requirement)[\s=]*(\S+)", line):
            requirements += [include[1].removeprefix("./")] if files.exists(include[1].removeprefix("./")) else []
        elif group := re.fullmatch(r"--group[\s=]*([\w.-]+)", line):
            groups.append(group[1])
        elif own := re.match(r"(?:-e\s*)?\.\[([\w.,\s-]+)\]", line):
            extras += _words([own[1]])
        elif not line.startswith(("-", ".", "/")) and "{" not in line and name_of(line) and name_of(line) not in _TOOLS:
            packages.append(line)
    read = [found for path in requirements for found in lines_of(files, path)]
    return Need(
        what,
        source,
        Aim.TESTS,
        lines=(*packages, *read),
        extras=tuple(dict.fromkeys(extras)),
        groups=tuple(dict.fromkeys(groups)),
        requirements=tuple(dict.fromkeys(requirements)),
        packages=tuple(dict.fromkeys(packages)),
    )


def _words(lines: list[str]) -> tuple[str, ...]:
    words = (word.strip() for line in lines for word in re.split(r"[,\s]+", line))
    return tuple(dict.fromkeys(word for word in words if re.fullmatch(r"[A-Za-z0-9][\w.-]*", word)))


def _variables(lines: list[str]) -> dict[str, str]:
    """Variables whose values can be told, in terms of the sandbox; those of tools that do not run there are left out."""
    found = {}
    for line in lines:
        name, equals, value = line.partition("=")
        value = _ENVIRONMENT.sub(lambda match: match[1] or "", value.strip())
        value = re.sub(r"\{(?:toxinidir|tox_root)\}", WORK, value)
        if equals and not re.search(r"[{}$]", value):
            found[name.strip()] = value
    return found
