"""Which tests controls ask, of a change that alters functions, and of one that alters what is around them."""

from types import SimpleNamespace
from typing import Any

import pytest

from runner.controls.definitions import definitions
from runner.controls.options import Controls
from runner.controls.recorded import Recording
from runner.controls.subject import ChangedFile, Subject
from testing.builders import a_run

BASE = b"import os\n\n\ndef f(x):\n    return x\n\n\nclass C:\n    a = 1\n\n    def m(self):\n        return 1\n"
TESTS = [f"tests/test_a.py::test_{letter}" for letter in "abcd"]


def changed(old: bytes, new: bytes) -> bytes:
    assert old in BASE
    return BASE.replace(old, new)


def file_of(patched: bytes | None) -> ChangedFile:
    (both,) = definitions([(BASE, patched)])
    return ChangedFile("src/m.py", BASE, patched, both)


@pytest.mark.parametrize(
    ("patched", "loose"),
    [
        (changed(b"return x", b"return x + 0"), False),
        (changed(b"        return 1", b"        return 2"), False),
        (BASE + b"\n\ndef g():\n    return 1\n", False),
        (changed(b"import os", b"import os, sys"), True),
        (changed(b"a = 1", b"a = 2"), True),
        (BASE + b"\n    def __post_init__(self):\n        pass\n", True),
        (BASE + b"\n\nf = None\n", True),
        (b"def f(:\n", True),
        (None, True),
    ],
)
def test_a_change_is_loose_when_more_than_functions_may_do_something_else(patched: bytes | None, loose: bool) -> None:
    assert file_of(patched).loose is loose


def test_a_file_that_cannot_be_read_any_more_hides_its_functions() -> None:
    deep = b"def f(x):\n" + b"".join(b"    " * 1 + b"if x: pass\n" for _ in range(2)) + b"    return " + b"(" * 5000 + b")" * 5000 + b"\n"
    assert file_of(deep).hidden
    assert not file_of(BASE).hidden
    assert not file_of(None).hidden, "it is gone, which everybody sees"


def subject(patched: bytes, covering: dict[str, list[int]]) -> Subject:
    run = a_run(dict.fromkeys(TESTS, "passed"))
    functions = [{"path": "src/m.py", "name": "f", "line": 4}]
    recording = Recording.model_validate({"complete": True, "functions": functions, "covers": covering})
    held: Any = SimpleNamespace()
    return Subject(held, held, "tree", Controls(), (run, run), run, (file_of(patched),), recording, "seed")


def test_tests_that_run_what_was_changed_come_first_and_others_only_where_more_was_changed() -> None:
    body, more = changed(b"return x", b"return x + 0"), changed(b"return x", b"return x + 0") + b"\n\nprint()\n"
    covering = {TESTS[2]: [0]}
    assert subject(body, covering).chosen(9, 9.0, fill=True) == (TESTS[2],)
    filled = subject(more, covering).chosen(9, 9.0, fill=True)
    assert (filled[0], set(filled)) == (TESTS[2], set(TESTS))
    assert len(subject(more, covering).chosen(3, 9.0, fill=True)) == 3
    assert subject(more, covering).chosen(9, 9.0) == (TESTS[2],)
