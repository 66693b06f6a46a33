"""Text that somebody else wrote, made fit for a terminal, a log and a message."""

import re
from typing import Final

_BLANK: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f") | {
    chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
}
"""Letters and marks that Python calls printable and that show nothing."""
_ONE_BYTE, _TWO_BYTES = 0xFF, 0xFFFF
_COMMAND: Final = re.compile(r"##[A-Za-z]*(\[)|^[ \t]*(:):", re.MULTILINE)
"""What a CI runner takes for a command in the output of a step: `##[name]`, `##vso[name]` or `##teamcity[name]` anywhere, `::name` where a
line begins."""


def printable(text: str, *, lines: bool = False) -> str:
    r"""`text` with every character that could play tricks written as `\x1b`, `\u202e` or `\U000e0041`.

    Line feeds and tabs stay only with `lines`. What CI runners would obey is broken by an escape, too: `##\x5bgroup]`, `\x3a:error`.
    """
    if not (text.isascii() and text.isprintable()):
        kept = "\n\t" if lines else ""
        text = "".join(char if char in kept or _shows(char) else _escaped(char) for char in text)
    return _COMMAND.sub(_broken, text) if "##" in text or "::" in text else text


def cut(text: str, most: int) -> str:
    """`text` in at most `most` characters, with `…` where it was cut."""
    return text if len(text) <= most else text[: most - 1] + "…"


def shown(name: bytes) -> str:
    r"""A file name for people: bytes that are not UTF-8 become `\xNN`."""
    return name.decode("utf-8", "backslashreplace")


def inert(document: str) -> str:
    """An ASCII JSON document that says the same, has no control character, and that no CI runner obeys."""
    return re.sub(r"(##[A-Za-z]*)\[", r"\1\\u005b", document).replace("\x7f", "\\u007f")


def _shows(char: str) -> bool:
    return char.isprintable() and char not in _BLANK  # not: controls, bidi marks, surrogates, unassigned, odd spaces


def _escaped(char: str) -> str:
    code = ord(char)
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char)
    if named:
        return named
    return f"\\x{code:02x}" if code <= _ONE_BYTE else f"\\u{code:04x}" if code <= _TWO_BYTES else f"\\U{code:08x}"


def _broken(command: re.Match[str]) -> str:
    at = command.start(command.lastindex or 0) - command.start()
    said = command.group()
    return said[:at] + _escaped(said[at]) + said[at + 1 :]
