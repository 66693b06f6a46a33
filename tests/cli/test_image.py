"""`seatrial image` around a stand-in for the engine."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runner.errors import ImageUnavailable
from runner.model.sandbox import Image
from runner.sandbox.image.inventory import ImageInfo

Command = Callable[..., Any]


def test_an_image_is_built_of_the_named_files_under_the_named_tag(
    seatrial: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own_home: Path
) -> None:
    asked: dict[str, Any] = {}

    def build_python(files: Any, tag: str, note: Callable[[str], None], *, cache: Path) -> Image:
        asked.update(files=files, tag=tag, cache=cache)
        note("installing \x1b[31m")
        return Image(reference=tag, id="sha256:" + "d" * 64)

    monkeypatch.setattr("runner.sandbox.image.from_files.build_python", build_python)
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("")
    words = [
        "image",
        "build",
        "python",
        "--requirements",
        str(tmp_path / "a.txt"),
        "--requirements",
        str(tmp_path / "b.txt"),
        "--tag",
        "my:1",
    ]
    answer = seatrial(*words)
    assert (answer.code, asked["files"], asked["tag"]) == (0, (tmp_path / "a.txt", tmp_path / "b.txt"), "my:1")
    assert asked["cache"] == own_home / "cache" / "seatrial"
    assert 'sandbox: {image: "my:1"}' in answer.out
    assert "installing \\x1b[31m" in answer.err
    assert seatrial(*words, "--format", "json").json["reference"] == "my:1"


def test_a_missing_file_is_told_before_anything_is_built(seatrial: Command) -> None:
    answer = seatrial("image", "build", "python", "--requirements", "/no/such.txt", "--tag", "x", "--format", "json")
    assert (answer.code, answer.json["code"]) == (2, "usage")


def test_a_build_that_fails_shows_its_last_lines(seatrial: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def build_python(*_: Any, **__: Any) -> Image:
        raise ImageUnavailable("the build failed:\n  no matching distribution \x1b[2J", hint="check the name")

    monkeypatch.setattr("runner.sandbox.image.from_files.build_python", build_python)
    answer = seatrial("image", "build", "python", "--tag", "x", "-q")
    assert (answer.code, answer.err) == (4, "seatrial: the build failed:\n  no matching distribution \\x1b[2J\n  check the name\n")


def test_images_are_listed_and_pruned(seatrial: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    info = ImageInfo(reference="my:1", id="sha256:" + "d" * 64, size=3 * 2**20, created=datetime(2026, 11, 22, tzinfo=UTC), kind="python")
    kept: list[Any] = []
    monkeypatch.setattr("runner.sandbox.image.inventory.list_images", lambda: (info,))
    monkeypatch.setattr("runner.sandbox.image.prune.prune", lambda *, keep: kept.append(keep) or 5 * 2**20)
    assert seatrial("image", "list").out.split() == ["my:1", "python", "3MiB", "2026-11-22", "00:00Z", "dddddddddddd"]
    assert seatrial("image", "list", "--format", "json").json["images"][0]["size"] == 3 * 2**20
    assert seatrial("image", "prune", "--keep", "a").out == "5MiB freed\n"
    assert seatrial("image", "prune", "--format", "json").json["freed"] == 5 * 2**20
    assert kept == [("a",), ()]


def test_images_are_saved_and_loaded_by_name_and_the_names_are_told(
    seatrial: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("runner.sandbox.image.archive.save", lambda what, file, note: asked.append((what, file)) or ("a:1", "b:\x1b[31m"))
    monkeypatch.setattr("runner.sandbox.image.archive.load", lambda file, note, *, foreign: asked.append((file, foreign)) or ("a:1",))
    file = tmp_path / "images.tar"
    assert (seatrial("image", "save", "all", str(file)).out, asked.pop()) == ("a:1\nb:\\x1b[31m\n", ("all", file))
    assert seatrial("image", "load", str(file)).code == 2  # there is no such file
    file.write_bytes(b"")
    assert seatrial("image", "load", str(file), "--format", "json").json == {"schema": "seatrial.archive/v1", "images": ["a:1"]}
    seatrial("image", "load", "--any", str(file))
    assert asked == [(file, False), (file, True)]
