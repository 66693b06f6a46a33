"""The test command that a project's own tooling runs, taken apart: what of it applies to pytest in a trial."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from runner.discovery.base_files import BaseFiles, is_plain

_PYTHON = re.compile(r"(?:.*/)?python(?:\d(?:\.\d+)?)?|\{envpython\}|\{env_python\}")
_WRAPPERS = {
    "coverage": ("run",),
    "uv": ("run",),
    "poetry": ("run",),
    "pdm": ("run",),
    "hatch": ("run",),
    "pipenv": ("run",),
    "slipcover": (),
    "time": (),
}
_KEPT_VALUES = (
    "--ignore",
    "--ignore-glob",
    "--deselect",
    "--import-mode",
    "--doctest-glob",
    "-k",
    "-m",
    "-p",
    "-o",
    "--override-ini",
    "-W",
    "-c",
)
_KEPT_FLAGS = ("--doctest-modules", "--pyargs", "--doctest-ignore-import-errors", "--doctest-continue-on-failure", "--strict-markers")
_SKIPPED_VALUES = (
    "--cov", "--cov-report", "--cov-config", "-n", "--numprocesses", "--tb", "--durations", "-r", "--maxfail", "--junitxml", "--junit-xml",
    "--basetemp", "--rootdir", "--timeout", "--dist", "--hypothesis-profile", "--hypothesis-seed", "--reruns", "--verbosity", "--color",
)  # fmt: skip
_OWN_PATTERN = ("-p", "--pattern")


@dataclass(frozen=True)
class TestCommand:
    """Arguments for pytest, and whether the command is the one that takes a person's arguments."""

    __test__ = False

    args: tuple[str, ...]
    paths: tuple[str, ...]
    main: bool
    uses: str = "pytest"


def suite_command(text: str, files: BaseFiles, folder: str = "") -> TestCommand | None:
    """What a command line of tox or nox says about the suite; `None` when it runs none.

    `folder` is where it runs. Paths that the tree does not have are left out, and so is what only concerns a person at a terminal.
    """
    try:
        words = shlex.split(text, comments=True)
    except ValueError:
        return None
    return command_of(words, files, folder, main="posargs" in text)


def command_of(words: list[str], files: BaseFiles, folder: str = "", *, main: bool = False) -> TestCommand | None:
    """As `suite_command`, for a command that is taken apart already."""
    words = _program(words)
    if not words:
        return None
    program, rest = words[0], words[1:]
    if program in ("pytest", "py.test"):
        args, paths = _pytest(rest, files, folder)
        return TestCommand(args, paths, main)
    if program == "unittest":
        args, paths = _unittest(rest, files, folder)
        return TestCommand(args, paths, main, "unittest")
    if program in ("trial", "nose", "nosetests", "nose2", "zope-testrunner", "stestr", "green"):
        return TestCommand((), _paths([word for word in rest if not word.startswith("-")], files, folder), main, program)
    return None


def _program(words: list[str]) -> list[str]:
    """The words from the name of the test program on: without interpreters, wrappers and assignments before it."""
    words = list(words)
    while words:
        first = words[0]
        if first in ("-", "!", "env") or ("=" in first and first.partition("=")[0].isidentifier()):
            words = words[1:]
        elif _PYTHON.fullmatch(first):
            words = words[1:]
            while words and words[0].startswith("-") and words[0] != "-m":
                words = words[2 if words[0] in ("-W", "-X") else 1 :]
            if not words or words[0] != "-m":
                return []
            words = words[1:]
        elif PurePosixPath(first).name in _WRAPPERS:
            wrapped = _WRAPPERS[PurePosixPath(first).name]
            words = words[1:]
            if wrapped and (not words or words[0] not in wrapped):
                return []
            words = words[len(wrapped) :]
            while words and words[0].startswith("-") and words[0] != "-m":
                words = words[
                    1
                    if "=" in words[0] or words[0] in ("-p", "-a", "--branch", "--parallel-mode", "--append", "--parallel", "--no-sync")
                    else 2 :
                ]
            words = words[1:] if words[:1] == ["-m"] else words
        else:
            return [PurePosixPath(first).name, *words[1:]] if "{" not in first else []
    return []


def _pytest(words: list[str], files: BaseFiles, folder: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    args: list[str] = []
    named: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, _ = word.partition("=")
        if not word.startswith("-"):
            named.append(word)
        elif name in _KEPT_VALUES:
            value = [] if equals or not rest else [rest.pop(0)]
            if all(_is_literal(part) for part in (word, *value)) and not _is_personal(word, value):
                args += [word, *value]
        elif word in _KEPT_FLAGS:
            args.append(word)
        elif name in _SKIPPED_VALUES and not equals and rest and not rest[0].startswith("-") and not _exists(rest[0], files, folder):
            rest.pop(0)
    if "--pyargs" in args:
        args.remove("--pyargs")
        named = [name.replace(".", "/") for name in named]
    return tuple(args), _paths(named, files, folder)


def _unittest(words: list[str], files: BaseFiles, folder: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`discover -s tests -p "*_test.py"`, or modules by name."""
    args: list[str] = []
    named: list[str] = []
    rest = [word for word in words if word != "discover"]
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name in (*_OWN_PATTERN, "-s", "--start-directory", "-t", "--top-level-directory", "-k"):
            value = value if equals else rest.pop(0) if rest else ""
            if name in _OWN_PATTERN and _is_literal(value):
                args += ["-o", f"python_files={value}"]
            elif name in ("-s", "--start-directory"):
                named.append(value)
        elif not word.startswith("-"):
            named.append(word)
    named = [name if _exists(name, files, folder) else f"{name.replace('.', '/')}.py" for name in named]
    return tuple(args), _paths(
        [name.removesuffix(".py") if files.is_folder(name.removesuffix(".py")) else name for name in named], files, folder
    )


def _paths(named: list[str], files: BaseFiles, folder: str) -> tuple[str, ...]:
    found = [path for name in named if (path := _placed(name, folder)) and (files.exists(path) or files.is_folder(path))]
    return tuple(dict.fromkeys(found))


def _exists(name: str, files: BaseFiles, folder: str) -> bool:
    path = _placed(name, folder)
    return bool(path) and (files.exists(path) or files.is_folder(path))


def _placed(name: str, folder: str) -> str:
    """A path of the tree for one that a command names from `folder`; empty for anything else."""
    name = re.sub(r"^\{(?:toxinidir|tox_root)\}/?", "/", name).partition("::")[0]
    from_root = name.startswith("/")
    path = str(PurePosixPath(name.lstrip("/") if from_root or not folder else f"{folder}/{name}"))
    return path if _is_literal(path) and path != "." and is_plain(path) else ""


def _is_literal(text: str) -> bool:
    return not any(sign in text for sign in "{}$") and text.isprintable()


def _is_personal(word: str, value: list[str]) -> bool:
    """Options that name a plugin or a file of another tool."""
    return (word == "-p" and value[:1] and value[0] in ("no:warnings", "no:sugar", "sugar")) or (word == "-c" and not value)


def best(commands: Iterator[TestCommand | None]) -> TestCommand | None:
    """Of several commands the one that runs the suite itself: it takes a person's arguments, or else names folders."""
    found = [command for command in commands if command is not None]
    return next((command for command in found if command.main), found[0] if found else None)
