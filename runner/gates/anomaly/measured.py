"""What a change looks like beside the history of its repository."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from runner.gates.anomaly import files
from runner.gates.anomaly.options import Options
from runner.gates.anomaly.term import Term
from runner.model.change import Change, Status
from runner.model.history import Past, Touch, about_files, features

_DEPENDENCIES = frozenset(
    {
        "pyproject.toml", "setup.py", "setup.cfg", "pipfile", "package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", "poetry.lock",
        "uv.lock", "pdm.lock", "pipfile.lock", "go.mod", "go.sum", "cargo.toml", "cargo.lock", "gemfile", "gemfile.lock", "environment.yml",
    }
)  # fmt: skip
_MOST_FOLDERS = 16


class Facts(NamedTuple):
    """Everything that the judgement needs and the ledger does not tell."""

    terms: tuple[Term, ...]
    numbers: Mapping[str, float]
    """The features of the change."""
    usual: Mapping[str, tuple[float, float]]
    """By feature the median in the history and the change's robust z; empty while the history is short."""
    commits: int
    """How many commits that history has."""
    folders: tuple[str, ...]
    """The top folders with the most changed lines."""
    dependencies: bool
    untested: bool
    """Program text changed, and no test did."""


def facts(change: Change, past: Past, terms: tuple[Term, ...], options: Options) -> Facts:
    """Put a change beside the history of its base."""
    touches = [Touch(file.name, file.added, file.deleted, gone=file.status is Status.DELETED, binary=file.binary) for file in change.files]
    known = list(past.files.values())
    numbers = {**features(touches), **about_files(known, past.newest)}
    established = past.commits >= options.advanced.min_commits
    usual = (
        {name: (_plain(spread.median), spread.z(numbers[name])) for name, spread in past.spread.items() if name in numbers}
        if established
        else {}
    )
    tests = [files.is_test(file.path) for file in change.files]
    source = any(
        PurePosixPath(file.path).suffix in (".py", ".go", ".js", ".ts", ".rs", ".java", ".rb", ".c", ".cc", ".cpp") for file in change.files
    )
    return Facts(
        terms=terms,
        numbers=numbers,
        usual=usual,
        commits=past.commits,
        folders=_folders(touches),
        dependencies=any(_is_dependency(file.path) for file in change.files),
        untested=source and not any(tests),
    )


def _plain(logarithm: float) -> float:
    """The value whose log1p this is."""
    from math import expm1

    return expm1(logarithm)


def _is_dependency(path: str) -> bool:
    pure = PurePosixPath(path.lower())
    return pure.name in _DEPENDENCIES or ("requirements" in path.lower() and pure.suffix in (".txt", ".in"))


def _folders(touches: list[Touch]) -> tuple[str, ...]:
    lines: dict[str, int] = {}
    for touch in touches:
        top, slash, _ = touch.path.decode("utf-8", "backslashreplace").partition("/")
        name = top if slash else "."
        lines[name] = lines.get(name, 0) + touch.added + touch.deleted + 1
    return tuple(sorted(lines, key=lambda name: (-lines[name], name))[:_MOST_FOLDERS])
