"""`seatrial cache`."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]


@pytest.fixture
def cache(own_home: Path) -> Path:
    """A cache with a base result that was used long ago, and a fresh one."""
    folder = own_home / "cache" / "seatrial"
    (folder / "baselines").mkdir(parents=True)
    folder.chmod(0o700)
    (folder / "baselines" / "old").write_bytes(b"1" * 3000)
    (folder / "baselines" / "new").write_bytes(b"1" * 3000)
    os.utime(folder / "baselines" / "old", (0, 0))
    return folder


def test_info_counts_by_kind(seatrial: Command, cache: Path) -> None:
    answer = seatrial("cache", "info", "--format", "json").json
    assert (answer["schema"], answer["directory"]) == ("seatrial.cache/v1", str(cache))
    kinds = {kind["kind"]: kind for kind in answer["kinds"]}
    assert list(kinds) == ["snapshots", "baselines", "settled", "history", "registry", "locks", "live", "other"]
    assert (kinds["baselines"]["count"], kinds["baselines"]["oldest_use"]) == (2, "1970-01-01T00:00:00+00:00")
    assert answer["size"] == kinds["baselines"]["size"] >= 6000
    assert kinds["snapshots"] == {"kind": "snapshots", "count": 0, "size": 0, "in_use": 0, "oldest_use": None, "newest_use": None}
    text = seatrial("cache", "info").out
    assert text.splitlines()[0].startswith(str(cache))
    assert "baselines" in text
    assert "snapshots" not in text


def test_an_empty_cache_is_no_error(seatrial: Command) -> None:
    assert seatrial("cache", "info").code == 0
    assert seatrial("cache", "clear").out == "0 removed, 0B freed\n"


def test_clear_takes_what_is_old_enough(seatrial: Command, cache: Path) -> None:
    done = seatrial("cache", "clear", "--older-than", "7d", "--format", "json").json
    assert [row["name"] for row in done["removed"]] == ["old"]
    assert seatrial("cache", "clear").out.startswith("1 removed, ")
    assert list((cache / "baselines").iterdir()) == []


def test_clear_takes_only_the_kind_named(seatrial: Command, cache: Path) -> None:
    (cache / "news").write_text("")
    seatrial("cache", "clear", "--kind", "snapshots")
    assert len(list((cache / "baselines").iterdir())) == 2
    seatrial("cache", "clear", "--kind", "baselines", "--kind", "other")
    assert not (cache / "news").exists()


@pytest.mark.parametrize("age", ["7", "7 weeks", "-1d", "nan"])
def test_an_age_needs_a_unit(seatrial: Command, cache: Path, age: str) -> None:
    assert seatrial("cache", "clear", f"--older-than={age}").code == 2
    assert len(list((cache / "baselines").iterdir())) == 2


def test_what_cannot_be_removed_is_said_and_fails(seatrial: Command, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from runner.sandbox import cached

    monkeypatch.setattr(cached, "clear", lambda *_: cached.Cleared(problems=("x\x1b cannot be removed",)))
    answer = seatrial("cache", "clear")
    assert (answer.code, answer.err) == (4, "seatrial: x\\x1b cannot be removed\n")


def test_every_kind_has_its_words() -> None:
    from runner.cli import cache as command
    from runner.sandbox import cached

    assert set(command._MEANING) == set(cached.KINDS)
    assert set(command._CHOICES) == {*cached.CLEARED, cached.OTHER}
