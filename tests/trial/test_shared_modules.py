"""What the program imports from folders of tests is not tried by tests that come from the base: a change of it is found."""

import pytest

from runner.ports import TreeEntry
from runner.trial import shared_modules
from runner.trial.shared_modules import importers


class OneTree:
    def __init__(self, files: dict[str, str]) -> None:
        self.files = {path: text.encode() for path, text in files.items()}

    def entries(self, tree: str):
        return (TreeEntry("100644", path, path.encode()) for path in self.files)

    def blobs(self, ids):
        return {path: self.files[path] for path in ids}


UNITS = "src/berth/tests/units.py"


def found(changed: str = UNITS, **sources: str) -> list[tuple[str, str]]:
    files = {f"src/berth/{name}.py": text for name, text in sources.items()}
    return list(importers(OneTree({**files, changed: "x = 1\n"}), "tree", (changed,)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "from berth.tests.units import under\n",
        "def f():\n    from .tests import units\n",
        "import berth.tests.units as u\n",
        "importlib.import_module('berth.tests.units')\n",
        "__import__('berth.tests.units')\n",
    ],
)
def test_a_source_file_that_imports_from_the_folder_is_named(text: str) -> None:
    assert found(keel=text, quay="import os\n") == [(UNITS, "src/berth/keel.py")]


def test_a_test_module_is_found_by_its_own_name() -> None:
    assert found("src/berth/test_units.py", keel="from berth.test_units import under\n") == [
        ("src/berth/test_units.py", "src/berth/keel.py")
    ]


@pytest.mark.parametrize(
    "text", ["import os  # tests\n", "tests = 1\n", "x = 'from berth.tests import units'\n", "from berth import contests\n"]
)
def test_other_words_are_no_imports(text: str) -> None:
    assert found(keel=text) == []


def test_tests_that_import_one_another_are_no_source() -> None:
    assert list(importers(OneTree({UNITS: "", "src/berth/tests/test_a.py": "from berth.tests import units\n"}), "t", (UNITS,))) == []  # type: ignore[arg-type]


def test_what_is_beyond_the_bound_counts_as_importing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_modules, "MOST_FILES", 1)
    assert found(a="", b="") == [(UNITS, "src/berth/b.py")]
