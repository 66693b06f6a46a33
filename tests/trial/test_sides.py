"""Which changed paths the verdict tree takes from the base."""

import pytest

from runner.model.names_of_tests import COMMAND_TEST_FILES
from runner.trial.sides import Inventory, Sides, split, touched
from testing.builders import a_file

TESTS_FOLDER = Inventory(frozenset({"tests/test_a.py", "tests/sub/test_b.py"}))
DOCTESTS = Inventory(frozenset({"tests/test_a.py", "src/pkg/core.py", "README.rst"}))
DJANGO = Inventory(frozenset({"app/tests.py"}), ("tests.py", "test_*.py"))
ANY_NAME = Inventory(frozenset({"pkg/core.py"}), ("*.py",))
TESTING = Inventory(frozenset({"pkg/testing/tests/test_core.py"}))
BESIDE = Inventory(frozenset({"pkg/test_x.py", "test_root.py"}))


@pytest.mark.parametrize(
    ("path", "status", "inventory", "side"),
    [
        ("tests/test_a.py", "M", TESTS_FOLDER, "tests"),
        ("tests/helpers.py", "M", TESTS_FOLDER, "tests"),
        ("tests/data/expected.json", "M", TESTS_FOLDER, "tests"),
        ("tests/test_new.py", "A", TESTS_FOLDER, "tests"),
        ("tests/conftest.py", "A", TESTS_FOLDER, "tests"),
        ("pytest.ini", "A", TESTS_FOLDER, "tests"),
        ("src/pkg/core.py", "M", TESTS_FOLDER, "source"),
        ("impl/checks/test_core.py", "M", TESTS_FOLDER, "tests"),
        ("pkg/testing/core.py", "M", TESTING, "source"),
        ("pkg/testing/tests/data.json", "M", TESTING, "tests"),
        ("expected.json", "M", BESIDE, "tests"),
        ("src/pkg/testing/tools.py", "M", TESTS_FOLDER, "source"),
        ("README.md", "M", TESTS_FOLDER, "source"),
        ("pkg/core.py", "M", BESIDE, "source"),
        ("pkg/expected.json", "M", BESIDE, "tests"),
        ("pkg/test_new.py", "A", BESIDE, "tests"),
        ("README.md", "M", BESIDE, "source"),
        ("core.py", "M", BESIDE, "source"),
        ("src/pkg/core.py", "M", DOCTESTS, "source"),
        ("src/pkg/data.json", "M", DOCTESTS, "source"),
        ("README.rst", "M", DOCTESTS, "tests"),
        ("app/tests.py", "M", DJANGO, "tests"),
        ("app/models.py", "M", DJANGO, "source"),
        ("pkg/core.py", "M", ANY_NAME, "source"),
        ("tests/test_a.py", "M", None, "tests"),
        ("src/pkg/core.py", "M", None, "source"),
    ],
)
def test_tests_configuration_and_data_are_the_bases_all_else_is_source(
    path: str, status: str, inventory: Inventory | None, side: str
) -> None:
    sides = split([a_file(path, status)], inventory, lambda _: False)
    assert (path in sides.tests, path in sides.source) == (side == "tests", side == "source")


@pytest.mark.parametrize(
    ("path", "side"),
    [
        ("src/tide.test.js", "tests"),
        ("src/tide.spec.tsx", "tests"),
        ("src/tide-test.mjs", "tests"),
        ("test/fixtures.json", "tests"),
        ("src/__tests__/tide.js", "tests"),
        ("src/__snapshots__/tide.snap", "tests"),
        ("jest.config.js", "tests"),
        ("hull/ballast_test.go", "tests"),
        ("hull/testdata/boats.json", "tests"),
        ("test_old.py", "tests"),
        ("src/tide.js", "source"),
        ("src/latest.js", "source"),
        ("src/contest.ts", "source"),
        ("hull/ballast.go", "source"),
        ("hull/testing.go", "source"),
    ],
)
def test_the_tests_of_a_command_are_told_by_the_names_of_its_language(path: str, side: str) -> None:
    sides = split([a_file(path)], None, lambda _: False, COMMAND_TEST_FILES)
    assert (path in sides.tests, path in sides.source) == (side == "tests", side == "source")


def test_a_pattern_that_any_name_fits_makes_nothing_a_test() -> None:
    assert split([a_file("core.py")], None, lambda _: False, ("*.py",)).tests == ()


@pytest.mark.parametrize("changes", [True, False])
def test_a_shared_configuration_file_is_the_bases_only_if_its_tests_part_changed(changes: bool) -> None:
    sides = split([a_file("pyproject.toml")], TESTS_FOLDER, lambda _: changes)
    assert sides.tests == (("pyproject.toml",) if changes else ())


@pytest.mark.parametrize(
    ("changed", "is_touched"),
    [
        ("tests/test_a.py", True),
        ("tests/helpers.py", True),
        ("tests/data/x.json", True),
        ("tests/conftest.py", False),
        ("pytest.ini", False),
        ("tests/sub/test_b.py", False),
    ],
)
def test_an_edited_test_helper_or_datum_touches_a_test_but_configuration_does_not(changed: str, is_touched: bool) -> None:
    sides = Sides(tests=(changed,), source=())
    assert touched("tests/test_a.py", sides, {changed}) is is_touched
