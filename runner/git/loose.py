"""Writes blobs into a private object store as git stores them loose, without a process and without any conversion."""

import hashlib
import tempfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

_HASHES: dict[str, Callable[[], Any]] = {"sha1": lambda: hashlib.sha1(usedforsecurity=False), "sha256": hashlib.sha256}


def blob_id(pieces: Iterable[bytes], size: int, object_format: str) -> str:
    """The id of a blob of `size` bytes; `object_format` is git's word for the hash: `sha1` or `sha256`."""
    digest = _HASHES[object_format]()
    digest.update(b"blob %d\0" % size)
    for piece in pieces:
        digest.update(piece)
    return str(digest.hexdigest())


def write_blob(directory: Path, content: bytes, object_format: str) -> str:
    """The id of a blob, written below the object directory `directory` unless it is there already."""
    name = blob_id((content,), len(content), object_format)
    place = directory / name[:2] / name[2:]
    if not place.exists():
        place.parent.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, prefix="tmp_obj_", delete=False) as beside:
            beside.write(zlib.compress(b"blob %d\0" % len(content) + content, 1))
        Path(beside.name).replace(place)
    return name
