"""What was settled is kept for the next check of the same base."""

from pathlib import Path
from typing import Any

import pytest

from runner.discovery import kept, settle
from runner.discovery.kept import settle_once
from runner.sandbox.options import Sandbox
from runner.trial.options import Tests

FILES = {
    "pyproject.toml": b'[project]\nname = "a"\n[project.optional-dependencies]\ntest = ["pytest"]\n',
    "tests/test_a.py": b"import yaml\n",
}


@pytest.fixture
def trees(monkeypatch: pytest.MonkeyPatch) -> Any:
    from memory_trees import MemoryTrees

    return MemoryTrees()


def test_a_second_check_of_a_base_reads_none_of_it_and_says_the_same(trees, tmp_path: Path, monkeypatch):
    tree = trees.add(FILES)
    asked = Tests(), Sandbox.model_validate({"env": {"A": "1"}, "limits": {"wall": "90s", "memory": 1_500_000_001}})
    first = settle_once(tmp_path / "settled", *asked, trees, tree)
    monkeypatch.setattr(settle, "settle", None)
    again = settle_once(tmp_path / "settled", *asked, trees, tree)
    assert again == first
    assert first.sandbox.build.packages == ("PyYAML",)


def test_another_base_or_another_policy_is_another_question(trees, tmp_path: Path):
    first = settle_once(tmp_path, Tests(), Sandbox(), trees, trees.add(FILES))
    assert settle_once(tmp_path, Tests(), Sandbox(), trees, trees.add({"test_b.py": b""})) != first
    assert settle_once(tmp_path, Tests(runner="pytest"), Sandbox(), trees, trees.add(FILES)).tests.args == ()


@pytest.mark.parametrize("content", [b"", b"[1]", b'[{"runner": "x"}, {}, []]'])
def test_an_entry_that_cannot_be_read_counts_as_absent(trees, tmp_path: Path, content: bytes):
    tree = trees.add(FILES)
    first = settle_once(tmp_path, Tests(), Sandbox(), trees, tree)
    for file in tmp_path.iterdir():
        file.write_bytes(content)
    assert settle_once(tmp_path, Tests(), Sandbox(), trees, tree) == first


def test_a_cache_that_cannot_be_written_is_no_error(trees, tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    assert settle_once(tmp_path / "file", Tests(), Sandbox(), trees, trees.add(FILES)).sandbox.build.extras == ("test",)


def test_another_release_finds_anew(trees, tmp_path: Path, monkeypatch):
    tree = trees.add(FILES)
    settle_once(tmp_path, Tests(), Sandbox(), trees, tree)
    monkeypatch.setattr(kept, "__version__", "0.0.1")
    settle_once(tmp_path, Tests(), Sandbox(), trees, tree)
    assert len(list(tmp_path.iterdir())) == 2
