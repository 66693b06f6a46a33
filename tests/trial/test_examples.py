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
    assert examples.judge(TwoTrees(patched), "base", "patched", [("m.py::m.f", "m.py")], {"m.py"}).outcome == outcome  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("test", "outcome"), [("m.py::m.f", "pass"), ("m.py::m", "pass"), ("m.py::test_f", "hold"), ("m.py::TestF::test_f[1.5]", "hold")]
)
def test_a_file_with_tests_and_source_in_one_is_held(test: str, outcome: str) -> None:
    refactored = TwoTrees(BASE.replace(b"2 * x", b"x + x"))
    assert examples.judge(refactored, "base", "patched", [(test, "m.py")], {"m.py"}).outcome == outcome  # type: ignore[arg-type]
