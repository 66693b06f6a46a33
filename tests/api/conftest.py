"""One server for the tests of a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from testing.served import Served, serving


@pytest.fixture(scope="module")
def served(own_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server without a generator."""
    with serving(tmp_path_factory.mktemp("served")) as made:
        yield made
