"""One place that says what a project's tests need, and how well it says so."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from runner.discovery.base_files import normal

_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
_TESTS = ("test", "tests", "testing")
_DEVELOPMENT = ("dev", "develop", "development", "devel", "ci")
_AIM = re.compile(r"tests?|testing|unit-?tests?|pytest")


class Aim(IntEnum):
    """What a list of requirements is for, by its name; the lowest is the most fitting."""

    TESTS = 0
    LIKE_TESTS = 1
    """`test-deps`, `unit-tests`, `pytest`."""
    DEVELOPMENT = 2
    OTHER = 3


@dataclass(frozen=True)
class Need:
    """What one place names: by extra, by dependency group, by requirement file, or outright."""

    what: str
    """In words: `extra test`, `requirements-test.txt`."""
    source: str
    """The file and key."""
    aim: Aim
    lines: tuple[str, ...] = ()
    """The requirements behind it, as far as they can be read."""
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """The distributions it brings, by normal name."""
        return names_of(self.lines)


def aim_of(name: str) -> Aim:
    """What an extra, group or environment of this name is for."""
    plain = normal(name)
    if plain in _TESTS:
        return Aim.TESTS
    if plain in _DEVELOPMENT:
        return Aim.DEVELOPMENT
    return Aim.LIKE_TESTS if any(_AIM.fullmatch(word) for word in plain.split("-")) or _AIM.fullmatch(plain) else Aim.OTHER


def place_in_row(name: str) -> int:
    """Among names of one aim: which is the more usual one."""
    row = (*_TESTS, *_DEVELOPMENT)
    return row.index(normal(name)) if normal(name) in row else len(row)


def name_of(requirement: str) -> str:
    """The normal name of the distribution that a requirement asks for; empty when it is an option or a path."""
    found = _NAME.match(requirement)
    return normal(found[1]) if found else ""


def names_of(requirements: Iterable[str]) -> frozenset[str]:
    """The normal names of all that is asked for."""
    return frozenset(name for line in requirements if (name := name_of(line)))
