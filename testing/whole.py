"""Whole checks with real git and real containers: the example project, and what is needed to judge changes to it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.controls import line
from runner.model.result import Outcome, Result
from runner.model.run import Run
from runner.sandbox.engine import Engine
from runner.sandbox.leftovers import HOME, home_label
from runner.store.places import places
from runner.wiring import Request, check
from testing import commands

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.docker
LEFT_NOTHING: dict[str, list[str]] = {"containers": [], "volumes": [], "mounts": [], "directories": []}


class Quiet:
    """A progress that keeps what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def stage(self, name: str) -> None:
        self.notes.append(name)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def tests(self, side: str, done: int, total: int | None) -> None: ...

    def probe(self, name: str, said: str) -> None: ...


def git(repo: Path, *argv: str, stdin: str | None = None) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *who, *argv], cwd=repo, input=stdin, check=True, capture_output=True, text=True).stdout


def commit(repo: Path, message: str = "more") -> str:
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", message, "--allow-empty")
    return git(repo, "rev-parse", "HEAD").strip()


_UNCONTROLLED = """
from runner.controls import line
from runner.model.result import Outcome, Result
line.control = lambda *_: (Result(check=line.CHECK, outcome=Outcome.PASS, reason="not asked in this test"),)
"""


@pytest.fixture
def uncontrolled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Controls of checks in this process answer without asking anything: a test that is about something else need not wait for them."""
    answer = Result(check=line.CHECK, outcome=Outcome.PASS, reason="not asked in this test")
    monkeypatch.setattr("runner.stages.trial.line.control", lambda *_: (answer,))


@pytest.fixture
def berth(tmp_path: Path) -> Path:
    """The example project as a repository with one commit."""
    repo = tmp_path / "berth"
    shutil.copytree(ROOT / "examples" / "berth", repo, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    git(repo, "init", "-q", "-b", "main")
    commit(repo, "base")
    return repo


@pytest.fixture
def diff(berth: Path, tmp_path: Path) -> Callable[[dict[str, str | None]], Path]:
    """Makes a diff file that writes the given files (`None` deletes one); the work tree is as before afterwards."""

    def make(files: dict[str, str | None]) -> Path:
        for name, text in files.items():
            path = berth / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        git(berth, "add", "-A")
        patch = tmp_path / "change.diff"
        patch.write_text(git(berth, "diff", "--cached", "--binary"))
        git(berth, "reset", "-q", "--hard")
        return patch

    return make


@pytest.fixture
def judged(berth: Path) -> Callable[..., Run]:
    """Judges a change to the example project, in this process."""

    def judge(change: Path | str, **more: object) -> Run:
        return check(Request(repo=berth, change=str(change), **more), Quiet())  # type: ignore[arg-type]

    return judge


@pytest.fixture
def seatrial(berth: Path, request: pytest.FixtureRequest) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command line in the example project; with `uncontrolled` its checks are so, too, unless it is to be `controlled`."""
    without = _UNCONTROLLED if "uncontrolled" in request.fixturenames else ""

    def run(
        *argv: str, env: dict[str, str] | None = None, stdin: str | None = None, controlled: bool = False
    ) -> subprocess.CompletedProcess[str]:
        told = {**os.environ, "NO_COLOR": "1", **(env or {})}
        return commands.run(argv, before="" if controlled else without, cwd=berth, env=told, stdin=stdin, text=True)

    return run


def answers(run: Run) -> dict[str, str]:
    """Outcome by check."""
    return {result.check: result.outcome.value for result in run.results}


def left() -> dict[str, list[str]]:
    """What carries the label of this test session's cache, what is mounted in it or on it, and the directories of runs."""
    cache, engine = places().cache, Engine()
    ours = {"label": f"{HOME}={home_label(cache)}"}
    try:
        containers = [found["Id"] for found in engine.api.containers(all=True, filters=ours)]
        volumes = [found["Name"] for found in engine.api.volumes(filters=ours).get("Volumes") or ()]
    finally:
        engine.close()
    directories = sorted(path.name for path in (cache / "live").iterdir())
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(cache) in line]
    return {"containers": containers, "volumes": volumes, "mounts": mounts, "directories": directories}
