"""The verdict tree, by real git: tests of the base, whatever their names are."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from runner.changes.read import read_change
from runner.git.objects import PrivateObjects
from runner.stages.trial import _Sides
from testing.builders import a_run

GitIn = Callable[..., str]
ODD = "caf\udce9"  # as Python spells the name b"caf\xe9"
NAMES = (f"tests/{ODD}.txt", "tests/plain.txt", f"{ODD}/tests/data.txt", f"{ODD}/setup.cfg", f"{ODD}.py")


def write(repository: Path, content: str) -> None:
    for name in NAMES:
        path = repository / os.fsencode(name).decode("utf-8", "surrogateescape")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"[tool:pytest]\naddopts = --{content}\n" if name.endswith(".cfg") else content)


@pytest.mark.parametrize("known", [False, True], ids=["before the base ran", "when the base told its tests"])
def test_data_of_tests_whose_names_are_not_utf8_is_the_bases(repository: Path, objects: PrivateObjects, git_in: GitIn, known: bool) -> None:
    for content in ("base", "changed"):
        write(repository, content)
        git_in(repository, "add", "-A")
        git_in(repository, "commit", "-qm", content)
    change = read_change("HEAD", objects=objects)
    assert len(change.files) == len(NAMES)
    run, ports = SimpleNamespace(change=change), SimpleNamespace(trees=objects, suite=SimpleNamespace(patterns=("test_*.py",)))
    changed = _Sides(run, ports)  # type: ignore[arg-type]
    # as a session tells them: bytes that are not UTF-8 are spelled out
    base = a_run({"tests/test_a.py::test": "passed", "caf\\udce9/tests/test_b.py::test": "passed"}) if known else None
    tree = changed.tree(changed.split(base))
    found = {name: (objects.read(tree, name) or b"").decode() for name in NAMES}
    assert found == {**dict.fromkeys(NAMES[:3], "base"), NAMES[3]: "[tool:pytest]\naddopts = --base\n", NAMES[4]: "changed"}
