"""The demonstrations: changes judged against an example project, and changes promoted to a live service of its own."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from runner import wiring
from runner.git.examples import commit_all
from runner.model.run import Run
from runner.ports import Progress
from runner.sandbox import live
from runner.shipped import shipped
from runner.store.places import claim, places
from runner.wiring.filing import Wanted
from runner.wiring.submitting import submit
from runner.wiring.traffic import Traffic, free_port

JUDGED: Final = ("good", "broken", "cheating")
PROMOTED: Final = ("harbour-good", "harbour-bad")
_POLICY: Final = """\
seatrial: 1
tests: {{runner: pytest, args: [tests]}}
preflight: {{rate: []}}
promote:
  after: {{command: [{python}, {folder}/restart.py, "{port}"], timeout: 20s}}
monitor:
  probes: [{{http: "http://127.0.0.1:{port}/health", tree: $.tree, interval: 200ms}}]
  confirm_after: 5s
  deadline: 60s
"""


class Promoted(NamedTuple):
    """One promotion of the demonstration, and what a client of the service saw meanwhile."""

    name: str
    run: Run
    accepted: int
    """Arrivals that the service said it had written down, since the service began."""
    kept: int
    """Arrivals in its book."""


def judge(progress: Progress) -> tuple[tuple[str, Run], ...]:
    """Judge the example changes of the distribution against the example project; the runs by name."""
    with live.scratch(claim(places().cache) / "live") as folder:
        repo = _copied("berth", folder / "berth")
        commit_all(repo, folder / "home")
        runs = []
        for name in JUDGED:
            progress.note(f"examples/changes/{name}.diff")
            runs.append((name, wiring.check(wiring.Request(repo=repo, change=_change(name)), progress)))
        return tuple(runs)


def promote(progress: Progress) -> tuple[Promoted, ...]:
    """Promote a good change to a live service, then one that passes its tests and breaks it, with a client that never stops."""
    with live.scratch(claim(places().cache) / "live") as folder:
        repo = _copied("harbour", folder / "harbour")
        commit_all(repo, folder / "home")
        service = _copied("harbour", folder / "service" / "harbour")
        port = free_port()
        policy = folder / "policy.yaml"
        policy.write_text(_POLICY.format(python=sys.executable, folder=service, port=port))
        with _served(service, port), Traffic(port) as traffic:
            done = []
            for name in PROMOTED:
                progress.note(f"examples/changes/{name}.diff")
                wanted = Wanted(repo=repo, change=_change(name), policy=policy, target=f"dir:{service}", author="demo")
                run = submit(wanted, progress)
                done.append(Promoted(name, run, traffic.accepted, traffic.kept(service / "data" / "harbour.db")))
        return tuple(done)


def _copied(name: str, folder: Path) -> Path:
    shutil.copytree(shipped(f"examples/{name}"), folder, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    return folder


def _change(name: str) -> str:
    return str(shipped(f"examples/changes/{name}.diff"))


@contextmanager
def _served(service: Path, port: int) -> Iterator[None]:
    """The service as its operator runs it; ended afterwards, whichever process it is then."""
    subprocess.run([sys.executable, str(service / "restart.py"), str(port)], check=True)
    try:
        yield
    finally:
        subprocess.run([sys.executable, str(service / "restart.py"), "--stop"], check=False)
        time.sleep(0.1)
