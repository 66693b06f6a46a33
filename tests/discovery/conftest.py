"""Base trees in memory, and what discovery settles for them."""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from runner.discovery.base_files import BaseFiles
from runner.discovery.settle import settle
from runner.discovery.settled import Settled
from runner.sandbox.options import Sandbox
from runner.trial.options import Tests

_PLACE = Path(__file__).parents[1] / "sandbox" / "memory_trees.py"
_SPEC = importlib.util.spec_from_file_location("memory_trees", _PLACE)
memory_trees = importlib.util.module_from_spec(_SPEC)
sys.modules.setdefault("memory_trees", memory_trees)
_SPEC.loader.exec_module(memory_trees)

Files = Mapping[str, Any]


def _tree(files: Files) -> tuple[Any, str]:
    trees = memory_trees.MemoryTrees()
    return trees, trees.add({name: text.encode() if isinstance(text, str) else text for name, text in files.items()})


@pytest.fixture
def settled() -> Callable[..., Settled]:
    """What is settled for files, and for sections of the policy as they would be given."""

    def settle_for(files: Files, tests: dict[str, Any] | None = None, sandbox: dict[str, Any] | None = None) -> Settled:
        return settle(Tests.model_validate(tests or {}), Sandbox.model_validate(sandbox or {}), *_tree(files))

    return settle_for


@pytest.fixture
def base() -> Callable[[Files], BaseFiles]:
    return lambda files: BaseFiles(*_tree(files))
