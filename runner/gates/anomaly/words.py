"""Tests of other languages than Python, by counting the words that their runners and assertions use."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from runner.gates.anomaly.term import Term
from runner.model.lines import lines

MOST_LINE = 2**12


class _Language(NamedTuple):
    """The words of one language's tests; the group of `tests` is a test's name."""

    tests: re.Pattern[str]
    skips: re.Pattern[str]
    claims: re.Pattern[str]


_JS = _Language(
    tests=re.compile(r"""(?<![\w.])(?:it|test)(?:\.each\([^)]{0,80}\)|\.concurrent)?\(\s{0,8}(["'`])([^"'`]{1,120})\1"""),
    skips=re.compile(
        r"(?<![\w.])(?:(?:it|test|describe|suite|context)\.(?:skip|todo|only|fails?|failing)\b|x(?:it|test|describe)\(|f(?:it|describe)\()"
    ),
    claims=re.compile(r"(?<![\w.])(?:expect|assert|should)(?:\.\w{1,30})?\("),
)
_GO = _Language(
    tests=re.compile(r"^func ((?:Test|Fuzz|Benchmark|Example)\w{0,100})\("),
    skips=re.compile(r"\b[tb]\.Skip(?:f|Now)?\("),
    claims=re.compile(r"\b(?:[tb]\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)\(|(?:assert|require|is|qt|cmp)\.\w{1,40}\()"),
)
_RUST = _Language(
    tests=re.compile(r"^\s{0,40}#\[(?:\w{1,30}::)?test\b"),
    skips=re.compile(r"^\s{0,40}#\[(?:ignore|should_panic)\b"),
    claims=re.compile(r"\b(?:assert|assert_eq|assert_ne|debug_assert)!\s{0,4}\("),
)
_JAVA = _Language(
    tests=re.compile(r"^\s{0,40}@(?:Test|ParameterizedTest|RepeatedTest)\b"),
    skips=re.compile(r"@(?:Disabled|Ignore)\b|\bassume(?:True|False|That)\("),
    claims=re.compile(r"\b(?:assert\w{0,40}|verify|fail)\("),
)
_RUBY = _Language(
    tests=re.compile(r"^\s{0,40}(?:it|specify|test|scenario)\s{1,4}[\"']([^\"']{1,120})|^\s{0,40}def (test_\w{1,100})"),
    skips=re.compile(r"^\s{0,40}(?:xit|xdescribe|skip|pending)\b"),
    claims=re.compile(r"\b(?:expect|assert\w{0,40}|refute\w{0,40})[\s({]"),
)
_LANGUAGES = {".go": _GO, ".rs": _RUST, ".java": _JAVA, ".kt": _JAVA, ".rb": _RUBY} | dict.fromkeys(
    (".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs", ".mts", ".cts"), _JS
)


class Counts(NamedTuple):
    """What one side of a file has: tests by name, skips, claims."""

    tests: Counter[str]
    skips: int
    claims: int


def known(path: str) -> bool:
    """Whether tests in a file of this name can be counted."""
    return PurePosixPath(path).suffix in _LANGUAGES


def weaker(sides: Mapping[str, tuple[bytes, bytes]]) -> Iterator[Term]:
    """What the change takes from tests, over all files of a language together: what moved from one to another is not gone."""
    for language in dict.fromkeys(_LANGUAGES[PurePosixPath(path).suffix] for path in sides):
        counted = {
            path: (count(old, language), count(new, language))
            for path, (old, new) in sides.items()
            if _LANGUAGES[PurePosixPath(path).suffix] is language
        }
        yield from _compared(counted)


def _compared(counted: Mapping[str, tuple[Counts, Counts]]) -> Iterator[Term]:
    tests = _total(old.tests.total() - new.tests.total() for old, new in counted.values())
    claims = _total(old.claims - new.claims for old, new in counted.values())
    for path, (old, new) in counted.items():
        if new.skips > old.skips:
            yield Term("skipped_tests", path, f"{new.skips - old.skips} more tests are skipped, or the only ones to run")
        gone = (old.tests - new.tests).total()
        if tests > 0 and gone and old.tests.total() > new.tests.total():
            yield Term("deleted_tests", path, f"{old.tests.total() - new.tests.total()} tests fewer")
        elif claims > 0 and new.claims < old.claims:
            yield Term("fewer_assertions", path, f"asserts {new.claims} things where it asserted {old.claims}")


def _total(numbers: Iterable[int]) -> int:
    return sum(numbers)


def count(content: bytes, language: _Language) -> Counts:
    """The words of a file outside of its comments, as far as a line tells."""
    tests: Counter[str] = Counter()
    skips = claims = 0
    for line in lines(content):
        bare = line[:MOST_LINE]
        if bare.lstrip().startswith(("//", "*", "/*")):
            continue
        tests.update(next((group for group in reversed(found.groups()) if group), "") for found in language.tests.finditer(bare))
        skips += sum(1 for _ in language.skips.finditer(bare))
        claims += sum(1 for _ in language.claims.finditer(bare))
    return Counts(tests, skips, claims)
