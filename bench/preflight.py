"""What the pre-flight gates cost a change in an established repository: a history of commits, a ledger of earlier runs.

    python bench/preflight.py [--rounds 15] [--commits 600] [--runs 400] [--json FILE]

Every round starts one fresh process per case, in random order. `first` is the whole stage in a process that has its program and
libraries loaded; `again` is the same in the same process (a server); `libraries` is what loading SQLAlchemy and psutil takes, which a check
does while git works. A stage whose gates did not all answer, or that refused, ends the bench: no figure is printed for
something that did not happen.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import git

GATES = ("health", "anomaly", "breaker", "rate")
POLICY = "seatrial: 1\ntests: {runner: command, command: [true]}\nsandbox: {image: none}\npreflight: {rate: [{limit: 10000, per: 1m, key: [target]}]}\n"


def established(folder: Path, commits: int) -> Path:
    """A repository with as many commits as asked, of one to five files each, and three branches: source, tests, both."""
    repo, chance = folder / "repo", random.Random(7)
    (repo / "pkg").mkdir(parents=True)
    (repo / "tests").mkdir()
    for number in range(60):
        (repo / "pkg" / f"m{number}.py").write_text(f"def f{number}(x):\n    return x + {number}\n")
        (repo / "tests" / f"test_m{number}.py").write_text(
            f"from pkg.m{number} import f{number}\n\n\ndef test_f():\n    assert f{number}(1) == {number + 1}\n"
        )
    git(repo, "init", "-q", "-b", "main")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "base")
    for number in range(commits):
        for _ in range(chance.randint(1, 5)):
            with (repo / "pkg" / f"m{chance.randrange(60)}.py").open("a") as file:
                file.write("".join(f"\n# {number} {line}" for line in range(chance.randint(1, 30))))
        git(repo, "commit", "-qam", f"edit {number}")
    for branch, names in {"source": ["pkg/m1.py"], "tests": ["tests/test_m1.py"], "both": ["pkg/m2.py", "tests/test_m2.py"]}.items():
        git(repo, "checkout", "-q", "-b", branch, "main")
        for name in names:
            with (repo / name).open("a") as file:
                file.write("\n\ndef test_more():\n    assert 1 + 1 == 2\n" if "tests" in name else "\n\ndef more(x):\n    return x\n")
        git(repo, "commit", "-qam", branch)
    git(repo, "checkout", "-q", "main")
    return repo


def stage(repo: Path, branch: str, runs: int) -> dict[str, float]:
    """Seconds of the stage in this process, the first time and again; with `runs`, so many earlier runs are recorded first."""
    began = time.perf_counter()
    import psutil  # noqa: F401
    import sqlalchemy.dialects.sqlite  # noqa: F401

    from runner.store.library import loaded

    loaded()
    libraries = time.perf_counter() - began
    from runner.model.result import Decision, Ending, Verdict
    from runner.model.run import Gates
    from runner.stages.outcome import tell
    from runner.stages.preflight import preflight
    from runner.wiring import Request, prepared

    class Silent:
        def stage(self, name: str) -> None: ...
        def note(self, text: str) -> None: ...
        def tests(self, side: str, done: int, total: int | None) -> None: ...
        def probe(self, name: str, said: str) -> None: ...

    request = Request(
        repo=repo, change=branch, base="main", kind="revision", policy=repo.parent / "policy.yaml", author="bench", gates=Gates.ENFORCE
    )
    with prepared(request, Silent()) as (run, ports, policy, _where, _under_way):
        ports.sandbox.start()  # type: ignore[attr-defined]

        def timed(name: str) -> float:
            began = time.perf_counter()
            done = preflight(run.with_(id=name), ports, policy)
            seconds = time.perf_counter() - began
            answers: dict[str, Any] = {result.check: result.outcome.value for result in done.results}
            if tuple(answers) != GATES or not set(answers.values()) <= {"pass", "warn", "hold"}:
                raise SystemExit(f"not the expected answers, no figures: {[(r.check, r.outcome.value, r.reason) for r in done.results]}")
            return seconds

        for number in range(runs):
            timed(f"earlier{number}")
            accepted = Decision(verdict=Verdict.ACCEPT, ending=Ending.ACCEPTED, reason="")
            with ports.ledger.writing() as moment:
                tell(run.with_(id=f"earlier{number}", decision=accepted), ports.gates, policy, moment)
        unique = f"{time.time_ns():x}"
        return {"libraries": libraries, "first": timed(unique), "again": timed(f"{unique}0")}


def child(repo: Path, branch: str, runs: int = 0) -> dict[str, float]:
    """`stage` in a fresh process."""
    argv = [sys.executable, __file__, "--stage", str(repo), branch, str(runs)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    taken: dict[str, float] = json.loads(done.stdout)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--commits", type=int, default=600)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--stage", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.stage:
        repo, branch, runs = asked.stage
        print(json.dumps(stage(Path(repo), branch, int(runs))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ |= {"XDG_STATE_HOME": str(folder / "state"), "XDG_CACHE_HOME": str(folder / "cache")}
        (folder / "policy.yaml").write_text(POLICY)
        repo = established(folder, asked.commits)
        child(repo, "source", asked.runs)
        branches, chance = ["source", "tests", "both"], random.Random(7)
        taken: dict[str, list[dict[str, float]]] = {branch: [] for branch in branches}
        for number in range(asked.rounds):
            chance.shuffle(branches)
            for branch in branches:
                taken[branch].append(child(repo, branch))
            print(f"round {number + 1} of {asked.rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    print(
        f"pre-flight, milliseconds, median (least to most), n {asked.rounds}; {asked.commits} commits, {asked.runs} earlier runs; load {os.getloadavg()[0]:.1f}"
    )
    for branch in ("source", "tests", "both"):
        parts = {name: sorted(1000 * one[name] for one in taken[branch]) for name in ("first", "again", "libraries")}
        told = "   ".join(f"{name} {statistics.median(all_):6.1f} ({all_[0]:.0f} to {all_[-1]:.0f})" for name, all_ in parts.items())
        print(f"  change of {branch:<7} {told}")
    if asked.json:
        asked.json.write_text(json.dumps(taken, indent=1))


if __name__ == "__main__":
    main()
