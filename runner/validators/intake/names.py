"""What is wrong with one name of a path, on any system it may be checked out on."""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

LONGEST_NAME = 200
LONGEST_PATH = 1000
_RESERVED = re.compile(r'[\\:<>"|?*]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_SHORT_GIT = re.compile(r"git~[0-9]+")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Code points that most renderers show as nothing (Unicode Default_Ignorable_Code_Point).
IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{IGNORABLE}]")


class Flaw(NamedTuple):
    """One fault of a name: the rule it breaks, what to say, and the option that decides what follows."""

    rule: str
    message: str
    option: str


def fold(name: str) -> str:
    """Names with the same fold are one name on a file system that ignores case or Unicode form."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def skeleton(name: str) -> str:
    """A name as the most lenient file system may read it: compatible forms, no case, nothing invisible."""
    visible = name if name.isascii() else _INVISIBLE.sub("", name)
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", visible).casefold())


def path_flaws(path: str) -> Iterator[Flaw]:
    """Faults of a whole path, wherever it leads: out of the tree, or into the repository's own directory."""
    if len(path.encode("utf-8", "surrogatepass")) > LONGEST_PATH:
        yield Flaw("intake.long-path", f"the path is longer than {LONGEST_PATH} bytes", "names")
    pieces = re.split(r"[/\\]", skeleton(path))
    if path.startswith(("/", "\\")) or re.match(r"[A-Za-z]:[\\/]", path):
        yield Flaw("intake.absolute-path", "the path is absolute", "names")
    elif any(piece in ("", ".", "..") for piece in pieces):
        yield Flaw("intake.traversal", "the path has a component that leads elsewhere", "names")
    if any(_is_git(piece) for piece in pieces):
        yield Flaw("intake.dot-git", "the path reads as the repository's own .git directory", "names")


def _is_git(piece: str) -> bool:
    stem = piece.partition(":")[0].rstrip(". ")
    return stem == ".git" or _SHORT_GIT.fullmatch(stem) is not None


def name_flaws(name: str) -> Iterator[Flaw]:
    """Faults of one component that the base does not have."""
    if _BIDI.search(name):
        yield Flaw("intake.name-bidi", "the name changes its own reading direction", "names")
    elif _INVISIBLE.search(name):
        yield Flaw("intake.name-invisible", "the name holds characters that cannot be seen", "names")
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name):
        yield Flaw("intake.name-control", "the name holds control characters", "names")
    if len(name.encode("utf-8", "surrogatepass")) > LONGEST_NAME:
        yield Flaw("intake.long-name", f"the name is longer than {LONGEST_NAME} bytes", "names")
    if not name.isascii() and unicodedata.normalize("NFC", name) != name:
        yield Flaw("intake.name-not-nfc", "the name is not in Unicode form C, so that some systems change it", "portability")
    if name.startswith("-"):
        yield Flaw("intake.leading-dash", "the name begins with a dash, so that commands read it as an option", "portability")
    if found := _RESERVED.search(name):
        yield Flaw("intake.reserved-character", f"the name holds {found[0]!r}, which Windows does not allow", "portability")
    if name != name.strip() or name.endswith("."):
        yield Flaw("intake.trailing-blank", "the name begins or ends with a blank, or ends with a dot", "portability")
    if _DEVICE.fullmatch(name.rstrip(" .")):
        yield Flaw("intake.device-name", "the name is a device on Windows", "portability")
