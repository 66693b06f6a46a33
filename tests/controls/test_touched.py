"""What a change made of the base's tests, read from both sides of real trees, beside the outcomes of both versions."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.changes.read import read_change
from runner.controls import touched as module
from runner.git.objects import PrivateObjects
from runner.model.suite import Touched
from runner.trial.sides import Sides
from testing.builders import a_run

GitIn = Callable[..., str]
Change = Callable[..., tuple[Touched, ...]]
A, B, C = "tests/test_a.py", "tests/test_b.py", "tests/deep/test_c.py"
TEXT = """\
import pytest

LIMIT = 3


def same(a, b):
    assert a == b


class TestX:
    size = 1

    def test_one(self):
        same(f(1), 1)

    @pytest.mark.parametrize("n", [1, 2])
    def test_two(self, n):
        assert f(n) == n


class TestY(TestX):
    pass


def test_three():
    assert f(3) == LIMIT
"""
TESTS = (
    "TestX::test_one",
    "TestX::test_two[1]",
    "TestX::test_two[2]",
    "TestY::test_one",
    "TestY::test_two[1]",
    "TestY::test_two[2]",
    "test_three",
)
GREEN = {f"{A}::{test}": "passed" for test in TESTS}


@pytest.fixture
def change(repository: Path, objects: PrivateObjects, git_in: GitIn) -> Change:
    """The view on a change of files from `before` to `after`; the outcomes are those of the base's tests and of the change's own."""

    def make(
        before: dict[str, str],
        after: dict[str, str | None],
        *,
        base: dict[str, str] = GREEN,
        patched: dict[str, str] | None = None,
        own: dict[str, str] | None = None,
    ) -> tuple[Touched, ...]:
        for files in (before, after):
            for name, text in files.items():
                path = repository / name
                path.parent.mkdir(parents=True, exist_ok=True)
                if text is None:
                    path.unlink()
                else:
                    path.write_text(text)
            git_in(repository, "add", "-A")
            git_in(repository, "commit", "-qm", "x")
        found = read_change("HEAD", objects=objects)
        paths = tuple(file.path for file in found.files)
        split = Sides(tuple(path for path in paths if not path.startswith("src")), tuple(path for path in paths if path.startswith("src")))
        runs = (a_run(given) for given in (base, patched or base, own if own is not None else base))
        return module.touched(objects, found, split, *runs)

    return make


def made(rows: tuple[Touched, ...]) -> dict[str, str]:
    return {row.id.partition("::")[2]: row.made.value for row in rows}


ALL_OF_THE_FILE = dict.fromkeys(TESTS, "file edited")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TEXT.replace("== LIMIT", ">= LIMIT"), {"test_three": "edited"}),
        (TEXT.replace("same(f(1), 1)", "pass"), {"TestX::test_one": "edited", "TestY::test_one": "edited"}),
        (TEXT.replace("[1, 2]", "[1]"), {name: "edited" for name in TESTS if "two" in name}),
        (TEXT.replace("def test_three", "def no_test_three"), {**ALL_OF_THE_FILE, "test_three": "removed"}),
        (
            TEXT.partition("\n\nclass TestY")[0],
            {**{name: "file edited" for name in TESTS if "TestY" in name}, "test_three": "removed"},
        ),
        (TEXT.replace("assert a == b", "pass"), ALL_OF_THE_FILE),
        (TEXT.replace("LIMIT = 3", "LIMIT = 4"), ALL_OF_THE_FILE),
        (TEXT.replace("size = 1", "size = 2"), {name: "file edited" for name in TESTS if "TestX" in name}),
        (TEXT.replace("assert f(3)", "'''Text.'''\n    assert   f(3)") + "# more\n", {}),
        ("def broken(:\n", ALL_OF_THE_FILE),
        ("x = " + "(" * 100_000, ALL_OF_THE_FILE),
        (None, dict.fromkeys(TESTS, "removed")),
    ],
    ids=[
        "edited", "inherited", "cases", "renamed", "class removed", "helper",
        "constant", "class", "layout", "broken", "hostile", "file removed",
    ],
)  # fmt: skip
def test_what_the_change_made_of_each_test(change: Change, text: str | None, expected: dict[str, str]) -> None:
    assert made(change({A: TEXT}, {A: text})) == expected


def test_an_inherited_test_is_there_as_long_as_one_of_that_name_is(change: Change) -> None:
    more = TEXT.replace("class TestY", "class Other:\n    def test_one(self):\n        pass\n\n\nclass TestY")
    assert made(change({A: more}, {A: TEXT})) == {**ALL_OF_THE_FILE, "TestY::test_one": "edited"}


def test_a_new_test_beside_others_touches_none_of_them(change: Change) -> None:
    more = TEXT.replace("class TestY", "class TestNew:\n    def test_new(self):\n        assert True\n\n\nclass TestY")
    assert change({A: TEXT}, {A: more}, own={**GREEN, f"{A}::TestNew::test_new": "passed"}) == ()


def test_the_outcomes_of_both_versions_stand_beside_one_another(change: Change) -> None:
    three = f"{A}::test_three"
    (row,) = change({A: TEXT}, {A: TEXT.replace("== LIMIT", ">= LIMIT")}, patched={**GREEN, three: "failed"})
    assert (row.id, row.path, row.base, row.patched, row.own, row.terms) == (three, A, "passed", "failed", "passed", ())


@pytest.mark.parametrize(("body", "expected"), [("assert f(3) == LIMIT", ("moved", "skipped")), ("pass", ("removed", None))])
def test_a_moved_test_has_a_version_of_its_own_and_a_removed_one_has_none(
    change: Change, body: str, expected: tuple[str, str | None]
) -> None:
    own = {test: "passed" for test in GREEN if "three" not in test} | {f"{B}::test_three": "skipped"}
    before = {A: TEXT, B: "def test_b():\n    pass\n"}
    after: dict[str, str | None] = {
        A: TEXT.partition("\n\ndef test_three")[0],
        B: f"{before[B]}\n\ndef test_three():\n    {body}\n",
    }
    (row,) = change(before, after, own=own)
    assert (row.id, row.made, row.own) == (f"{A}::test_three", *expected)


def test_a_file_that_is_renamed_has_moved_tests(change: Change) -> None:
    own = {test.replace(A, B): "passed" for test in GREEN}
    rows = change({A: TEXT}, {A: None, B: TEXT}, own=own)
    assert {(row.id.partition("::")[2], row.made.value, row.own) for row in rows if "TestY" not in row.id} == {
        (test, "moved", "passed") for test in TESTS if "TestY" not in test
    }


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("tests/conftest.py", {A, C}),
        ("tests/deep/conftest.py", {C}),
        ("pytest.ini", {A, C}),
        ("tests/data.json", {A, C}),
        ("other/data.json", set()),
    ],
)
def test_what_is_near_a_test_counts_where_an_outcome_differs(change: Change, path: str, near: set[str]) -> None:
    before = {A: "def test():\n    pass\n", C: "def test():\n    pass\n", path: "\n"}
    green = {f"{A}::test": "passed", f"{C}::test": "passed", f"{A}::test_same": "passed"}
    rows = change(before, {path: "# more\n"}, base=green, own={f"{A}::test_same": "passed"})
    assert {(row.id, row.made.value) for row in rows} == {(f"{test}::test", "helpers edited") for test in near}


def test_those_that_a_person_should_see_first_come_first_and_no_more_than_are_told(change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 4)
    text = TEXT.replace("LIMIT = 3", "LIMIT = 4").replace("same(f(1), 1)", "pass")
    rows = change({A: TEXT}, {A: text}, patched={**GREEN, f"{A}::test_three": "failed"})
    assert list(made(rows).items())[:3] == [("test_three", "file edited"), ("TestX::test_one", "edited"), ("TestY::test_one", "edited")]
    assert len(rows) == 4


def test_a_change_of_source_alone_touches_no_test(change: Change) -> None:
    assert change({"src/a.py": "x = 1\n"}, {"src/a.py": "x = 2\n"}, patched=dict.fromkeys(GREEN, "failed")) == ()
