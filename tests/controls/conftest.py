"""Small real repositories, and small suites."""

from pathlib import Path

import pytest

from testing.recordings import Suite
from testing.repositories import git_in, objects, repository

__all__ = ["git_in", "objects", "repository"]


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path)
