"""Docstring examples that the suite runs."""

import pytest

from runner.trial import examples

BASE = b'''def f(x):
    """Double.

    >>> f(1)
    2
    >>> f(
    ...     2)
    4

    Words.
    """
    return 2 * x
'''


class TwoTrees:
    def __init__(self, patched: bytes) -> None:
        self.sides = {"base": BASE, "patched": patched}

    def read(self, tree: str, path: str) -> bytes:
        return self.sides[tree]


@pytest.mark.parametrize(
    ("patched", "outcome"),
    [
        (BASE.replace(b"2 * x", b"x + x"), "pass"),
        (BASE.replace(b"Words", b"More words"), "pass"),
        (BASE.replace(b"\n    ", b"\n        "), "pass"),
        (BASE.replace(b"    Words.", b"    >>> f(3)\n    6\n\n    Words."), "pass"),
        (BASE.replace(b"\n\n    Words.\n", b"\n"), "pass"),
        (BASE.replace(b"    2\n", b"    3\n"), "hold"),
        (BASE.replace(b"    4\n", b"    5\n"), "hold"),
        (BASE.replace(b">>> f(1)", b">>> f(1) # doctest: +SKIP"), "hold"),
        (b"", "hold"),
    ],
)
def test_an_example_of_the_base_must_stand_as_it_was(patched: bytes, outcome: str) -> None:
    assert examples.judge(TwoTrees(patched), "base", "patched", [("m.py::m.f", "m.py")], examples.Sorted({"m.py"})).outcome == outcome  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("test", "outcome"), [("m.py::m.f", "pass"), ("m.py::m", "pass"), ("m.py::test_f", "hold"), ("m.py::TestF::test_f[1.5]", "hold")]
)
def test_a_file_with_tests_and_source_in_one_is_held(test: str, outcome: str) -> None:
    refactored = TwoTrees(BASE.replace(b"2 * x", b"x + x"))
    assert examples.judge(refactored, "base", "patched", [(test, "m.py")], examples.Sorted({"m.py"})).outcome == outcome  # type: ignore[arg-type]


class Files:
    """Trees as they are asked for contents."""

    def __init__(self, **sides: dict[str, bytes]) -> None:
        self.sides = sides

    def read(self, tree: str, path: str) -> bytes | None:
        return self.sides[tree].get(path)

    def entries(self, tree: str) -> tuple[()]:
        return ()

    def blobs(self, ids: object) -> dict[str, bytes]:
        return {}


def rules(patched: dict[str, bytes], paths: examples.Sorted, base: dict[str, bytes] | None = None) -> list[str]:
    trees = Files(base=base or {}, patched=patched)
    told = examples.judge(trees, "base", "patched", [("tests/test_a.py::test_a", "tests/test_a.py")], paths)  # type: ignore[arg-type]
    return [finding.rule for finding in told.findings]


@pytest.mark.parametrize(
    ("path", "tried", "found"),
    [
        ("src/berth/gauge_test.py", set(), ["examples.uncollected"]),
        ("src/berth/gauge_test.py", {"src/berth/gauge_test.py"}, []),
        ("tests/helpers.py", set(), []),  # beside tests of the base
        ("src/conftest.py", set(), []),
        ("src/berth/gauge_test.txt", set(), []),
    ],
)
def test_what_only_has_the_name_of_a_test_is_held(path: str, tried: set[str], found: list[str]) -> None:
    assert rules({path: b"x = 1\n"}, examples.Sorted((), (path,), tried)) == found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"for m in pkgutil.iter_modules(__path__): load(m)\n", ["examples.searches"]),
        (b"importlib.import_module(name)\n", ["examples.searches"]),
        (b"__import__(NAMES[0])\n", ["examples.searches"]),
        (b"importlib.import_module('json')\n", []),
        (b"import json\n", []),
    ],
)
def test_source_that_newly_imports_what_it_finds_is_held_where_tests_change_as_well(line: bytes, found: list[str]) -> None:
    both = examples.Sorted(("src/a.py",), ("tests/low.py",), {"tests/low.py"})
    assert rules({"src/a.py": line, "tests/low.py": b""}, both) == found
    assert rules({"src/a.py": line}, examples.Sorted(("src/a.py",))) == [], "nothing of the tests' side is changed"
    assert rules({"src/a.py": line, "tests/low.py": b""}, both, base={"src/a.py": line}) == [], "the base does so as well"
