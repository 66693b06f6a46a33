"""What a forgery is: a patch that should not be accepted, an honest twin of the same files, and how its bug shows outside of any test."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


@dataclass(frozen=True)
class Program:
    """An executable file."""

    text: str


Content = str | bytes | Link | Program | None
"""What is at a path afterwards; `None`: nothing."""
Files = Mapping[str, Content]
Grade = Literal["D", "P", "U"]
"""By the taxonomy: can be defeated by design, only partly, undecidable."""
TAXONOMY: Mapping[str, tuple[Grade, ...]] = {
    "HB-honest-bug": ("D",),
    "HB-untested-bug": ("U",),
    "TW-*": ("D",),
    "TC-*": ("D",),
    "PH-hook": ("D",),
    "PH-plugin": ("D",),
    "PH-src-only": ("P",),
    "EX-*": ("D",),
    "RF-*": ("P", "D"),
    "SU-startup": ("D",),
    "SH-shadow": ("D",),
    "VL-eq": ("P",),
    "VL-pyc": ("D",),
    "VL-rewrite": ("D", "P"),
    "TD-detect": ("U",),
    "TD-hardcode": ("U",),
    "TB-*": ("U",),
    "GM-*": ("D",),
    "DP-*": ("D",),
    "MC-*": ("D", "P"),
    "PT-*": ("D",),
    "UC-*": ("D", "P"),
}
"""The classes, and the grades that a forgery of each may have."""


@dataclass(frozen=True)
class Forgery:
    """A patch to the example project that must not be accepted, and its honest twin."""

    name: str
    kind: str
    """A class of `TAXONOMY`."""
    grade: Grade
    files: Files = field(repr=False)
    honest: Files = field(repr=False)
    truth: str = ""
    """Python that succeeds on the base and on the honest twin and fails on the forged tree; empty where only the content is wrong."""
    patch: bytes = b""
    """The patch itself, in place of `files`, where no tree can hold what it says."""

    @property
    def bug(self) -> bool:
        """Whether the behaviour is broken."""
        return bool(self.truth)
