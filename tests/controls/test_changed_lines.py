"""Changed lines are those that begin a statement within a function and that the base does not have at that place."""

import pytest

from runner import parsing
from runner.controls.changed_lines import changed_lines

BASE = b"""\
import os
LIMIT = 3


def f(a):
    '''Text.'''
    if a:
        return 1
    return 2


class C:
    size = 1

    def m(self):
        return os.sep
"""


def of(patched: bytes | None, base: bytes | None = BASE) -> dict[int, str]:
    (found,) = changed_lines([(base, patched)])
    assert found is not None
    return dict(found)


def test_only_statements_of_functions_count() -> None:
    assert of(BASE) == {}
    assert of(BASE.replace(b"LIMIT = 3", b"LIMIT = 4").replace(b"size = 1", b"size = 2").replace(b"Text", b"Words")) == {}
    assert of(BASE.replace(b"return 1", b"return 5").replace(b"os.sep", b"os.linesep")) == {8: "f", 16: "C.m"}


def test_what_has_moved_is_not_changed() -> None:
    assert of(b"# more\n\n" + BASE.replace(b"return 2", b"return 3")) == {11: "f"}


def test_a_new_file_is_changed_as_a_whole_and_a_deleted_one_not_at_all() -> None:
    assert of(BASE, None) == {7: "f", 8: "f", 9: "f", 16: "C.m"}
    assert of(None) == {}


def test_statements_within_others_are_found() -> None:
    body = b"def f():\n    try:\n        with a:\n            b()\n    except E:\n        c()\n    else:\n        d()\n    finally:\n        pass\n"
    assert sorted(of(body, None)) == [2, 3, 4, 6, 8]


def test_what_cannot_be_read_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    crowded = b"\n".join(b"x = %d" % (n % 101) for n in range(9900))
    assert changed_lines([(BASE, b"def f(:\n"), (BASE, b"\xff\xfe"), (BASE, b"(" * 100_000)]) == [None, None, None]
    monkeypatch.setattr(parsing, "SECONDS", 2)
    assert changed_lines([(crowded, b"\n".join(crowded.split(b"\n")[::-1]))]) in ([None], [{}])  # within the child's time
