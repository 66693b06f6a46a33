"""In which order a base image is looked for."""

import contextlib
from pathlib import Path
from typing import Any

import docker
import pytest

from runner.errors import ImageUnavailable
from runner.sandbox.engine import Engine
from runner.sandbox.image import base, debian, registry, suites
from runner.sandbox.image.base import AUTO, DEBIAN, base_key, ensure_base
from runner.sandbox.image.made import Yard


class StandIn:
    """An engine whose images are names, with a registry that offers some."""

    address = "unix:///nowhere"

    def __init__(self, *images: str, offers: tuple[str, ...] = (), broken: bool = False) -> None:
        self.names = {name: f"sha256:{name}" for name in images}
        self.offers, self.broken, self.api = offers, broken, self

    def inspect_image(self, name: str) -> dict[str, str]:
        if name in self.names:
            return {"Id": self.names[name]}
        raise docker.errors.ImageNotFound(f"no such image {name}")

    def pull(self, name: str, tag: str | None) -> None:
        if self.broken:
            raise docker.errors.APIError("pull failed")
        reference = f"{name}:{tag}" if tag else name
        self.names[reference] = f"sha256:{reference}"

    def tag(self, image: str, name: str, tag: str) -> None:
        self.names[f"{name}:{tag}"] = image


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked for, in order: the registry, Debian's packages."""
    asked: list[str] = []

    def registry_has(api: Any, reference: str, _: Path) -> bool:
        asked.append(f"registry {reference}")
        return reference in api.offers

    def build(engine: Any, distribution: str, suite: str, mirrors: Any, changes: list[str], cache: Any, note: Any) -> str:
        asked.append("debian" if suite == "bookworm" else f"debian {suite}")
        return f"sha256:{suite}"

    monkeypatch.setattr(registry, "registry_has", registry_has)
    monkeypatch.setattr(debian, "can_build", lambda: True)
    monkeypatch.setattr(debian, "build", build)
    monkeypatch.setattr(suites, "suite_of_host", lambda: ("debian", "bookworm"))
    monkeypatch.setattr(suites, "archives", lambda _: (suites.Archive("http://m/debian", "", "main"),))
    monkeypatch.setattr(suites, "release_answers", lambda _, release: release == "trixie")
    return asked


def ensure(engine: Any, given: str, cache: Path, python: str | None = None) -> str:
    return ensure_base(Yard(engine, cache, lambda _: None), given, python).id


def test_the_registry_is_asked_first_then_debian_and_afterwards_neither(world: list[str], tmp_path: Path) -> None:
    slim = StandIn(offers=("python:3.11-slim",))
    assert [ensure(slim, AUTO, tmp_path) for _ in range(2)] == ["sha256:python:3.11-slim"] * 2
    assert world == ["registry python:3.11-slim"]
    world.clear()
    alone = StandIn()
    assert [ensure(alone, AUTO, tmp_path) for _ in range(2)] == ["sha256:bookworm"] * 2
    assert world == ["registry python:3.11-slim", "debian"]


def test_a_pull_that_fails_falls_through_to_debian(world: list[str], tmp_path: Path) -> None:
    assert ensure(StandIn(offers=("python:3.11-slim",), broken=True), AUTO, tmp_path) == "sha256:bookworm"


def test_debian_asked_for_by_name_asks_no_registry_and_is_another_image(world: list[str], tmp_path: Path) -> None:
    engine = StandIn(f"seatrial/base:{base_key(AUTO)}", offers=("python:3.11-slim",))
    assert ensure(engine, DEBIAN, tmp_path) == "sha256:bookworm"
    assert world == ["debian"]


def test_a_reference_is_taken_as_it_is_and_pulled_only_when_absent(world: list[str], tmp_path: Path) -> None:
    assert ensure(StandIn("mine:1"), "mine:1", tmp_path) == "sha256:mine:1"
    assert world == []
    assert ensure(StandIn(offers=("theirs:1",)), "theirs:1", tmp_path) == "sha256:theirs:1"
    with pytest.raises(ImageUnavailable, match="theirs:2 is not on this engine"):
        ensure(StandIn(), "theirs:2", tmp_path)


@pytest.mark.parametrize(
    ("reference", "pulled"),
    [("a", "a:latest"), ("host:5000/a", "host:5000/a:latest"), ("a@sha256:0", "a@sha256:0"), ("h:1/a:2", "h:1/a:2")],
)
def test_a_pull_names_one_tag_never_all(world: list[str], tmp_path: Path, reference: str, pulled: str) -> None:
    engine = StandIn(offers=(reference,))
    with contextlib.suppress(ImageUnavailable):  # the stand-in knows no second name of what it pulled
        ensure(engine, reference, tmp_path)
    assert list(engine.names) == [pulled]


def test_without_any_way_the_three_ways_are_named(world: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "can_build", lambda: False)
    with pytest.raises(ImageUnavailable) as failure:
        ensure(StandIn(), AUTO, tmp_path)
    assert all(way in failure.value.hint for way in ("registry", "mmdebstrap", "sandbox.build.base"))


def test_a_python_asked_for_comes_from_the_registry_else_from_the_suite_that_has_it(world: list[str], tmp_path: Path) -> None:
    assert ensure(StandIn(offers=("python:3.13-slim",)), AUTO, tmp_path, "3.13") == "sha256:python:3.13-slim"
    assert ensure(StandIn(), AUTO, tmp_path, "3.13") == "sha256:trixie"
    assert ensure(StandIn(), DEBIAN, tmp_path, "3.13") == "sha256:trixie"
    assert world == ["registry python:3.13-slim", "registry python:3.13-slim", "debian trixie", "debian trixie"]


def test_the_python_at_hand_asked_for_by_its_number_is_the_same_image(world: list[str]) -> None:
    assert base_key(AUTO, "3.11") == base_key(AUTO) != base_key(AUTO, "3.13")


@pytest.mark.parametrize("python", ["3.14", "3.9"])  # no suite has the one, and the archive does not have the other's suite
def test_a_python_that_cannot_be_had_is_refused_with_those_that_can(world: list[str], tmp_path: Path, python: str) -> None:
    with pytest.raises(
        ImageUnavailable, match=f"cannot provide Python {python}: no registry offers python:{python}-slim, and its Debian"
    ) as it:
        ensure(StandIn(), AUTO, tmp_path, python)
    assert str(it.value).endswith("packages have 3.11, 3.13")


@pytest.mark.docker
@pytest.mark.long
def test_debian_packages_make_a_base_image_with_a_python_that_makes_environments(engine: Engine, cache: Path) -> None:
    if not debian.can_build():
        pytest.fail("mmdebstrap is not installed: run scripts/engine.sh")
    before = {tag for image in engine.api.images() for tag in image.get("RepoTags") or ()}
    made = ensure_base(Yard(engine, cache, lambda _: None), DEBIAN)
    try:
        config = engine.api.inspect_image(made.id)
        assert base.LABEL in config["Config"]["Labels"]
        assert config["Size"] < 260 * 2**20
    finally:
        if made.reference not in before:
            engine.api.remove_image(made.reference)
