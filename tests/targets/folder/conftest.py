"""A live folder in each of its three forms."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner import crashpoints
from runner.targets.folder import place as places
from tests.targets.folder.laid import METHODS, Live


@pytest.fixture(params=METHODS)
def live(
    request: pytest.FixtureRequest, tmp_path: Path, repository: Path, git_in: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> Live:
    if request.param == "journal":
        monkeypatch.setattr(places.Place, "method", lambda self: ("journal", "a test wants it"))
    (tmp_path / "live").mkdir()
    return Live(tmp_path / "live", repository, request.param, git_in)


@pytest.fixture
def promotions() -> int:
    """How many promotions and rollbacks a long-lasting test makes; more in the long tiers."""
    return int(os.environ.get("SEATRIAL_PROMOTIONS", "6"))


@pytest.fixture(autouse=True)
def no_hook() -> Iterator[None]:
    yield
    crashpoints.hook = None
