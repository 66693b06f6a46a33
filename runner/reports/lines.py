"""Lines of styled text, written plainly or in colour; whatever they carry is made printable here, in one place."""

from collections.abc import Iterable

from runner.model.text import cut, printable

Line = tuple[tuple[str, str], ...]
"""Pieces of text, each with the name of its style (empty for none); no line feeds."""
LONGEST = 2000
"""Characters of one piece."""
STYLES = {"good": "bold green", "bad": "bold red", "unsure": "bold yellow", "head": "bold", "dim": "dim"}


def line(*pieces: str | tuple[str, str]) -> Line:
    """A line of pieces; a bare string has no style."""
    return tuple(piece if isinstance(piece, tuple) else (piece, "") for piece in pieces)


def write(lines: Iterable[Line], *, color: bool = False) -> str:
    """The lines as text, with ANSI colours when asked for."""
    return _colored(lines) if color else "".join("".join(_safe(text) for text, _ in pieces).rstrip() + "\n" for pieces in lines)


def _safe(text: str) -> str:
    return cut(printable(text), LONGEST)


def _colored(lines: Iterable[Line]) -> str:
    from io import StringIO

    from rich.console import Console
    from rich.text import Text

    target = StringIO()
    console = Console(
        file=target, force_terminal=True, color_system="standard", highlight=False, markup=False, emoji=False, width=10**6, no_color=False
    )
    for pieces in lines:
        console.print(Text.assemble(*((_safe(text), STYLES.get(style, "")) for text, style in pieces)), soft_wrap=True)
    return target.getvalue()
