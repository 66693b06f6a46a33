"""`seatrial image`: the images that sandboxes start from."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from runner.cli.output import emit
from runner.cli.settings import common, form, settings
from runner.errors import UsageError
from runner.model.text import printable


@click.group()
@common
def image() -> None:
    """Build, list, move and remove the images that sandboxes start from.

    \b
    Examples:
      seatrial image build python --requirements requirements.txt --tag my-app:tests
      seatrial image list
      seatrial image save all images.tar
      seatrial image load images.tar
      seatrial image prune
    """


@image.group()
@common
def build() -> None:
    """Build an image by a recipe.

    \b
    Example:
      seatrial image build python --requirements requirements.txt --tag my-app:tests
    """


@build.command()
@click.option(
    "--requirements", "files", metavar="FILE", type=click.Path(path_type=Path), multiple=True, help="A pip requirements file; repeatable."
)
@click.option("--tag", metavar="NAME", required=True, help="The name for `sandbox.image` of a policy.")
@form
@common
def python(files: tuple[Path, ...], tag: str, form: str) -> int:
    """Build an image with Python, pytest and what the requirement files name.

    \b
    Examples:
      seatrial image build python --requirements requirements.txt --tag my-app:tests
      seatrial image build python --requirements dev.txt --requirements docs.txt --tag my-app:1
    """
    from runner.sandbox.image.from_files import build_python

    for file in files:
        if not file.is_file():
            raise UsageError(f"there is no file {file}", hint="--requirements names a pip requirements file.")
    with _progress("build image") as note:
        made = build_python(files, tag, note, cache=_cache())
    if form == "json":
        emit(json.dumps({"schema": "seatrial.image/v1", **made.model_dump(mode="json")}, indent=2) + "\n")
    else:
        emit(f"{printable(made.reference)}  {made.id}\nnext  sandbox: {{image: {json.dumps(tag)}}} in the policy\n")
    return 0


@image.command("list")
@form
@common
def list_(form: str) -> int:
    """List the images that seatrial made, newest first.

    \b
    Examples:
      seatrial image list
      seatrial image list --format json
    """
    from runner.model.units import show_size
    from runner.sandbox.image.inventory import list_images

    found = list_images()
    if form == "json":
        rows = [{"reference": i.reference, "id": i.id, "size": i.size, "created": i.created.isoformat(), "kind": i.kind} for i in found]
        emit(json.dumps({"schema": "seatrial.images/v1", "images": rows}, indent=2) + "\n")
    elif found:
        emit(
            "".join(
                f"{printable(i.reference):<32}  {i.kind:<10}  {show_size(i.size):>9}  {i.created:%Y-%m-%d %H:%M}Z  {i.id[7:19]}\n"
                for i in found
            )
        )
    else:
        click.echo("there is no image yet; the first `seatrial check` makes one", err=True)
    return 0


@image.command()
@click.argument("what", metavar="TAG|all")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@form
@common
def save(what: str, file: Path, form: str) -> int:
    """Write an image, with what it is built on, to a file for a machine without a registry.

    `all` means every image that seatrial made. A check on the other machine then finds them, and builds nothing.

    \b
    Examples:
      seatrial image save all images.tar
      seatrial image save my-app:tests my-app.tar
    """
    from runner.sandbox.image import archive

    with _progress("save images") as note:
        names = archive.save(what, file, note)
    _names(names, form)
    return 0


@image.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--any", "foreign", is_flag=True, help="Take images that seatrial did not make, too.")
@form
@common
def load(file: Path, foreign: bool, form: str) -> int:  # noqa: FBT001  click passes flags by name
    """Give the images of a file that `image save` wrote to the engine. Load only files whose maker you trust.

    \b
    Example:
      seatrial image load images.tar
    """
    from runner.sandbox.image import archive

    with _progress("load images") as note:
        names = archive.load(file, note, foreign=foreign)
    _names(names, form)
    return 0


@image.command()
@click.option("--keep", metavar="NAME", multiple=True, help="Leave this image; repeatable.")
@form
@common
def prune(keep: tuple[str, ...], form: str) -> int:
    """Remove the images that seatrial made and no container uses; they are built again when needed.

    \b
    Examples:
      seatrial image prune
      seatrial image prune --keep my-app:tests
    """
    from runner.model.units import show_size
    from runner.sandbox.image import prune as pruning

    freed = pruning.prune(keep=keep)
    emit(json.dumps({"schema": "seatrial.prune/v1", "freed": freed}) + "\n" if form == "json" else f"{show_size(freed)} freed\n")
    return 0


@contextmanager
def _progress(stage: str) -> Iterator[Callable[[str], None]]:
    """Where a person reads how it goes on."""
    from runner.reports.progress import shown

    asked = settings()
    with shown(sys.stderr, quiet=asked.quiet, verbose=asked.verbose, color=asked.colors(sys.stderr)) as progress:
        progress.stage(stage)
        yield progress.note


def _names(names: Sequence[str], form: str) -> None:
    if form == "json":
        emit(json.dumps({"schema": "seatrial.archive/v1", "images": list(names)}) + "\n")
    else:
        emit("".join(f"{printable(name)}\n" for name in names))


def _cache() -> Path:
    from runner.store.places import claim, places

    return claim(places().cache)
