"""Characters that make a text read otherwise than it runs, in the lines that a change adds."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from runner.validators.intake.names import IGNORABLE

_BIDI = "\u202a-\u202e\u2066-\u2069"
_CONTROL = "\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f"
_HANGUL_FILLER = "\u115f\u1160\u3164\uffa0"
_TAG = "\U000e0000-\U000e007f"
_RARE_SELECTOR = "\U000e0100-\U000e01ef"
_SUSPECT = re.compile(f"[{_BIDI}{_CONTROL}\u0085\u2028\u2029{IGNORABLE}]|\r(?!\n|\\Z)")
_IS_BIDI = re.compile(f"[{_BIDI}]")
_IS_CONTROL = re.compile(f"[{_CONTROL}\u0085\u2028\u2029]")
# Invisible where identifiers are made of ASCII, doubled selectors, tags that spell no flag, fillers that pass for letters.
# Joiners and selectors between emoji, or between letters of scripts that need them, are ordinary text.
_IS_INVISIBLE = re.compile(
    f"(?<=[A-Za-z0-9_])[{IGNORABLE}](?=[A-Za-z0-9_])"
    "|(?<=[A-Za-z_])[\u200b-\u200d\u2060\ufeff](?![^\x00-\x7f])|(?<![^\x00-\x7f])[\u200b-\u200d\u2060\ufeff](?=[A-Za-z_])"
    "|[\ufe00-\ufe0f]{2}"
    f"|(?<![\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])[{_RARE_SELECTOR}]|[{_RARE_SELECTOR}]{{2}}"
    f"|(?<![\U0001f3f4{_TAG}])[{_TAG}]"
    f"|(?<![\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff])[{_HANGUL_FILLER}]"
)
_SOFT_IN_WORD = "\u00ad"


class Mark(NamedTuple):
    """A suspect place: line (from 1), rule, the characters, and whether the file has more of them than it had."""

    line: int
    rule: str
    characters: str
    more: bool


def marks(new: bytes, old: bytes) -> Iterator[Mark]:
    """Suspect places of lines that `new` has and `old` has not; at most one per line and rule."""
    text = _text(new)
    if not _SUSPECT.search(text):
        return
    before = _text(old)
    had, has = Counter(_SUSPECT.findall(before)), Counter(_SUSPECT.findall(text))
    known = Counter(line for line in before.split("\n") if _SUSPECT.search(line))
    for number, line in enumerate(text.split("\n"), 1):
        if not _SUSPECT.search(line):
            continue
        if known[line]:
            known[line] -= 1
            continue
        for rule, found in _rules(line, first=number == 1):
            yield Mark(number, rule, found, any(has[c] > had[c] for c in found))


def _rules(line: str, *, first: bool) -> Iterator[tuple[str, str]]:
    body = line.removeprefix("\ufeff") if first else line
    if found := _IS_BIDI.findall(body):
        yield "intake.bidi", "".join(dict.fromkeys(found))
    if found := _IS_CONTROL.findall(body):
        yield "intake.control-character", "".join(dict.fromkeys(found))
    if "\r" in body.rstrip("\r"):
        yield "intake.bare-cr", "\r"
    if found := [c for c in _IS_INVISIBLE.findall(body) if c != _SOFT_IN_WORD]:
        yield "intake.invisible", "".join(dict.fromkeys("".join(found)))


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def is_named(characters: str) -> str:
    """Code points for people: `U+202E`."""
    return ", ".join(f"U+{ord(c):04X}" for c in characters[:5])
