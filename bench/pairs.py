"""Whether supervised trials and all controls answer with each pair of a Python and a pytest that can be had here.

    python bench/pairs.py --python 3.9 --pytest 7.0 --pytest 8 --json pairs.json
    python bench/pairs.py --python 3.12 --base 3.12=IMAGE

A small project is made and judged three times by each pair: an honest refactoring with a new test, which is to be accepted with an
answer of every control; a package that breaks a function and has the runner report its tests as passed, which must not be accepted,
and not only because of what it reads like; and a broken function, which is to be rejected. Pythons come by `sandbox.build.python`, or
from an image of yours given with --base. Exit status 1 when an answer is not the expected one; a pair that cannot be had is only told.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from pairs_project import BASE, CHANGES, Files
from sdists import commit, git

from runner.controls.options import NAMES

SEATRIAL = (sys.executable, "-m", "runner.cli.main")
PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
PYTESTS = {"7.0": "pytest~=7.0.0", "7.4": "pytest~=7.4.0", "8": "pytest==8.*", "9": "pytest==9.*"}
OLDEST = {"9": (3, 10)}
"""The Python that a pytest needs, where not all of ours serve."""
EXPECTED = {"honest": ("accept",), "forging": ("hold", "reject"), "broken": ("reject",)}
READING = frozenset({"intake", "paths", "syntax", "static", "supply", "anomaly", "tripwires"})
"""Checks that run nothing of a change."""
STOPS = frozenset({"fail", "hold", "unknown"})
POLICY = """seatrial: 1
preflight: {{rate: []}}
tests: {{runner: pytest, args: [tests]}}
controls: {{run: [{controls}], budget: 300s}}
sandbox: {{build: {{recipe: python, {base}python: "{python}", packages: ["{pytest}"]}}}}
"""
NO_PYTHON = "cannot provide Python"
"""What is said when no image with the Python can be had, whatever the pytest."""
VERSIONS = "import platform, pytest; print(platform.python_version(), pytest.__version__)"


@dataclass(frozen=True)
class Said:
    """What was said of one change."""

    verdict: str = "none"
    level: str = ""
    checks: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    seconds: float = 0.0
    problem: str = ""
    """Why there is no verdict."""

    @property
    def stopping(self) -> tuple[str, ...]:
        """The checks that keep it from being accepted."""
        return tuple(check for check, outcome in self.checks.items() if outcome in STOPS)

    @property
    def silent(self) -> tuple[str, ...]:
        """The controls that said nothing of it."""
        return tuple(name for name in NAMES if name not in self.checks or not proven(self.checks[name], self.reasons[name]))


@dataclass(frozen=True)
class Pair:
    """One Python with one pytest, and what was said of each change."""

    python: str
    pytest: str
    said: Mapping[str, Said]

    @property
    def faults(self) -> tuple[str, ...]:
        """What is not as expected, in words."""
        wrong = [f"{name}: {said.verdict}" for name, said in self.said.items() if said.verdict not in EXPECTED[name]]
        wrong += [f"{name} had no answer" for name in self.said["honest"].silent]
        stopping = set(self.said["forging"].stopping)
        if not stopping - READING:
            wrong.append("forging: nothing that ran stopped it")
        if "tests" in stopping:
            wrong.append("forging: it does not forge here, since its tests fail")
        return tuple(wrong)


def proven(outcome: str, reason: str) -> bool:
    """Whether a control has answered, and not only said that it cannot."""
    return outcome != "unknown" and not reason.startswith("unproven")


def main() -> int:
    options = arguments()
    bases = dict(given.split("=", 1) for given in options.base)
    pairs: list[Pair] = []
    missing: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="seatrial-pairs-") as scratch:
        folder = Path(scratch)
        repository, patches = project(folder)
        for python, pytest in wanted(options.python or PYTHONS, options.pytest or tuple(PYTESTS)):
            if python in missing:
                continue
            policy = folder / f"{python}-{pytest}.yaml"
            policy.write_text(policy_for(python, pytest, bases.get(python)))
            said = {name: check(repository, patch, policy) for name, patch in patches.items()}
            first = said["honest"]
            if not first.image:
                missing[python if NO_PYTHON in first.problem else f"{python} with pytest {pytest}"] = first.problem
                continue
            pairs.append(Pair(*versions(first.image), said))
            print(line(pairs[-1]), file=sys.stderr, flush=True)
            if options.json:
                options.json.write_text(json.dumps([asdict(pair) for pair in pairs], indent=1))
    print("\n".join((*table(pairs), "", *(f"not to be had: {what}: {why}" for what, why in missing.items()))))
    return 0 if pairs and not any(pair.faults for pair in pairs) else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", choices=PYTHONS, help="judge by this one; all without it")
    parser.add_argument("--pytest", action="append", choices=PYTESTS, help="judge by the newest of this series; all without it")
    parser.add_argument("--base", action="append", default=[], metavar="PYTHON=IMAGE", help="an image that has this Python as python3")
    parser.add_argument("--json", type=Path, help="write the answers here, anew after each pair")
    return parser.parse_args()


def wanted(pythons: Sequence[str], pytests: Sequence[str]) -> Iterator[tuple[str, str]]:
    for python in pythons:
        for pytest in pytests:
            if tuple(map(int, python.split("."))) >= OLDEST.get(pytest, (3, 8)):
                yield python, pytest


def policy_for(python: str, pytest: str, base: str | None) -> str:
    named = f'base: "{base}", ' if base else ""
    return POLICY.format(controls=", ".join(NAMES), base=named, python=python, pytest=PYTESTS[pytest])


def project(folder: Path) -> tuple[Path, dict[str, bytes]]:
    """The project as a repository of one commit, and the changes to it as patches by name."""
    repository = folder / "repository"
    repository.mkdir()
    lay(BASE, repository)
    commit(repository, "tally", "1.0")
    patches = {}
    for name, files in CHANGES.items():
        lay(files, repository)
        git(repository, "add", "-A")
        patches[name] = git(repository, "diff", "--cached", "--binary")
        git(repository, "reset", "--quiet", "--hard")
    return repository, patches


def lay(files: Files, folder: Path) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def check(repository: Path, patch: bytes, policy: Path) -> Said:
    """One change through the command line, as a user would."""
    argv = [*SEATRIAL, "check", "-", "--as", "diff", "--repo", str(repository), "--policy", str(policy), "--format", "json", "-q"]
    began = time.monotonic()
    done = subprocess.run(argv, input=patch, capture_output=True, env={**os.environ, "NO_COLOR": "1"}, check=False)
    seconds = round(time.monotonic() - began, 1)
    try:
        report = json.loads(done.stdout)
        results = report["results"]
    except (ValueError, KeyError):  # it ended before there was a run
        return Said(seconds=seconds, problem=" ".join((done.stderr or done.stdout).decode(errors="replace").split())[:600])
    return Said(
        verdict=report["verdict"] or "none",
        level=report.get("level") or "",
        checks={result["check"]: result["outcome"] for result in results},
        reasons={result["check"]: " ".join(result["reason"].split()) for result in results},
        image=(report.get("sandbox") or {}).get("image") or "",
        seconds=seconds,
        problem="" if report["verdict"] else " ".join(str(report.get("reason")).split()),
    )


def versions(image: str) -> tuple[str, str]:
    """The Python and the pytest that an image really has."""
    argv = ["docker", "run", "--rm", "--network", "none", image, "python", "-I", "-c", VERSIONS]
    python, pytest = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    return python, pytest


def line(pair: Pair) -> str:
    verdicts = ", ".join(f"{name} {said.verdict} {said.seconds:.0f}s" for name, said in pair.said.items())
    return f"{pair.python:8} {pair.pytest:7} {verdicts}  {'; '.join(pair.faults) or 'as expected'}"


def table(pairs: Sequence[Pair]) -> Iterator[str]:
    """A row for each pair."""
    yield "| Python | pytest | honest | without an answer | forging | stopped by | broken | level | not as expected |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for pair in pairs:
        honest, forging, broken = (pair.said[name] for name in EXPECTED)
        silent = "; ".join(f"{name}: {honest.reasons.get(name, 'it did not run')}" for name in honest.silent)
        stopped = ", ".join(f"{name} {forging.checks[name]}" for name in forging.stopping)
        verdicts = (honest.verdict, silent or "none", forging.verdict, stopped, broken.verdict)
        cells = (pair.python, pair.pytest, *verdicts, honest.level.partition(":")[0] or honest.problem, "; ".join(pair.faults))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
