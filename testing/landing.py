"""Whole submissions with real processes, git, folders and containers: a project, the targets its changes go to, and what became of them."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import jsonschema
import pytest

from runner.model.promotion import Promotion
from runner.model.run import Run
from runner.reports.report import schema_text
from runner.store.places import places
from runner.store.promotions import SqlPromotions
from runner.store.runs import SqlRuns
from runner.store.submissions import Filed, SqlSubmissions
from testing.commands import Command
from testing.whole import ROOT, commit, git

LONG = 120.0
"""Seconds after which a test no longer waits."""
GOOD = str(ROOT / "examples/changes/good.diff")
BROKEN = str(ROOT / "examples/changes/broken.diff")
CALM = {name: {"soft": "none", "hard": "none"} for name in ("docker_ping", "psi_memory", "memory_available")}
"""Limits that a busy machine may breach are not what these tests are about."""
SLOW = "import time\n\n\ndef test_slow():\n    time.sleep({})\n"
Found = TypeVar("Found")


def until(look: Callable[[], Found], seconds: float = LONG, why: Callable[[], object] = str) -> Found:
    """What `look` finds, once it finds something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, why()
        time.sleep(0.02)
    return found


class Done:
    """How a command line ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def __repr__(self) -> str:
        return f"exit code {self.code}\n{self.out}\n{self.err}"

    @property
    def report(self) -> dict[str, Any]:
        """The report on stdout, which fits the schema that is shipped."""
        assert self.out, self
        found: dict[str, Any] = json.loads(self.out)
        assert (found["schema"], found["exit_code"]) == ("seatrial.report/v1", self.code), self
        jsonschema.validate(found, json.loads(schema_text()))
        return found

    @property
    def error(self) -> dict[str, Any]:
        """The error on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        assert (found["schema"], found["exit_code"]) == ("seatrial.error/v1", self.code), self
        return found

    def result(self, check: str) -> dict[str, Any]:
        """The answer of one check."""
        (found,) = (one for one in self.report["results"] if one["check"] == check)
        return dict(found)


class Started:
    """A command line under way."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self.process, self._folder = process, folder

    @property
    def err(self) -> str:
        return (self._folder / "err").read_text()

    def says(self, words: str) -> None:
        """Wait for it to say this on stderr."""
        until(lambda: words in self.err or self.process.poll() is not None, why=lambda: self.err)
        assert words in self.err, self.ended()

    def comes_to(self, stage: str) -> None:
        """Wait for it to begin a stage."""
        self.says(f"s] {stage}\n")

    def stop(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def ended(self) -> Done:
        """Wait for it."""
        code = self.process.wait(LONG)
        return Done(code, (self._folder / "out").read_text(), self.err)


class Landing:
    """A project, a live folder and a bare repository that hold its base, a policy, and a state of their own; a new process for each command."""

    def __init__(self, repo: Path, folder: Path, state: Path) -> None:
        self.repo, self.folder, self.state = repo, folder, state / "seatrial"
        self.live, self.bare = folder / "live", folder / "bare.git"
        self.well = folder / "well"
        """The service is well as long as there is this file."""
        self.env: dict[str, str] = {}
        self._started: list[Started] = []
        self.well.touch()
        self.policy()

    # what there is

    @property
    def dir(self) -> str:
        """The live folder as a target; made when it is asked for first."""
        if not self.live.exists():
            shutil.copytree(self.repo, self.live, ignore=shutil.ignore_patterns(".git"))
        return f"dir:{self.live}"

    @property
    def git(self) -> str:
        """The branch `main` of the bare repository as a target; made when it is asked for first."""
        if not self.bare.exists():
            git(self.folder, "clone", "-q", "--bare", str(self.repo), str(self.bare))
        return f"git:{self.bare}#main"

    def target(self, kind: str) -> str:
        return self.dir if kind == "dir" else self.git

    def policy(self, **sections: Any) -> Path:
        """Write the operator's policy: one probe that asks whether the service is well, and these sections of it otherwise."""
        probe = {"command": ["test", "-e", str(self.well)], "interval": "20ms", "name": "well"}
        whole: dict[str, Any] = {
            "seatrial": 1,
            "controls": {"run": []},
            "preflight": {"rate": [], "health": CALM, "breaker": {"promotion": {"consecutive": 50, "failure_rate": "0%"}}},
            "monitor": {"probes": [probe], "confirm_after": "500ms", "deadline": "60s"},
        }
        for name, section in sections.items():
            whole[name] = {**whole.get(name, {}), **section} if isinstance(section, dict) else section
        self.file = self.folder / "policy.yaml"
        self.file.write_text(json.dumps(whole, indent=1))
        return self.file

    def change(self, files: dict[str, str | None], name: str = "change") -> str:
        """A diff that writes these files over the last commit of the project (`None` removes one)."""
        for path, text in files.items():
            if text is None:
                (self.repo / path).unlink()
                continue
            (self.repo / path).parent.mkdir(parents=True, exist_ok=True)
            (self.repo / path).write_text(text)
        git(self.repo, "add", "-A")
        patch = self.folder / f"{name}.diff"
        patch.write_text(git(self.repo, "diff", "--cached", "--binary"))
        git(self.repo, "reset", "-q", "--hard")
        return str(patch)

    def slow(self, seconds: float = 60) -> str:
        """A change whose trial takes so long."""
        return self.change({"tests/test_slow.py": SLOW.format(seconds), "NOTES.md": "slow\n"}, "slow")

    def land_by_others(self, files: dict[str, str]) -> str:
        """Somebody else pushes to the branch; its commit."""
        clone = self.folder / "theirs"
        if not clone.exists():
            git(self.folder, "clone", "-q", str(self.bare), str(clone))
        git(clone, "pull", "-q")
        for path, text in files.items():
            (clone / path).write_text(text)
        made = commit(clone, "theirs")
        git(clone, "push", "-q", "origin", "HEAD:main")
        return made

    # what is done

    def start(self, *argv: str, before: str = "", cwd: Path | None = None, under: tuple[str, ...] = (), cold: bool = False) -> Started:
        """Start a command line; `before` is Python that its process runs first, `under` a program that it is started by."""
        folder = self.folder / f"process-{len(self._started)}"
        folder.mkdir()
        environment = {**os.environ, "NO_COLOR": "1", **self.env}
        given = {"before": before, "under": under, "cold": cold, "cwd": cwd or self.repo, "env": environment}
        with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
            process = Command(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, text=True, **given)
        started = Started(process, folder)
        self._started.append(started)
        return started

    def run(self, *argv: str, **given: Any) -> Done:
        """Run a command line to its end."""
        return self.start(*argv, **given).ended()

    def submitting(self, change: str, target: str, *more: str, **given: Any) -> Started:
        """Begin to submit, with a report as JSON."""
        return self.start("submit", change, "--target", target, "--policy", str(self.file), "--format", "json", *more, **given)

    def submit(self, change: str, target: str, *more: str, **given: Any) -> Done:
        """Submit and wait."""
        return self.submitting(change, target, *more, **given).ended()

    def about(self, verb: str, run: str = "latest", *more: str, **given: Any) -> Done:
        """Run a command about a run, as JSON; `verb` is e.g. `rollback` or `run approve`."""
        reason = ("--reason", "because") if verb.rsplit(maxsplit=1)[-1] in ("approve", "deny", "cancel", "rollback", "confirm") else ()
        return self.run(*verb.split(), run, *reason, *more, "--format", "json", **given)

    def watch_once(self) -> Done:
        return self.run("watch", "--once")

    # what became of it

    def filed(self, run: str = "latest") -> Filed:
        runs, submissions = SqlRuns(self.state), SqlSubmissions(self.state)
        try:
            return submissions.load(runs.find(run))
        finally:
            runs.close()
            submissions.close()

    def latest(self) -> Run | None:
        """The newest run, once it is on file."""
        if not (self.state / "state.db").exists():
            return None
        runs, submissions = SqlRuns(self.state), SqlSubmissions(self.state)
        try:
            newest = runs.list(1)
            return submissions.load(newest[0].id).run if newest and newest[0].command == "submit" else None
        finally:
            runs.close()
            submissions.close()

    def promotion(self, run: str = "latest") -> Promotion | None:
        runs, promotions = SqlRuns(self.state), SqlPromotions(self.state)
        try:
            return promotions.find(runs.find(run)) if (self.state / "state.db").exists() else None
        finally:
            runs.close()
            promotions.close()

    def promoted(self, run: str = "latest") -> Promotion:
        """Wait until it is promoted."""
        return until(lambda: (found := self._known(run)) and found.step == "promoted" and found)

    def _known(self, run: str) -> Promotion | None:
        return self.promotion(run) if self.latest() is not None else None

    def tree(self, kind: str) -> str:
        """What a target holds, as a tree of git."""
        if kind == "git":
            return git(self.bare, "rev-parse", "main^{tree}").strip()
        index = self.folder / "index"
        index.unlink(missing_ok=True)
        there = ("--git-dir", str(self.repo / ".git"), "--work-tree", str(self.live))
        told = dict(os.environ, GIT_INDEX_FILE=str(index))
        subprocess.run(["git", *there, "add", "-A", "."], cwd=self.live, env=told, check=True, capture_output=True)
        done = subprocess.run(["git", *there, "write-tree"], cwd=self.live, env=told, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    @property
    def base(self) -> str:
        """The tree of the project."""
        return git(self.repo, "rev-parse", "HEAD^{tree}").strip()

    def beside(self) -> list[str]:
        """What lies beside the live folder and was not there before."""
        known = {"repo", "live", "bare.git", "well", "policy.yaml", "berth", "theirs", "index", "state"}
        return sorted(
            p.name for p in self.folder.iterdir() if p.name not in known and not p.name.startswith("process-") and p.suffix != ".diff"
        )

    def close(self) -> None:
        """End what a test left running."""
        for started in self._started:
            if started.process.poll() is None:
                started.process.send_signal(signal.SIGCONT)
                started.kill()


@pytest.fixture
def landing(berth: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Landing]:
    """What was promoted for other tests must not count here; the cache is everybody's."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = Landing(berth, tmp_path, tmp_path / "state")
    yield made
    made.close()


def frozen_at(marker: str, sign: Path, go: Path) -> str:
    """Python for a process that stops at a marker: it makes the file `sign` there, and goes on once there is `go`."""
    return (
        "import pathlib, time\n"
        "from runner import crashpoints\n"
        "def at(name):\n"
        f"    if name == {marker!r}:\n"
        f"        pathlib.Path({str(sign)!r}).touch()\n"
        f"        while not pathlib.Path({str(go)!r}).exists():\n"
        "            time.sleep(0.01)\n"
        "crashpoints.hook = at\n"
    )


def killed_at(marker: str) -> str:
    """Python for a process that is killed at a marker."""
    return (
        "import os\n"
        "from runner import crashpoints\n"
        f"crashpoints.hook = lambda name: os.kill(os.getpid(), 9) if name == {marker!r} else None\n"
    )


def cache() -> Path:
    """The cache of this test session."""
    return places().cache
