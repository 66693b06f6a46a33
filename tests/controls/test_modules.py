"""Which modules of the base a change is in, and which others it may stir, in real trees."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runner.changes.read import read_change
from runner.controls.modules import Modules, data_folders, modules_of
from runner.controls.recorded import Function, Recording
from runner.controls.subject import changed_files
from runner.git.objects import PrivateObjects
from runner.ports import Importer

GitIn = Callable[..., str]
Made = Callable[[dict[str, str | None]], Modules]
EXAMPLE = '"""Doc.\n\n>>> 1\n1\n"""\n'
BASE = {
    "src/p/__init__.py": "",
    "src/p/keel.py": "LIMIT = 1\ndef f(a):\n    return a\n",
    "src/p/quay.py": EXAMPLE + "from p.keel import f\n",
    "src/p/tank.py": EXAMPLE,
    "src/p/data.json": "{}",
    "src/p/deep/table.txt": "1",
    "docs/a.txt": "words",
    "tests/test_a.py": EXAMPLE + "import keel\n",
}
RUN = ("src/p/keel.py", "src/p/quay.py", "src/p/tank.py", "tests/test_a.py")


def lay(folder: Path, files: dict[str, str | None]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)


@pytest.fixture
def made(repository: Path, objects: PrivateObjects, git_in: GitIn) -> Made:
    """The modules of a change of these files."""

    def make(after: dict[str, str | None]) -> Modules:
        for files in (BASE, after):
            lay(repository, files)
            git_in(repository, "add", "-A")
            git_in(repository, "commit", "-qm", "x")
        change = read_change("HEAD", objects=objects)
        recording = Recording(functions=tuple(Function(path=path, name="f", line=1) for path in RUN))
        files_of = changed_files(objects, change, {file.path for file in change.files})
        bench = SimpleNamespace(base_tree=change.base_tree)
        subject: Any = SimpleNamespace(trees=objects, bench=bench, change=change, files=files_of, recording=recording, tests_side=())
        return modules_of(subject, Importer(("python3",), {}, "/work", ("src",), "src"))

    return make


def test_a_changed_function_brings_the_examples_of_modules_that_mention_its_module(made: Made) -> None:
    found = made({"src/p/keel.py": "LIMIT = 1\ndef f(a):\n    return a + 0\n"})
    assert list(found.changed) == ["p.keel"]
    assert found.others == {"src/p/quay.py": "p.quay", "src/p/tank.py": "p.tank"}
    assert (dict(found.stirred), list(found.documented)) == ({}, ["p.quay"])
    assert found.paths == {"p.keel": "src/p/keel.py", "p.quay": "src/p/quay.py", "p.tank": "src/p/tank.py"}


def test_a_module_that_does_other_things_on_import_stirs_all_others(made: Made) -> None:
    found = made({"src/p/keel.py": "LIMIT = 2\ndef f(a):\n    return a\n"})
    assert list(found.stirred.values()) == ["p.quay", "p.tank"]


@pytest.mark.parametrize("path", ["src/p/data.json", "src/p/deep/table.txt"])
def test_data_stir_the_modules_of_their_package(made: Made, path: str) -> None:
    found = made({path: "2"})
    assert (dict(found.changed), list(found.stirred.values())) == ({}, ["p.keel", "p.quay", "p.tank"])
    assert list(found.documented) == ["p.quay", "p.tank"]


def test_words_outside_of_packages_stir_nothing(made: Made, objects: PrivateObjects) -> None:
    found = made({"docs/a.txt": "other words"})
    assert (dict(found.stirred), dict(found.documented)) == ({}, {})
    tree = read_change("HEAD", objects=objects).base_tree
    assert data_folders(objects, tree, ["docs/a.txt", "a.txt", "src/p/keel.py"]) == frozenset()
    assert data_folders(objects, tree, ["src/p/deep/table.txt"]) == {"src/p"}
