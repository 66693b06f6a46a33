"""A launcher stand-in: runs a plan in a temporary working copy as the sandbox would, and feeds its records to a reader."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import sysconfig
import textwrap
import threading
import venv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from runner.model.sandbox import Execution
from runner.model.suite import Stop, SuiteRun, Usage
from runner.ports import Plan, Reader, TreeEntry
from runner.trial.options import Tests
from runner.trial.pytest_suite import Project, PytestSuite


@dataclass
class FolderTrees:
    """The reading half of `Trees` over a folder; the tree id is not looked at."""

    root: Path

    def read(self, _tree: str, path: str) -> bytes | None:
        file = self.root / path
        return file.read_bytes() if file.is_file() else None

    def listing(self, _tree: str, directory: str = "") -> tuple[TreeEntry, ...]:
        folder = self.root / directory
        found = sorted(folder.iterdir()) if folder.is_dir() else []
        return tuple(TreeEntry("040000" if path.is_dir() else "100644", "", path.name.encode()) for path in found)


@dataclass
class Box:
    """One temporary working copy and what ran in it."""

    work: Path
    scratch: Path
    python: str = sys.executable
    records: list[dict[str, Any]] = field(default_factory=list)

    def write(self, **files: str) -> None:
        """Write files; `__` in a keyword is a `/`, the last `_` before the suffix a dot: `tests__test_a_py`."""
        for name, content in files.items():
            path = name.replace("__init__", "\0").replace("__", "/").replace("\0", "__init__")
            self.write_file(".".join(path.rsplit("_", 1)), content)

    def write_file(self, name: str, content: str) -> Path:
        file = self.work / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(content), encoding="utf-8")
        return file

    @property
    def trees(self) -> FolderTrees:
        return FolderTrees(self.work)

    def suite(self, *args: str, project: Project | None = None, **env: str) -> PytestSuite:
        options = Tests(args=args)
        suite = PytestSuite(options=options, env=env, work=str(self.work), scratch=str(self.scratch), python=self.python)
        return replace(suite, project=project) if project else suite

    def run(self, *args: str, project: Project | None = None, only: Sequence[str] = (), seconds: float = 60, **env: str) -> SuiteRun:
        suite = self.suite(*args, project=project, **env)
        return self.run_plan(suite.plan(only=only), suite.reader(), seconds=seconds)

    def run_plan(self, plan: Plan, reader: Reader, *, seconds: float = 60, stop_on: str = "") -> SuiteRun:
        """Run a plan to its end; kill it after `seconds`, or when the test `stop_on` starts."""
        self.records.clear()
        ours, theirs = os.pipe()
        env = {"PATH": os.environ["PATH"], "HOME": str(self.scratch), **plan.env, "SEATRIAL_REPORT_FD": str(theirs)}
        log = (self.scratch / "log").open("w+b")
        with (
            log,
            subprocess.Popen(
                plan.argv,
                cwd=self.work,
                env=env,
                pass_fds=(theirs,),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            ) as process,
        ):
            os.close(theirs)
            overdue = threading.Event()

            def kill() -> None:
                overdue.set()
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

            timer = threading.Timer(seconds, kill)
            timer.start()
            with os.fdopen(ours, "rb") as stream:
                for record in _objects(stream):
                    self.records.append(record)
                    reader.record(record)
                    if stop_on and record.get("k") == "start" and stop_on in record["id"]:
                        kill()
            status = process.wait()
            timer.cancel()
            log.seek(0)
            text = log.read().decode("utf-8", "replace")
        status = 128 - status if status < 0 else status
        stop = Stop.TIMED_OUT if overdue.is_set() else Stop.EXITED
        return reader.finish(Execution(stop=stop, exit_code=status, child_status=status, log=text[-20000:]))


def _objects(stream: Iterable[bytes]) -> Iterable[dict[str, Any]]:
    for line in stream:
        assert len(line) < 2**20
        with contextlib.suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict):
                yield found


@dataclass(frozen=True)
class Image:
    """A Python of its own, with pytest and whatever a test installs."""

    python: str
    packages: Path

    def install(self, name: str, version: str = "1.0", *, plugin: str = "", files: Mapping[str, str] | None = None) -> None:
        """Put a distribution in place; `plugin` is its `pytest11` entry point, as `name = module`."""
        info = self.packages / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        if plugin:
            (info / "entry_points.txt").write_text(f"[pytest11]\n{plugin}\n")
        for file, content in (files or {}).items():
            (self.packages / file).parent.mkdir(exist_ok=True)
            (self.packages / file).write_text(textwrap.dedent(content))

    def path_entry(self, folder: Path) -> None:
        """What an editable install leaves: a `.pth` file that names a folder."""
        (self.packages / f"editable-{folder.name}.pth").write_text(f"{folder}\n")


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """A fresh virtual environment that sees the packages of this one."""
    venv.create(tmp_path / "image", with_pip=False, symlinks=True)
    packages = next((tmp_path / "image").glob("lib/python*/site-packages"))
    (packages / "these.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Image(str(tmp_path / "image" / "bin" / "python"), packages)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """An empty working copy."""
    work, scratch = tmp_path / "work", tmp_path / "scratch"
    work.mkdir()
    scratch.mkdir()
    return Box(work, scratch)


def an_execution(**changes: Any) -> Execution:
    """A run that ended by itself with status 0."""
    return Execution(**{"stop": Stop.EXITED, "exit_code": 0, "child_status": 0, "usage": Usage(seconds=1.0), **changes})


@pytest.fixture
def execution() -> Any:
    """Builds executions: everything went well unless said otherwise."""
    return an_execution


def outcomes(run: SuiteRun) -> Mapping[str, str]:
    """Outcome by the part of the id after the file."""
    return {record.id.partition("::")[2]: record.outcome.value for record in run.records}


@pytest.fixture
def outcomes_of() -> Any:
    """Gives outcome by test name."""
    return outcomes
