"""Every path that a patch may be about, guessed generously from its header lines; what really changes is git's to say."""

import re
from collections.abc import Iterator

_HEADER = re.compile(rb"^(?:diff --git |--- |\+\+\+ |(?:rename|copy) (?:from|to) |rename (?:old|new) )([^\n]*)", re.MULTILINE)
_BINARY_PIECE = re.compile(rb"^(?:literal|delta) (\d{1,18})\r?$", re.MULTILINE)
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(rb"\\([0-7]{3}|[^0-9])")
_LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
LONGEST = 1000


def mentioned(patch: bytes, most: int) -> frozenset[bytes] | None:
    """Names, as written and without their first component; `None` when there are more than `most` or an overlong one."""
    names: set[bytes] = set()
    for header in _HEADER.finditer(patch):
        for name in _names(header[1]):
            if len(name) > LONGEST:
                return None
            names.update((name, name.partition(b"/")[2]))
        if len(names) > most:
            return None
    names.discard(b"")
    return frozenset(names)


def binary_size(patch: bytes) -> int:
    """Bytes that the binary pieces of a patch say they unpack to; git takes no piece that says it wrongly."""
    return sum(int(size) for size in _BINARY_PIECE.findall(patch)) if b"\nGIT binary patch" in patch else 0


def header_count(patch: bytes) -> int:
    """How many files a patch is about, at most: `diff --git` lines or `+++` lines, whichever are more."""
    return max(len(re.findall(rb"^diff --git ", patch, re.MULTILINE)), len(re.findall(rb"^\+\+\+ ", patch, re.MULTILINE)))


def _names(text: bytes) -> Iterator[bytes]:
    text = text.rstrip(b"\r")
    for quoted in _QUOTED.findall(text):
        yield _ESCAPE.sub(_unescape, quoted)
    yield text
    yield text.partition(b"\t")[0]
    middle = len(text) // 2
    if text[middle : middle + 1] == b" ":  # `a/NAME b/NAME`, also when NAME holds blanks
        yield text[:middle]
    yield from text.split(b" ")[:8]


def _unescape(found: re.Match[bytes]) -> bytes:
    code = found[1]
    if code.isdigit():
        return bytes([int(code, 8) & 255])
    return _LETTERS.get(code, code)
