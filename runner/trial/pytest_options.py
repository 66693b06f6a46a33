"""The pytest options of a project: which configuration file pytest would take, and which of its addopts a trial keeps."""

import configparser
import shlex
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from runner.errors import UsageError
from runner.ports import Trees

_VALUE, _OPTIONAL, _FLAG = "value", "optional", "flag"
_DROPPED = {
    # another process, another order, or another set of tests than the inventory's
    "--numprocesses": _VALUE, "--dist": _VALUE, "--maxprocesses": _VALUE, "--tx": _VALUE, "--rsyncdir": _VALUE, "--px": _VALUE,
    "--max-worker-restart": _VALUE, "--maxschedchunk": _VALUE, "--testrunuid": _VALUE, "--looponfail": _FLAG,
    "--workers": _VALUE, "--tests-per-worker": _VALUE,
    "--exitfirst": _FLAG, "--maxfail": _VALUE,
    "--lf": _FLAG, "--last-failed": _FLAG, "--ff": _FLAG, "--failed-first": _FLAG, "--nf": _FLAG, "--new-first": _FLAG,
    "--lfnf": _VALUE, "--last-failed-no-failures": _VALUE, "--sw": _FLAG, "--sw-skip": _FLAG, "--sw-reset": _FLAG,
    "--reruns": _VALUE, "--reruns-delay": _VALUE, "--only-rerun": _VALUE, "--rerun-except": _VALUE, "--force-flaky": _FLAG,
    "--max-runs": _VALUE, "--min-passes": _VALUE, "--retries": _VALUE, "--retry-delay": _VALUE,
    "--random-order": _FLAG, "--random-order-bucket": _VALUE, "--random-order-seed": _VALUE,
    "--randomly-seed": _VALUE, "--randomly-dont-reorganize": _FLAG, "--randomly-dont-reset-seed": _FLAG,
    # a person at a terminal
    "--pdb": _FLAG, "--pdbcls": _VALUE, "--trace": _FLAG, "--color": _VALUE,
    # reports that nobody reads here; coverage also slows the suite and can turn its exit status
    "--junitxml": _VALUE, "--junit-xml": _VALUE, "--junitprefix": _VALUE, "--junit-prefix": _VALUE,
    "--html": _VALUE, "--css": _VALUE, "--self-contained-html": _FLAG,
    "--json-report": _FLAG, "--json-report-file": _VALUE, "--json-report-indent": _VALUE, "--json-report-omit": _VALUE,
    "--json-report-summary": _FLAG, "--json-report-verbosity": _VALUE,
    "--cov": _OPTIONAL, "--cov-report": _VALUE, "--cov-config": _VALUE, "--cov-fail-under": _VALUE, "--cov-context": _VALUE,
    "--cov-precision": _VALUE, "--cov-append": _FLAG, "--cov-branch": _FLAG, "--cov-reset": _FLAG,
    "--no-cov": _FLAG, "--no-cov-on-fail": _FLAG,
}  # fmt: skip
_DROPPED_PREFIXES = ("--cov-", "--no-cov", "--stepwise", "--reruns-", "--html-", "--json-report-", "--randomly-", "--random-order-")
_SHORT_FLAGS, _SHORT_VALUES = "qvslhVxdf", "kmpcoWnr"
_DROPPED_SHORT_FLAGS, _DROPPED_SHORT_VALUES = "xdf", "n"
_DROPPED_PLUGINS = ("randomly", "pytest_randomly", "random_order", "random_order.plugin")
_LONG_VALUES = ("--override-ini", "--deselect", "--ignore", "--ignore-glob", "--rootdir", "--confcutdir", "--config-file", "--basetemp")


@dataclass(frozen=True)
class PytestConfig:
    """What the tests' configuration of a tree says; paths are relative to the tree's root."""

    file: str | None = None
    """The file pytest would take; `None` when there is none."""
    rootdir: str = ""
    addopts: tuple[str, ...] = ()
    testpaths: tuple[str, ...] = ()
    python_files: tuple[str, ...] = ()
    pythonpath: tuple[str, ...] = ()


def kept(addopts: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split options into those a trial keeps and those it drops, in order.

    Dropped is what adds processes, stops early, repeats, reorders or selects tests by history, asks a person, or writes
    reports: the base must be green without it.
    """
    keep: list[str] = []
    drop: list[str] = []
    rest = list(addopts)
    while rest:
        token = rest.pop(0)
        if token == "--":  # noqa: S105  not a password
            keep += [token, *rest]
            break
        split = _long if token.startswith("--") else _short if token.startswith("-") and len(token) > 1 else _plain
        kept_tokens, dropped_tokens = split(token, rest)
        keep += kept_tokens
        drop += dropped_tokens
    return tuple(keep), tuple(drop)


def _plain(token: str, _rest: list[str]) -> tuple[list[str], list[str]]:
    return [token], []


def _long(token: str, rest: list[str]) -> tuple[list[str], list[str]]:
    name, equals, value = token.partition("=")
    if name in _LONG_VALUES:
        taken = [token] if equals or not rest else [token, rest.pop(0)]
        unwanted = name == "--override-ini" and _unwanted_ini(value if equals else taken[-1])
        return ([], taken) if unwanted else (taken, [])
    kind = _DROPPED.get(name) or (_FLAG if name.startswith(_DROPPED_PREFIXES) else None)
    if kind is None:
        return [token], []
    if equals or kind == _FLAG or not rest or (kind == _OPTIONAL and rest[0].startswith("-")):
        return [], [token]
    return [], [token, rest.pop(0)]


def _short(token: str, rest: list[str]) -> tuple[list[str], list[str]]:
    """Take a group of short options apart, as in `-qx`, `-n4` or `-vn 4`; a letter that is not known leaves it whole."""
    flags = dropped = ""
    for at, letter in enumerate(token[1:], start=1):
        if letter in _SHORT_FLAGS:
            if letter in _DROPPED_SHORT_FLAGS:
                dropped += letter
            else:
                flags += letter
        elif letter in _SHORT_VALUES:
            inline = token[at + 1 :]
            taken = [f"-{letter}{inline}"] if inline or not rest else [f"-{letter}", rest.pop(0)]
            value = inline.removeprefix("=") if inline else taken[-1]
            before_kept, before_dropped = [f"-{flags}"] if flags else [], [f"-{dropped}"] if dropped else []
            if _unwanted_short(letter, value):
                return before_kept, [*before_dropped, *taken]
            return [*before_kept, *taken], before_dropped
        else:
            return [token], []
    return [f"-{flags}"] if flags else [], [f"-{dropped}"] if dropped else []


def _unwanted_short(letter: str, value: str) -> bool:
    if letter == "p":
        return value.strip() in _DROPPED_PLUGINS
    return letter in _DROPPED_SHORT_VALUES or (letter == "o" and _unwanted_ini(value))


def _unwanted_ini(setting: str) -> bool:
    return setting.strip().startswith(("junit", "addopts"))


def read_configuration(trees: Trees, tree: str, args: Sequence[str] = ()) -> PytestConfig:
    """The configuration that pytest would find for `args`, started in the root of `tree`.

    Raises UsageError when the file cannot be read as pytest would read it.
    """
    if (named := _named_file(args)) is not None:
        content = trees.read(tree, named)
        found = _parse(named, content) if content is not None else None
        return _configuration(named, found or {})
    start = _common_folder(trees, tree, args)
    pyproject: str | None = None
    for folder in _upwards(start):
        for name, _ in _READERS:
            path = f"{folder}/{name}" if folder else name
            content = trees.read(tree, path)
            if content is None:
                continue
            if name == "pyproject.toml" and pyproject is None:
                pyproject = path
            found = _parse(path, content)
            if found is not None:
                return _configuration(path, found)
    if pyproject is not None:
        return _configuration(pyproject, {})
    root = next((folder for folder in _upwards(start) if trees.read(tree, f"{folder}/setup.py".lstrip("/")) is not None), "")
    return PytestConfig(rootdir=root)


def _named_file(args: Sequence[str]) -> str | None:
    for at, token in enumerate(args):
        if token in ("-c", "--config-file") and at + 1 < len(args):
            return args[at + 1]
        if token.startswith("--config-file="):
            return token.partition("=")[2]
    return None


def _upwards(folder: str) -> list[str]:
    path = PurePosixPath(folder)
    return [("" if str(step) == "." else str(step)) for step in (path, *path.parents)] if folder else [""]


def _common_folder(trees: Trees, tree: str, args: Sequence[str]) -> str:
    """The folder where pytest begins to look: the common one of the arguments that exist."""
    common: tuple[str, ...] | None = None
    for before, token in zip(("", *args), args, strict=False):
        is_value = before in (*_LONG_VALUES, *(f"-{letter}" for letter in _SHORT_VALUES))
        if is_value or token.startswith(("-", "/")):
            continue
        path = PurePosixPath(token.partition("::")[0])
        if ".." in path.parts:
            continue
        if str(path) == ".":
            parts: tuple[str, ...] = ()
        elif trees.read(tree, str(path)) is not None:
            parts = path.parts[:-1]
        elif trees.listing(tree, str(path)):
            parts = path.parts
        else:
            continue
        common = parts if common is None else tuple(a for a, b in zip(common, parts, strict=False) if a == b)
    return "/".join(common or ())


def _configuration(path: str, found: dict[str, Any]) -> PytestConfig:
    def words(key: str) -> tuple[str, ...]:
        value = found.get(key, ())
        try:
            return tuple(shlex.split(value)) if isinstance(value, str) else tuple(str(item) for item in value)
        except (TypeError, ValueError) as problem:
            raise UsageError(
                f"{path}: pytest's {key} cannot be read: {problem}", hint="Run pytest by hand: it will not start."
            ) from problem

    folder = str(PurePosixPath(path).parent)
    return PytestConfig(
        file=path,
        rootdir="" if folder == "." else folder,
        addopts=words("addopts"),
        testpaths=words("testpaths"),
        python_files=words("python_files"),
        pythonpath=words("pythonpath"),
    )


def _parse(path: str, content: bytes) -> dict[str, Any] | None:
    """What a file of this name holds for pytest; `None` when pytest would go on to the next file."""
    name = PurePosixPath(path).name
    by_suffix = {".toml": _pyproject, ".ini": _any_ini, ".cfg": _setup_cfg}
    read = dict(_READERS).get(name) or by_suffix.get(PurePosixPath(path).suffix)
    if read is None:
        return None
    try:
        return read(content.decode())
    except (ValueError, configparser.Error) as problem:
        raise UsageError(f"{path} cannot be read: {problem}", hint="Mend the file on the base; pytest cannot start with it.") from problem


def _table(*keys: str) -> Callable[[dict[str, Any]], dict[str, Any] | None]:
    def look(document: dict[str, Any]) -> dict[str, Any] | None:
        value: Any = document
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, dict) else None

    return look


def _pytest_toml(text: str) -> dict[str, Any] | None:
    return _table("pytest")(tomllib.loads(text)) or {}


def _pyproject(text: str) -> dict[str, Any] | None:
    document = tomllib.loads(text)
    ini = _table("tool", "pytest", "ini_options")(document)
    own = {key: value for key, value in (_table("tool", "pytest")(document) or {}).items() if key != "ini_options"}
    return own or ini


def _section(text: str, name: str) -> dict[str, Any] | None:
    if f"[{name}]" not in text:
        return None
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parser.read_string(text)
    return dict(parser[name]) if parser.has_section(name) else None


def _own_ini(text: str) -> dict[str, Any] | None:
    return _section(text, "pytest") or {}


def _any_ini(text: str) -> dict[str, Any] | None:
    return _section(text, "pytest")


def _setup_cfg(text: str) -> dict[str, Any] | None:
    return _section(text, "tool:pytest")


_READERS: tuple[tuple[str, Callable[[str], dict[str, Any] | None]], ...] = (
    ("pytest.toml", _pytest_toml),
    (".pytest.toml", _pytest_toml),
    ("pytest.ini", _own_ini),
    (".pytest.ini", _own_ini),
    ("pyproject.toml", _pyproject),
    ("tox.ini", _any_ini),
    ("setup.cfg", _setup_cfg),
)
