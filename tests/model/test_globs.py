"""Patterns mean what the policy's documentation says they mean."""

import time

import pytest

from runner.model.globs import checked, matches


@pytest.mark.parametrize(
    ("pattern", "path", "meant"),
    [
        ("src/**", "src/a/b.py", True),
        ("src/**", "src", False),
        ("src/**", "lib/src/a.py", False),
        ("**/conftest.py", "conftest.py", True),
        ("**/conftest.py", "a/b/conftest.py", True),
        ("**/conftest.py", "a/myconftest.py", False),
        ("conftest.py", "tests/conftest.py", False),
        ("*.md", "a.md", True),
        ("*.md", "docs/a.md", False),
        ("docs", "docs/a/b.md", True),
        ("docs", "docs", True),
        ("docs", "docs2/a.md", False),
        ("docs/", "docs", False),
        ("docs/", "docs/a/b.md", True),
        ("/src/*.py", "src/a.py", True),
        ("src/*", "src/a/b.py", False),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**/b", "a/x/y/c", False),
        ("**", "x", True),
        ("**/x/**", "a/x/b", True),
        ("**/x/**", "x", False),
        ("s?c/[ab]/*.py", "src/a/z.py", True),
        ("s?c/[!ab]/*.py", "src/a/z.py", False),
        ("*", ".hidden", True),
        ("Src/*", "src/a", False),
    ],
)
def test_a_pattern_means_exactly_these_paths(pattern: str, path: str, meant: bool) -> None:
    assert matches(checked(pattern), path) is meant


@pytest.mark.parametrize("pattern", ["", "/", "!a", "a\\b", "a//b", "../x", "./x", "a**", "{a,b}", "[a", "*" * 9, "a\nb"])
def test_a_pattern_that_could_mean_two_things_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"e\.g\.|'|control"):
        checked(pattern)


def test_a_hostile_name_cannot_make_matching_slow() -> None:
    began = time.monotonic()
    assert not matches(checked("**/*a*a*a*a*a*a*a*b/**/c"), "/".join(["a" * 200] * 20))
    assert time.monotonic() - began < 1
