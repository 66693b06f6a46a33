"""The manifest of a backup: one line of canonical JSON for each thing that the target held, in the order of the paths; its sha256 is the backup's id."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, Final, NamedTuple

from runner.model.text import shown

_HEAD: Final = b'{"schema":"seatrial.manifest/v1"}\n'
_KEYS: Final = frozenset(("attributes", "kind", "mode", "owner", "path", "sha256", "size"))
_NOT_NAMES: Final = frozenset((b"", b".", b".."))
_KINDS: Final = ("file", "folder", "link")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_NAMED: Final = re.compile(rb'"sha256":"([0-9a-f]{64})"')
_encode: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_MOST_MODE, _MOST_OWNER = 0o7777, 2**32 - 2


class Entry(NamedTuple):
    """One thing that a target held; `sha256` and `size` are those of a file's content or of where a link leads to, a folder has none."""

    path: bytes
    kind: str
    mode: int
    sha256: str
    size: int
    owner: tuple[int, int] | None
    attributes: tuple[tuple[str, bytes], ...]


class Damaged(Exception):
    """This is no manifest that can be used; says why."""


def digest(content: bytes) -> str:
    """The name of an object or a manifest."""
    return sha256(content).hexdigest()


def is_digest(name: str) -> bool:
    """Whether this can be the name of an object or a manifest."""
    return _DIGEST.fullmatch(name) is not None


def dump(entries: Iterable[Entry]) -> bytes:
    """The manifest of these entries, in whatever order they come. Raises Damaged when they are none that a folder can hold."""
    ordered = sorted(entries, key=lambda entry: entry.path)
    _check(ordered)
    return _HEAD + b"".join(map(_line, ordered))


def parse(manifest: bytes) -> tuple[Entry, ...]:
    """The entries of a manifest, each folder before what is in it. Raises Damaged, also for paths that would lead out of the folder."""
    head, *lines = manifest.splitlines(keepends=True) or (b"",)
    if head != _HEAD:
        raise Damaged("it does not begin as a manifest does")
    entries = tuple(map(_entry, lines))
    _check(entries)
    return entries


def objects_of(manifest: bytes) -> frozenset[str]:
    """The objects that a manifest, as `dump` wrote it, names: in it only a field can look like one."""
    return frozenset(name.decode() for name in _NAMED.findall(manifest))


def _line(entry: Entry) -> bytes:
    fields = {
        "path": _text(entry.path),
        "kind": entry.kind,
        "mode": entry.mode,
        "sha256": entry.sha256,
        "size": entry.size,
        "owner": entry.owner,
        "attributes": [(name, _text(value)) for name, value in entry.attributes],
    }
    return _encode(fields).encode() + b"\n"


def _entry(line: bytes) -> Entry:
    try:
        fields = json.loads(line)
        if not isinstance(fields, dict) or fields.keys() != _KEYS:
            raise Damaged("a line of it has other fields than a manifest's")
        return _typed(**fields)
    except (ValueError, TypeError, RecursionError) as problem:
        raise Damaged("a line of it cannot be read") from problem


def _typed(*, path: Any, kind: Any, mode: Any, sha256: Any, size: Any, owner: Any, attributes: Any) -> Entry:
    """Raises ValueError or TypeError for fields that are no entry's."""
    if not (isinstance(kind, str) and isinstance(sha256, str) and _are_numbers(mode, size)):
        raise TypeError
    if owner is not None:
        user, group = owner
        if not _are_numbers(user, group):
            raise TypeError
        owner = (user, group)
    if not all(isinstance(name, str) for name, _ in attributes):
        raise TypeError
    return Entry(_bytes(path), kind, mode, sha256, size, owner, tuple((name, _bytes(value)) for name, value in attributes))


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(value, int) and not isinstance(value, bool) for value in values)


def _check(entries: Iterable[Entry]) -> None:
    others: set[bytes] = set()
    before: bytes | None = None
    for entry in entries:
        if why := _flaw(entry):
            raise Damaged(f"'{shown(entry.path)}' {why}")
        if before is not None and entry.path <= before:
            raise Damaged(f"'{shown(entry.path)}' is there twice, or out of order")
        if any(above in others for above in _above(entry.path)):
            raise Damaged(f"'{shown(entry.path)}' lies below what is no folder")
        if entry.kind != "folder":
            others.add(entry.path)
        before = entry.path


def _flaw(entry: Entry) -> str:
    """What no target of ours ever held; empty when there is no such thing about it."""
    parts = entry.path.split(b"/") if entry.path else []
    if b"\0" in entry.path or not _NOT_NAMES.isdisjoint(parts):
        return "is no path below a folder"
    if entry.kind not in _KINDS or (not parts and entry.kind != "folder"):
        return "is neither a file nor a link nor a folder"
    if not (0 <= entry.mode <= _MOST_MODE and all(0 <= number <= _MOST_OWNER for number in entry.owner or ())):
        return "has a mode or an owner that there is none of"
    if entry.size < 0 or (entry.kind == "folder") != (entry.sha256 == "") or (entry.sha256 and not is_digest(entry.sha256)):
        return "has no content that can be found"
    if not entry.attributes:
        return ""
    names = [name for name, _ in entry.attributes]
    return "has attributes that there are none of" if names != sorted(set(names)) or not all(map(_is_name, names)) else ""


def _is_name(attribute: str) -> bool:
    try:
        return b"\0" not in attribute.encode("utf-8", "surrogateescape") and attribute != ""
    except UnicodeEncodeError:
        return False


def _above(path: bytes) -> Iterator[bytes]:
    while b"/" in path:
        path = path.rpartition(b"/")[0]
        yield path


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _bytes(text: Any) -> bytes:
    """Raises ValueError or TypeError."""
    if not isinstance(text, str):
        raise TypeError
    return b64decode(text, validate=True)
