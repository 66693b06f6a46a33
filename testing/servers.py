"""A GitHub runner as far as the action needs one, and a pull request on a server that is a folder of this machine."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_STAND_IN = """#!{python} -I
import json, os, sys
sys.path.insert(0, {root!r})
given = json.load(open({answer!r}))
json.dump({{"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd()}}, open({seen!r}, "w"))
print(given["says"], file=sys.stderr)
for name, value in zip(sys.argv, sys.argv[1:]):
    if name == "--report" and given["reports"]:
        form, _, path = value.partition("=")
        open(path, "w").write(given["reports"].get(form, form))
sys.stdout.write(given["prints"])
sys.exit(given["code"])
"""
_REAL = '#!/bin/sh\nexport PYTHONPATH="{root}"\nexec "{python}" -P -m runner.cli "$@"\n'


def git(folder: Path, *argv: str) -> str:
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *who, *argv], cwd=folder, env={**own, **quiet}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass
class Server:
    """A bare repository `owner/project.git` with a target branch and pull request 1; `work` is whose clone it came from."""

    address: Path
    work: Path
    target: str = "main"
    head: str = ""

    def publish(self, message: str = "more") -> str:
        """Commit what is in the work tree to the target branch."""
        git(self.work, "add", "-A")
        git(self.work, "commit", "-qm", message, "--allow-empty")
        git(self.work, "push", "-qf", str(self.address / "owner" / "project.git"), f"HEAD:refs/heads/{self.target}")
        return git(self.work, "rev-parse", "HEAD")

    def propose(self, change: Callable[[Path], None], start: str = "HEAD") -> str:
        """Make pull request 1 of what `change` does to the work tree, on top of `start`."""
        main = git(self.work, "rev-parse", "HEAD")
        git(self.work, "checkout", "-q", "--detach", start)
        change(self.work)
        git(self.work, "add", "-A")
        git(self.work, "commit", "-qm", "proposed", "--allow-empty")
        self.head = git(self.work, "rev-parse", "HEAD")
        git(self.work, "push", "-qf", str(self.address / "owner" / "project.git"), "HEAD:refs/pull/1/head")
        git(self.work, "checkout", "-q", "--detach", main)
        return self.head

    @property
    def event(self) -> dict[str, Any]:
        return {"number": 1, "base": {"ref": self.target}, "head": {"sha": self.head, "ref": "topic"}}


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """The example project on a server."""
    work = tmp_path / "work"
    shutil.copytree(ROOT / "examples" / "berth", work, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    git(work, "init", "-q")
    address = tmp_path / "server"
    git(tmp_path, "init", "-q", "--bare", str(address / "owner" / "project.git"))
    made = Server(address, work)
    made.publish("base")
    return made


@dataclass
class Job:
    """What a job did."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str
    seen: dict[str, Any]

    @property
    def obeyed(self) -> list[str]:
        """The lines that a runner takes for commands, as its parser does."""
        commands, mark = [], None
        for line in self.log.splitlines():
            if mark is not None:
                mark = None if line.strip() == f"::{mark}::" else mark
                continue
            if stop := re.fullmatch(r"\s*::stop-commands::(\S+)", line):
                mark = stop[1]
            elif re.match(r"\s*::[a-z-]+( [^:]*)?::", line) or "##[" in line:
                commands.append(line)
        assert mark is None, "commands were stopped and never started again"
        return commands


@dataclass
class Runner:
    """Runs the steps of an action as documented: expressions in `env` and `if` become text, `run` stays what it is."""

    folder: Path
    server: Server
    action: dict[str, Any]
    event_name: str = "pull_request_target"
    more: dict[str, str] = field(default_factory=dict)

    @property
    def tool(self) -> Path:
        return self.folder / "temp" / "seatrial"

    def real(self) -> None:
        """Install the command of this checkout, run by this interpreter."""
        self._install(_REAL.format(root=ROOT, python=sys.executable))

    def stand_in(
        self, *, code: int = 0, verdict: str | None = "accept", run: str = "0a1b2c", says: str = "", prints: str = "", **more: Any
    ) -> None:
        """Install a command that writes what it is told."""
        reports = {"json": json.dumps({"verdict": verdict, "run": run}), "markdown": "## ok\n"} if code in (0, 1, 3) else {}
        answer = {"code": code, "says": says, "prints": prints, "reports": reports, **more}
        self.folder.mkdir(exist_ok=True)
        (self.folder / "answer.json").write_text(json.dumps(answer))
        places = {"answer": str(self.folder / "answer.json"), "seen": str(self.folder / "seen.json")}
        self._install(_STAND_IN.format(python=sys.executable, root=str(ROOT), **places))

    def _install(self, command: str) -> None:
        self.tool.mkdir(parents=True, exist_ok=True)
        (self.tool / "seatrial").write_text(command)
        (self.tool / "seatrial").chmod(0o755)
        if not (self.tool / "python").exists():
            (self.tool / "python").symlink_to(sys.executable)

    def job(self, **inputs: str) -> Job:
        """Run the action once."""
        workspace = self.folder / "workspace"
        workspace.mkdir(exist_ok=True)
        files = {name: self.folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        (self.folder / "seen.json").unlink(missing_ok=True)
        given = {name: str(spec.get("default", "")) for name, spec in self.action["inputs"].items()} | inputs
        env = {name: os.environ[name] for name in ("PATH", "HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "LANG") if name in os.environ}
        env |= {"RUNNER_TEMP": str(self.folder / "temp"), "GITHUB_ACTION_PATH": str(ROOT), "GITHUB_WORKSPACE": str(workspace)}
        env |= {
            "GITHUB_EVENT_NAME": self.event_name,
            "GITHUB_ACTIONS": "true",
            **{name: str(path) for name, path in files.items()},
            **self.more,
        }
        log, code = "", 0
        for step in self.action["runs"]["steps"]:
            if "if" in step and not self._met(step["if"], given):
                continue
            own = {name: _EXPRESSION.sub(lambda found: self._value(found[1], given), text) for name, text in step.get("env", {}).items()}
            assert step["shell"] == "bash"
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=workspace,
                env={**env, **own},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=300,
                check=False,
            )
            log, code = log + done.stdout, done.returncode
            if code:
                break
        seen = self.folder / "seen.json"
        return Job(
            code,
            log,
            _read(files["GITHUB_OUTPUT"]),
            files["GITHUB_STEP_SUMMARY"].read_text(),
            json.loads(seen.read_text()) if seen.exists() else {},
        )

    def _value(self, expression: str, inputs: Mapping[str, str]) -> str:
        pull = self.server.event
        known = {
            "github.server_url": f"file://{self.server.address}",
            "github.repository": "owner/project.git",
            "github.token": "t0ken",
            "github.event.pull_request.number": str(pull["number"]),
            "github.event.pull_request.base.ref": pull["base"]["ref"],
            "github.event.pull_request.head.sha": pull["head"]["sha"],
            **{f"inputs.{name}": value for name, value in inputs.items()},
        }
        return known[expression]

    def _met(self, condition: str, inputs: Mapping[str, str]) -> bool:
        assert condition == "${{ inputs.change == '' && github.event.pull_request.number }}"
        return not inputs["change"] and self.event_name.startswith("pull_request")


def _read(file: Path) -> dict[str, str]:
    """Outputs, as the runner reads them: `name<<mark`, lines, `mark`; anything else is `name=value`."""
    found: dict[str, str] = {}
    lines = iter(file.read_text().splitlines())
    for line in lines:
        name, heredoc, mark = line.partition("<<")
        if heredoc:
            found[name] = "\n".join(iter(lambda: next(lines), mark))
        elif line:
            name, _, value = line.partition("=")
            found[name] = value
    return found


@pytest.fixture
def runner(tmp_path: Path, server: Server) -> Runner:
    return Runner(tmp_path / "runner", server, yaml.safe_load((ROOT / "action.yml").read_text()))
