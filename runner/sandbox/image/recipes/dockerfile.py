"""The dockerfile recipe: the repository's own Dockerfile of the base tree, built by the engine from that tree alone."""

from __future__ import annotations

import os
import time
from contextlib import closing
from hashlib import sha256
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any

from runner.errors import InfrastructureError, PolicyInvalid
from runner.sandbox.engine import speaking
from runner.sandbox.image.build_box import write_entries
from runner.sandbox.image.host_network import host_network
from runner.sandbox.image.made import LABELS, failure, once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.model.sandbox import Image
    from runner.ports import TreeEntry, Trees
    from runner.sandbox.image.made import Yard
    from runner.sandbox.options import Build

KIND = "dockerfile"
REPOSITORY = "seatrial/dockerfile"
LONGEST_SECONDS = 3600
_RECIPE_VERSION = "1"
_IGNORE = ".dockerignore"
_KEPT_OUTPUT = 2**20
_LONGEST_LINE = 2000
_LONGEST_NOTE = 200
_SPOOLED = 64 * 2**20
_HINT = "Correct the Dockerfile in the base, or name an image of your own in sandbox.image."


def ensure(yard: Yard, build: Build, trees: Trees, tree: str, version: Callable[[], str]) -> Image:  # noqa: ARG001  git is not asked
    """The image that the Dockerfile makes of the base tree; built anew when a file of its context changed. Raises PolicyInvalid, ImageUnavailable."""
    path = str(build.dockerfile)
    if trees.read(tree, path) is None:
        raise PolicyInvalid(
            (f"sandbox.build.dockerfile names {path}, which is not in the base tree",),
            hint="Commit the file to the base, or correct the name in the policy.",
        )
    entries = context(trees, tree, path)
    key = context_key(entries, path)
    made = once(yard, f"{REPOSITORY}:{key}", lambda: _build(yard, trees, entries, path, key))
    return made.image(f"image from {path} of the base")


def context(trees: Trees, tree: str, dockerfile: str) -> tuple[TreeEntry, ...]:
    """What the build may read: the base tree without what its .dockerignore leaves out."""
    ignore = trees.read(tree, f"{dockerfile}{_IGNORE}") or trees.read(tree, _IGNORE)
    entries = tuple(trees.entries(tree))
    if ignore is None:
        return entries
    from docker.utils.build import PatternMatcher

    lines = (line.strip() for line in ignore.decode("utf-8", "replace").splitlines())
    matcher = PatternMatcher([line for line in lines if line and not line.startswith("#")])
    needed = {dockerfile.encode("utf-8", "surrogateescape"), _IGNORE.encode()}
    return tuple(entry for entry in entries if entry.path in needed or not matcher.matches(os.fsdecode(entry.path)))  # type: ignore[arg-type]  # it takes text


def context_key(entries: tuple[TreeEntry, ...], dockerfile: str) -> str:
    """Twelve hexadecimal digits over every file that the build may read."""
    digest = sha256(f"{_RECIPE_VERSION}\0{dockerfile}\0".encode("utf-8", "surrogateescape"))
    for entry in entries:
        digest.update(f"{entry.mode} {entry.blob} ".encode() + entry.path + b"\0")
    return digest.hexdigest()[:12]


def _build(yard: Yard, trees: Trees, entries: tuple[TreeEntry, ...], dockerfile: str, key: str) -> str:
    yard.note(f"building an image from {dockerfile} of the base; kept for the next time")
    with SpooledTemporaryFile(max_size=_SPOOLED) as spool:
        write_entries(spool, trees, entries)
        spool.seek(0)
        try:
            output, made = _spoken(yard, _request(yard, spool, dockerfile, key))
        except InfrastructureError as problem:
            raise _misread(dockerfile, problem) from problem
    if made is None:
        raise failure(output, _HINT)
    with speaking("name the image", yard.engine.address):
        yard.engine.api.tag(made, REPOSITORY, key)
    return made


def _misread(dockerfile: str, problem: InfrastructureError) -> InfrastructureError:
    """The engine refuses a Dockerfile that it cannot read before it builds anything; every other fault is its own."""
    refused = getattr(problem.__cause__, "explanation", None)
    return failure(f"{dockerfile}: {refused}", _HINT) if refused and "dockerfile" in refused.lower() else problem


def _request(yard: Yard, context: IO[bytes], dockerfile: str, key: str) -> Iterator[dict[str, Any]]:
    """Start the build on the host's network, with its proxies as arguments, which the engine keeps out of an image's history."""
    proxies = {name: value for name, value in host_network(os.environ, ()).env.items() if name.lower().endswith("_proxy")}
    with speaking("build an image", yard.engine.address):
        stream: Iterator[dict[str, Any]] = yard.engine.api.build(
            fileobj=context,
            custom_context=True,
            dockerfile=dockerfile,
            network_mode="host",
            buildargs=proxies,
            labels={LABELS + KIND: key},
            rm=True,
            forcerm=True,
            decode=True,
            timeout=LONGEST_SECONDS,
        )
    return stream


def _spoken(yard: Yard, stream: Any) -> tuple[str, str | None]:
    """The last MiB that the build printed, and the id of the image unless it failed; the engine gives up a build that nobody reads."""
    output, made, ends = "", None, time.monotonic() + LONGEST_SECONDS
    with closing(stream), speaking("build an image", yard.engine.address):
        for message in stream:
            fault = message.get("error") or message.get("message")
            text = str(fault or message.get("stream") or message.get("status") or "")
            output = (output + text[:_LONGEST_LINE] + ("" if text.endswith("\n") else "\n"))[-_KEPT_OUTPUT:]
            if text.strip():
                yard.note(text.strip()[:_LONGEST_NOTE])
            if fault:
                return output, None
            made = (message.get("aux") or {}).get("ID") or made
            if time.monotonic() > ends:
                raise InfrastructureError(f"building the image took longer than {LONGEST_SECONDS // 60} minutes", hint=_HINT)
    return output, made
