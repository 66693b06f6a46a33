"""Images in a file, for machines without a registry: written from the engine, and looked through before the engine takes them."""

from __future__ import annotations

import json
import os
import tarfile
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from runner.errors import ImageUnavailable, InfrastructureError, UsageError
from runner.sandbox.engine import CALL_SECONDS, Engine, opened, speaking
from runner.sandbox.image import base
from runner.sandbox.image.inventory import list_images, ours
from runner.sandbox.image.made import LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ALL = "all"
LARGEST_JSON = 2**20
"""Bytes of a manifest or an image's configuration."""
MOST_MEMBERS = 10_000
_CHUNK = 2**20
_TOLD_EVERY = 64 * 2**20
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
_NOT_OURS = "Give a file that `seatrial image save` wrote."


@dataclass(frozen=True)
class Packed:
    """An image in an archive: its names, the id that the engine will give it, and its labels."""

    names: tuple[str, ...]
    id: str
    labels: frozenset[str]

    @property
    def ours(self) -> bool:
        """Whether seatrial made it: a base image from a registry carries our name only, everything else our label, too."""
        named = self.names and all(name.startswith(f"{base.REPOSITORY}:") for name in self.names)
        return bool(named) or any(label.startswith(LABELS) for label in self.labels)


def save(what: str, file: Path, note: Callable[[str], None] = lambda _: None, *, engine: Engine | None = None) -> tuple[str, ...]:
    """Write the image of that name with those of ours that it is built on, or `all` of ours, to a file; the names in it.

    The file appears whole or not at all. Raises ImageUnavailable when there is no image at all, UsageError when there is
    none of that name or the file cannot be written.
    """
    with opened(engine) as spoken:
        names = tuple(dict.fromkeys(info.reference for info in list_images(spoken))) if what == ALL else _with_ground(spoken, what)
        if not names:
            raise ImageUnavailable("there is no image to save yet", hint="The first `seatrial check` makes one.")
        note(f"saving {', '.join(names)}")
        with speaking("read the images", spoken.address), closing(_stream(spoken, names)) as answer:
            _write(file, _told(answer.iter_content(_CHUNK), "saved", note))
        return names


def load(
    file: Path, note: Callable[[str], None] = lambda _: None, *, foreign: bool = False, engine: Engine | None = None
) -> tuple[str, ...]:
    """Give the images of a file to the engine; their names. `foreign` also takes images that seatrial did not make.

    Raises UsageError when the file is no archive of images, or one that the engine must not be given.
    """
    try:
        with file.open("rb") as source:
            packed = look_through(source)
            strange = [name for image in packed if not image.ours for name in image.names or (image.id,)]
            if strange and not foreign:
                raise UsageError(
                    f"{file} holds images that seatrial did not make: {', '.join(strange[:3])}", hint=f"{_NOT_OURS} Or pass --any."
                )
            source.seek(0)
            with opened(engine) as spoken:
                _hand_over(spoken, source, note)
                return _arrived(spoken, packed)
    except OSError as problem:
        raise UsageError(f"{file} cannot be read: {problem.strerror or problem}", hint=_NOT_OURS) from problem


def look_through(source: IO[bytes]) -> tuple[Packed, ...]:
    """The images of an archive, without unpacking it: only headers, the manifest and the configurations are read.

    Raises UsageError for what the engine would unpack to more than the file holds: compressed layers, sparse members.
    """
    if any(source.read(6).startswith(magic) for magic in _COMPRESSED):
        raise UsageError("the archive is compressed", hint=f"{_NOT_OURS} Unpack it first.")
    source.seek(0)
    try:
        with tarfile.open(fileobj=source, mode="r:") as tar:
            members = _members(tar)
            manifest = _json(tar, members, "manifest.json")
            return tuple(_packed(tar, members, entry) for entry in manifest)
    except (tarfile.TarError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, EOFError) as problem:
        raise UsageError("the file is no archive of images", hint=_NOT_OURS) from problem


def _members(tar: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    found: dict[str, tarfile.TarInfo] = {}
    for member in tar:
        if len(found) >= MOST_MEMBERS or member.issparse() or not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
            raise UsageError("the archive holds what no archive of images does", hint=_NOT_OURS)
        found[member.name] = member
    return found


def _json(tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo], name: str) -> Any:
    member = members[name]
    if not member.isfile() or member.size > LARGEST_JSON:
        raise ValueError(name)
    content = tar.extractfile(member)
    return json.loads(content.read() if content else b"")


def _packed(tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo], entry: dict[str, Any]) -> Packed:
    for layer in entry["Layers"]:
        member = members[layer]
        content = tar.extractfile(member)  # follows links within the archive
        if content is not None and content.read(6).startswith(_COMPRESSED):
            raise UsageError("the archive holds compressed layers", hint=_NOT_OURS)
    config = _json(tar, members, entry["Config"])
    labels = (config.get("config") or {}).get("Labels") or {}
    digest = Path(entry["Config"]).name.removesuffix(".json")
    return Packed(tuple(map(str, entry.get("RepoTags") or ())), f"sha256:{digest}", frozenset(map(str, labels)))


def _with_ground(engine: Engine, name: str) -> tuple[str, ...]:
    """The name, and the names of our images that it is built on, told by its labels: their keys are part of its own."""
    import docker

    with speaking(f"look for the image {name}", engine.address):
        try:
            found = engine.api.inspect_image(name)
        except docker.errors.ImageNotFound:
            raise UsageError(
                f"there is no image {name} on this engine", hint="`seatrial image list` shows those that seatrial made."
            ) from None
    labels = (found.get("Config") or {}).get("Labels") or {}
    keys = {key for label, key in labels.items() if label.startswith(LABELS) and key}
    known = [info for info in ours(engine) if not info.reference.startswith("sha256:")]
    related = [info.reference for info in known if info.id == found["Id"] or info.reference.rpartition(":")[2] in keys]
    return tuple(dict.fromkeys((name, *related)))


def _stream(engine: Engine, names: Sequence[str]) -> Any:
    """The engine's answer that carries the images; by hand, since the library's own call takes a single name."""
    api = engine.api
    address = f"{api.base_url}/v{api.api_version}/images/get"
    answer = api.get(address, params={"names": list(names)}, stream=True, timeout=CALL_SECONDS)
    if answer.status_code != HTTPStatus.OK:
        raise InfrastructureError(f"the engine could not save the images: {answer.text.strip()}", hint="See the engine's log.")
    return answer


def _write(file: Path, chunks: Iterator[bytes]) -> None:
    """Write beside the file and rename: what is there under its name is whole."""
    try:
        with tempfile.NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as beside:
            try:
                for chunk in chunks:
                    beside.write(chunk)
                beside.flush()
                os.fsync(beside.fileno())
                Path(beside.name).replace(file)
            except BaseException:
                with suppress(OSError):
                    Path(beside.name).unlink()
                raise
    except OSError as problem:
        raise UsageError(f"{file} cannot be written: {problem.strerror or problem}", hint="Name a file in a folder with room.") from problem


def _hand_over(engine: Engine, source: IO[bytes], note: Callable[[str], None]) -> None:
    chunks = _told(iter(lambda: source.read(_CHUNK), b""), "sent", note)
    with speaking("load the images", engine.address):
        for message in engine.api.load_image(chunks):  # sent as it comes
            if "error" in message:
                raise InfrastructureError(f"the engine could not load the images: {message['error']}", hint="See the engine's log.")


def _arrived(engine: Engine, packed: Sequence[Packed]) -> tuple[str, ...]:
    """The names of the images, each of which the engine now has."""
    for name in (name for image in packed for name in image.names[:1] or (image.id,)):
        with speaking(f"look for the image {name}", engine.address):
            engine.api.inspect_image(name)
    return tuple(dict.fromkeys(name for image in packed for name in image.names or (image.id,)))


def _told(chunks: Iterator[bytes], verb: str, note: Callable[[str], None]) -> Iterator[bytes]:
    """The same chunks; now and then it is said how many bytes went by."""
    done = told = 0
    for chunk in chunks:
        yield chunk
        done += len(chunk)
        if done - told >= _TOLD_EVERY:
            told = done
            note(f"{verb} {done // 2**20} MiB")
