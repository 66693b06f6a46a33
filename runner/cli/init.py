"""`seatrial init`: a first policy, to be read, changed and committed."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.output import emit
from runner.cli.settings import common, form
from runner.errors import SeatrialError, UsageError
from runner.model.text import printable

if TYPE_CHECKING:
    from pydantic import BaseModel

    from runner.discovery.settled import Settled

PLACE = Path(".seatrial") / "policy.yaml"
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_WORDS = frozenset(("null", "true", "false"))


@click.command()
@click.option("--repo", type=click.Path(path_type=Path), default=Path(), help="The repository to write it to. [default: .]")
@click.option("--force", is_flag=True, help="Replace a policy that is there.")
@form
@common
def init(*, repo: Path, force: bool, form: str) -> int:
    """Work out how the last commit is installed and tested, and write that to .seatrial/policy.yaml, with the reasons.

    \b
    Examples:
      seatrial init
      seatrial init --repo ../other --force
    """
    root = root_of(repo)
    path = root / PLACE
    _may_write(path, force=force)
    settled, problem = _settled(root)
    _write(path, policy_text(settled, problem), force=force)
    decisions = [str(decision) for decision in settled.decisions] if settled else [problem]
    if form == "json":
        emit(json.dumps({"schema": "seatrial.init/v1", "policy": str(path), "decisions": decisions}) + "\n")
        return 0
    told = "".join(f"      {printable(decision)}\n" for decision in decisions)
    emit(f"wrote {path}\n{told}next  git add {PLACE} && git commit    (a policy counts once it is in the base)\n      seatrial check\n")
    return 0


def _settled(root: Path) -> "tuple[Settled | None, str]":
    """What the last commit says of its install and its tests, or why that cannot be told."""
    from runner import wiring

    try:
        return wiring.discover(root), ""
    except SeatrialError as problem:
        return None, f"how to install and test this could not be worked out: {problem}"


def policy_text(settled: "Settled | None", problem: str = "") -> str:
    """A policy file that says what was settled, each choice under its reason; the usual one when nothing could be."""
    lines = [
        "# How Seatrial judges changes to this repository; it is read from the base commit, never from a change.",
        "seatrial: 1  # version of this format",
        *([f"# {printable(problem)}"] if problem else []),
        "tests:",
    ]
    if settled is None:
        lines += ["  runner: auto  # or: {runner: command, command: [make, test], report: exit}", "sandbox:"]
        lines += ["  build: {recipe: auto}  # worked out at every check from the files of the base"]
    else:
        lines += _section(settled.tests, ("runner", "args", "command", "report", "report_file"), settled, "tests", "  ")
        lines += ["sandbox:"]
        if settled.sandbox.build is not None:
            keys = tuple(type(settled.sandbox.build).model_fields)
            lines += ["  build:", *_section(settled.sandbox.build, keys, settled, "sandbox.build", "    ")]
        lines += _reasons(settled, "sandbox.env", "  ")
        if settled.sandbox.env:
            lines += ["  env:", *(f"    {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in settled.sandbox.env.items())]
    lines += [
        "  limits: {memory: 2GiB, cpus: 2, wall: 10m}",
        "validate:",
        "  paths:",
        '    deny: [".github/workflows/**"]  # never by a change; `hold` lists what a person must look at',
    ]
    return "\n".join(lines) + "\n"


def _section(section: "BaseModel", keys: tuple[str, ...], settled: "Settled", above: str, indent: str) -> Iterator[str]:
    """The keys of a section that are not as by default, each below the reasons for it."""
    given = section.model_dump(mode="json", exclude_defaults=True)
    yield from _reasons(settled, above, indent)
    for key in keys:
        yield from _reasons(settled, f"{above}.{key}", indent)
        if key in given:
            yield f"{indent}{key}: {_flow(given[key])}"


def _reasons(settled: "Settled", key: str, indent: str) -> Iterator[str]:
    yield from (f"{indent}# {printable(str(decision))}" for decision in settled.decisions if decision.key == key)


def _flow(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else json.dumps(text, ensure_ascii=False)


def root_of(repo: Path) -> Path:
    """The root of the work tree that holds `repo`; raises UsageError outside of one."""
    start = repo.resolve()
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            return folder
    raise UsageError(f"{repo} is not in a git work tree", hint="Run it inside of one, or give --repo.")


def _may_write(path: Path, *, force: bool) -> None:
    if path.parent.is_symlink() or path.is_symlink():
        raise UsageError(f"{path} goes through a symbolic link", hint="Remove the link first.")
    if path.exists() and not force:
        raise UsageError(f"{path} is there already", hint="`--force` replaces it.")


def _write(path: Path, text: str, *, force: bool) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (os.O_TRUNC if force else os.O_EXCL)
        with os.fdopen(os.open(path, flags, 0o666), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as problem:
        raise UsageError(f"{path} cannot be written: {problem.strerror}") from problem
