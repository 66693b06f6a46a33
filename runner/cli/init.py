"""`seatrial init`: a first policy, to be read, changed and committed."""

import json
import os
from pathlib import Path

import click

from runner.cli.output import emit
from runner.cli.settings import common, form
from runner.errors import UsageError

PLACE = Path(".seatrial") / "policy.yaml"
POLICY = """\
# How Seatrial judges changes to this repository; it is read from the base commit, never from a change.
seatrial: 1                # version of this format
tests:
  runner: pytest           # or: {runner: command, command: [make, test], report: exit}
sandbox:
  build: {recipe: python}  # installs this project; `extras: [test]` and `requirements: [FILE]` add to it
  limits: {memory: 2GiB, cpus: 2, wall: 10m}
validate:
  paths:
    deny: [".github/workflows/**"]  # never by a change; `hold` lists what a person must look at
"""


@click.command()
@click.option("--repo", type=click.Path(path_type=Path), default=Path(), help="The repository to write it to. [default: .]")
@click.option("--force", is_flag=True, help="Replace a policy that is there.")
@form
@common
def init(*, repo: Path, force: bool, form: str) -> int:
    """Write a commented first policy to .seatrial/policy.yaml.

    \b
    Examples:
      seatrial init
      seatrial init --repo ../other --force
    """
    path = root_of(repo) / PLACE
    _write(path, force=force)
    if form == "json":
        emit(json.dumps({"schema": "seatrial.init/v1", "policy": str(path)}) + "\n")
    else:
        emit(
            f"wrote {path}\nnext  git add {PLACE} && git commit    (a policy counts once it is in the base)\n      seatrial check CHANGE\n"
        )
    return 0


def root_of(repo: Path) -> Path:
    """The root of the work tree that holds `repo`; raises UsageError outside of one."""
    start = repo.resolve()
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            return folder
    raise UsageError(f"{repo} is not in a git work tree", hint="Run it inside of one, or give --repo.")


def _write(path: Path, *, force: bool) -> None:
    if path.parent.is_symlink() or path.is_symlink():
        raise UsageError(f"{path} goes through a symbolic link", hint="Remove the link first.")
    if path.exists() and not force:
        raise UsageError(f"{path} is there already", hint="`--force` replaces it.")
    try:
        path.parent.mkdir(exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | (os.O_TRUNC if force else os.O_EXCL)
        with os.fdopen(os.open(path, flags, 0o666), "w", encoding="utf-8") as file:
            file.write(POLICY)
    except OSError as problem:
        raise UsageError(f"{path} cannot be written: {problem.strerror}") from problem
