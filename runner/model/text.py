"""Text that somebody else wrote, made fit for a message."""


def printable(text: str) -> str:
    r"""The text with everything that does not print escaped: `\n`, `\x1b`, `\u202e`."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def shown(name: bytes) -> str:
    r"""A file name for people: bytes that are not UTF-8 become `\xNN`."""
    return name.decode("utf-8", "backslashreplace")
