"""What the time benches share: repositories of a given size, and rounds in which every case runs in random order."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

IMAGE = "seatrial-bench/pytest"
EXPECTED = "21 passed"
TESTS = """
import time

import pytest

from pkg import add


@pytest.mark.parametrize("n", range(20))
def test_add(n):
    assert add(n, 1) == n + 1


def test_takes_its_time():
    time.sleep({seconds})
"""


@dataclass(frozen=True)
class Repository:
    """A repository of a given size whose suite takes a given time, and a change to it."""

    path: Path
    patch: Path
    policy: Path
    files: int
    seconds: float


def git(path: Path, *argv: str) -> str:
    who = ("-c", "user.name=bench", "-c", "user.email=bench@example.invalid")
    return subprocess.run(["git", *who, *argv], cwd=path, check=True, capture_output=True, text=True).stdout


def make(folder: Path, files: int, seconds: float, image: str = IMAGE) -> Repository:
    """A package with one function, one test file, as many further files as asked, and an honest change of the function."""
    repo = folder / f"repo-{files}-{seconds:g}"
    (repo / "pkg").mkdir(parents=True)
    (repo / "tests").mkdir()
    (repo / "pkg" / "__init__.py").write_text("def add(a, b):\n    return a + b\n")
    (repo / "tests" / "test_add.py").write_text(TESTS.format(seconds=seconds))
    for number in range(files - 2):
        place = repo / "data" / f"d{number // 1000}" / f"e{number // 50 % 20}"
        if number % 50 == 0:
            place.mkdir(parents=True, exist_ok=True)
        (place / f"f{number}.txt").write_text(f"{number}\n" * 20)
    git(repo, "init", "-q")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "base")
    (repo / "pkg" / "__init__.py").write_text("def add(a, b):\n    return b + a\n")
    patch = folder / f"{repo.name}.diff"
    patch.write_text(git(repo, "diff"))
    git(repo, "checkout", "-q", ".")
    policy = folder / "policy.yaml"
    # controls off: what a sandbox costs is asked here; what they cost, bench/corpus.py says
    policy.write_text(f"seatrial: 1\ntests: {{runner: pytest, args: [tests]}}\ncontrols: {{run: []}}\nsandbox: {{image: {image}}}\n")
    return Repository(repo, patch, policy, files, seconds)


def interleaved(cases: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Every case once a round, in random order."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    order, chance = list(cases), random.Random(7)
    for number in range(rounds):
        chance.shuffle(order)
        for name in order:
            taken[name].append(cases[name]())
        print(f"round {number + 1} of {rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    return taken
