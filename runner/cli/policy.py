"""`seatrial policy`: lint policy files, show what one resolves to, print the schema."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import click

from runner.cli.init import PLACE, root_of
from runner.cli.output import emit
from runner.cli.settings import common, form
from runner.errors import PolicyInvalid, UsageError
from runner.model.text import printable
from runner.reports.exits import Exit


@click.group()
@common
def policy() -> None:
    """Lint policies, and show what they resolve to.

    \b
    Examples:
      seatrial policy lint
      seatrial policy show --policy strict.yaml
      seatrial policy schema > .seatrial/policy.v1.schema.json
    """


class _Linted(NamedTuple):
    """One file, and what is wrong or doubtful in it, as `file:line:column: key: …`."""

    file: str
    errors: tuple[str, ...]
    warnings: tuple[str, ...]


@policy.command()
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@form
@common
def lint(files: tuple[Path, ...], form: str) -> int:
    """Say everything that is wrong in policy files, all at once. FILE defaults to .seatrial/policy.yaml of this work tree.

    \b
    Examples:
      seatrial policy lint
      seatrial policy lint strict.yaml lax.yaml --format json

    Exit codes: 0 no errors (there may be warnings), 2 errors.
    """
    linted = tuple(_linted(file) for file in files or (_own(),))
    if form == "json":
        emit(json.dumps({"schema": "seatrial.lint/v1", "files": [_as_json(one) for one in linted]}, indent=2) + "\n")
    else:
        emit("".join(f"{printable(line)}\n" for one in linted for line in _as_text(one)))
    return Exit.USAGE if any(one.errors for one in linted) else 0


@policy.command()
@click.option("--policy", "file", metavar="FILE", type=click.Path(path_type=Path), help="This file. [default: that of the base]")
@click.option("--repo", type=click.Path(path_type=Path), default=Path(), help="The repository whose base to look into. [default: .]")
@click.option("--base", metavar="REV", default="HEAD", help="The commit to read .seatrial/policy.yaml from. [default: HEAD]")
@form
@common
def show(file: Path | None, repo: Path, base: str, form: str) -> int:
    """Show the resolved policy, every key with its value and the line it comes from; the text is a policy file again.

    \b
    Examples:
      seatrial policy show
      seatrial policy show --base main
      seatrial policy show --policy strict.yaml --format json
    """
    from runner.policy.load import load_policy
    from runner.policy.text import sources, to_yaml, values

    loaded = load_policy(file) if file is not None else _of_base(repo, base)
    for warning in loaded.warnings:
        click.echo(f"warning: {printable(warning)}", err=True)
    if form == "json":
        answer = {"schema": "seatrial.policy/v1", "source": loaded.source, "digest": loaded.digest}
        emit(json.dumps({**answer, "policy": values(loaded), "where": sources(loaded), "warnings": loaded.warnings}, indent=2) + "\n")
    else:
        emit(to_yaml(loaded))
    return 0


@policy.command()
@common
def schema() -> int:
    """Print the JSON Schema of policy files, for editors.

    \b
    Example:
      seatrial policy schema > policy.v1.schema.json
    """
    from runner.policy.schema import shipped_schema

    emit(json.dumps(shipped_schema(), indent=2) + "\n")
    return 0


def _own() -> Path:
    """The policy of the work tree here; raises UsageError when it has none."""
    place = root_of(Path()) / PLACE
    if not place.exists() and not place.is_symlink():
        raise UsageError(f"there is no {PLACE} in {place.parent.parent}", hint="`seatrial init` writes one; or name a FILE.")
    return place


def _linted(file: Path) -> _Linted:
    from runner.policy.load import load_policy

    if file.parts[-2:] == PLACE.parts and file.is_symlink():  # git gives the link's text for it, which is no policy
        return _Linted(str(file), (f"{file}: this is a symbolic link; of a commit, only a regular file is read",), ())
    try:
        return _Linted(str(file), (), load_policy(file).warnings)
    except PolicyInvalid as invalid:
        return _Linted(str(file), invalid.problems, ())


def _as_text(one: _Linted) -> list[str]:
    found = [f"{line} [error]" for line in one.errors] + [f"{line} [warning]" for line in one.warnings]
    return found or [f"{one.file}: no errors"]


def _as_json(one: _Linted) -> dict[str, Any]:
    from runner.policy.placed import placed

    return {
        "file": one.file,
        "errors": [placed(one.file, e) for e in one.errors],
        "warnings": [placed(one.file, w) for w in one.warnings],
    }


def _of_base(repo: Path, base: str) -> Any:
    from runner.git.objects import PrivateObjects
    from runner.policy.load import find_policy
    from runner.sandbox import live
    from runner.store.places import claim, places

    with live.scratch(claim(places().cache) / "live") as private, PrivateObjects(repo, private / "objects") as objects:
        commit = objects.resolve(base)
        return find_policy(None, objects, objects.tree_of(commit), f"{base} ({commit[:7]})")
