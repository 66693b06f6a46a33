"""A whole judged change against what else there is on PyPI, driven as its documentation says: same change, image and tests.

    python bench/peers.py [--rounds 7] [--files 100 --files 20000] [--json FILE]

Every case is one process from start to exit: copy the repository, apply the patch, run the tests in a container, tell the
result, remove the container. The drivers are in bench/peer_drivers/. Every round runs all cases in random order; a run whose
test result is not the expected one ends the bench. `check` has its base results cached, as after the first change of a day; it
alone compares with the base, validates the change, hardens the container and leaves a report, and its container has no network.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from measure import EXPECTED, Repository, interleaved, make
from overhead import SEATRIAL, check

ROOT = Path(__file__).parents[1]
REQUIREMENTS = ROOT / "requirements" / "bench.txt"
IMAGE = "seatrial-bench/peers"
DRIVERS = {
    "git apply && docker run": "naive_shell",
    "testcontainers": "testcontainers_exec",
    "llm-sandbox": "llm_sandbox_session",
    "SWE-ReX": "swe_rex_deployment",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--files", type=int, action="append", help="sizes of the repositories (default 100 and 20000)")
    parser.add_argument("--json")
    options = parser.parse_args()
    python = peers_python()
    build_image()
    subprocess.run([sys.executable, "-m", "compileall", "-q", ROOT / "runner"], check=True)
    folder = Path(tempfile.mkdtemp(prefix="seatrial-bench-"))
    try:
        cases: dict[str, Callable[[], float]] = {}
        for files in options.files or [100, 20_000]:
            repo = make(folder, files, 0.0, IMAGE)
            check(repo)
            cases[f"seatrial check, {files} files"] = partial(check, repo)
            for name, driver in DRIVERS.items():
                cases[f"{name}, {files} files"] = partial(drive, python, driver, repo)
        taken = interleaved(cases, options.rounds)
    finally:
        shutil.rmtree(folder)
    print("\n".join(table(taken)))
    if options.json:
        Path(options.json).write_text(json.dumps(taken, indent=1))
    return 0


def peers_python() -> Path:
    """The interpreter of a virtual environment with the peers, made once from requirements/bench.txt."""
    venv = Path(sys.prefix) / "peers"
    done = venv / "requirements.txt"
    if not done.exists() or done.read_bytes() != REQUIREMENTS.read_bytes():
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        subprocess.run([venv / "bin/pip", "install", "--quiet", "--require-hashes", "--requirement", REQUIREMENTS], check=True)
        shutil.copyfile(REQUIREMENTS, done)
    return venv / "bin/python"


def build_image() -> None:
    """One image for all: the tests' tool, and SWE-ReX, whose server has to be inside."""
    pinned = re.search(r"^swe-rex==[\w.]+", REQUIREMENTS.read_text(), re.MULTILINE)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(f"pytest==9.2.0\n{pinned[0] if pinned else 'swe-rex'}\n")
        file.flush()
        subprocess.run([*SEATRIAL, "image", "build", "python", "--requirements", file.name, "--tag", IMAGE], check=True, stdout=sys.stderr)


def drive(python: Path, driver: str, repo: Repository) -> float:
    """Seconds of one whole run of a peer's driver; raises unless the expected number of tests passed."""
    argv = [python, Path(__file__).parent / "peer_drivers" / f"{driver}.py", IMAGE, repo.path, repo.patch]
    began = time.perf_counter()
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode or EXPECTED not in done.stdout:
        raise SystemExit(f"not the expected result, no figures: {driver}: {done.stdout[-500:]}{done.stderr[-1500:]}")
    return seconds


def table(taken: dict[str, list[float]]) -> list[str]:
    """Medians, and the medians of the ratios paired with our own run of the same round."""
    n, load = len(next(iter(taken.values()))), os.getloadavg()[0]
    lines = [
        f"n = {n}, load {load:.1f}, {os.cpu_count()} cores; seconds",
        f"{'case':40} {'median':>8} {'min':>8} {'max':>8} {'of ours':>8}",
    ]
    for name, seconds in taken.items():
        ours = taken[f"seatrial check, {name.rpartition(', ')[2]}"]
        ratio = statistics.median(theirs / own for theirs, own in zip(seconds, ours, strict=True))
        lines.append(f"{name:40} {statistics.median(seconds):8.2f} {min(seconds):8.2f} {max(seconds):8.2f} {ratio:8.2f}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
