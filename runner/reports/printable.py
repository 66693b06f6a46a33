"""Makes text that somebody else wrote safe to show on a terminal."""

_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f") | {chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))}
"""Letters and marks that Python calls printable and that show nothing."""


_ONE_BYTE, _TWO_BYTES = 0xFF, 0xFFFF


def printable(text: str, *, lines: bool = False) -> str:
    r"""`text` with every character that could play tricks written as `\x1b`, `\u202e` or `\U000e0041`.

    Line feeds and tabs stay only with `lines`.
    """
    if text.isascii() and text.isprintable():
        return text
    kept = "\n\t" if lines else ""
    return "".join(char if char in kept or _shows(char) else _escaped(char) for char in text)


def cut(text: str, most: int) -> str:
    """`text` in at most `most` characters, with `…` where it was cut."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _shows(char: str) -> bool:
    return char.isprintable() and char not in _BLANK  # not: controls, bidi marks, surrogates, unassigned, odd spaces


def _escaped(char: str) -> str:
    code = ord(char)
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char)
    if named:
        return named
    return f"\\x{code:02x}" if code <= _ONE_BYTE else f"\\u{code:04x}" if code <= _TWO_BYTES else f"\\U{code:08x}"
