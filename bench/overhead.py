"""What a check costs beyond the tests: paired with a hardened `docker run` of the same tests in the same image.

    python bench/overhead.py [--rounds 9] [--long 10] [--files 100 --files 100000] [--json FILE]

Every round runs all cases in random order. `check` is the whole command, from process start to exit, with the base cached;
`docker run` is the same tests in the same image, hardened alike, the tree mounted read-only; it has no seccomp profile of its
own (the engine's default holds), no limits of file size and descriptors, and no memory file system for HOME. A run whose test
result is not the expected one ends the bench: no figure is printed for something that did not happen.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from measure import EXPECTED, IMAGE, Repository, interleaved, make

SEATRIAL = (sys.executable, "-m", "runner.cli.main")
HARDENED = (
    *("--rm", "--network", "none", "--init", "--ipc", "private", "--cgroupns", "private", "--cap-drop", "ALL"),
    *("--security-opt", "no-new-privileges:true", "--user", "10001:10001", "--read-only"),
    *("--tmpfs", "/tmp:rw,exec,nosuid,nodev,size=256m", "--pids-limit", "512", "--memory", "2g", "--memory-swap", "2g"),
    *("--cpus", "2", "--workdir", "/work"),
)


def check(repo: Repository) -> float:
    """Seconds of one whole `seatrial check`; raises unless it accepts with the expected number of tests."""
    argv = [*SEATRIAL, "check", repo.patch, "--repo", repo.path, "--policy", repo.policy, "--format", "json"]
    began = time.perf_counter()
    done = subprocess.run([str(part) for part in argv], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    report = json.loads(done.stdout)
    if report["verdict"] != "accept" or report["tests"]["patched"]["passed"] != 21:
        raise SystemExit(f"not the expected result, no figures: {report['verdict']}: {report['reason']}\n{done.stderr[-2000:]}")
    return seconds


def docker_run(repo: Repository) -> float:
    """Seconds of one hardened `docker run` of the same tests."""
    mount = ("--mount", f"type=bind,source={repo.path},target=/work,readonly")
    suite = ("python3", "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    began = time.perf_counter()
    done = subprocess.run(["docker", "run", *HARDENED, *mount, IMAGE, *suite], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode or EXPECTED not in done.stdout:
        raise SystemExit(f"not the expected result, no figures: {done.stdout[-500:]}{done.stderr[-500:]}")
    return seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--long", type=float, default=10.0, help="seconds of the long suite")
    parser.add_argument("--files", type=int, action="append", help="sizes of the repositories (default 100 and 100000)")
    parser.add_argument("--json")
    options = parser.parse_args()
    sizes = options.files or [100, 100_000]
    folder = Path(tempfile.mkdtemp(prefix="seatrial-bench-"))
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")  # or the first checks would not be cold
    subprocess.run([*SEATRIAL, "image", "build", "python", "--requirements", requirements(), "--tag", IMAGE], check=True, stdout=sys.stderr)
    subprocess.run([sys.executable, "-m", "compileall", "-q", Path(__file__).parents[1] / "runner"], check=True)
    try:
        short = [make(folder, files, 0.0) for files in sizes]
        long = make(folder, sizes[0], options.long)
        cold = {repo.files: check(repo) for repo in short}
        check(long)
        cases: dict[str, Callable[[], float]] = {}
        for repo in (*short, long):
            name = f"{repo.files} files, {'long' if repo.seconds else 'short'}"
            cases[f"check, {name}"] = lambda repo=repo: check(repo)
            cases[f"docker run, {name}"] = lambda repo=repo: docker_run(repo)
        taken = interleaved(cases, options.rounds)
    finally:
        shutil.rmtree(folder)
    lines, figures = table(taken, cold, sizes)
    print("\n".join(lines))
    if options.json:
        Path(options.json).write_text(json.dumps({"figures": figures, "seconds": taken, "cold": cold}, indent=1))
    return 0


def requirements() -> Path:
    file = Path(tempfile.gettempdir()) / "seatrial-bench-requirements.txt"
    file.write_text("pytest==9.2.0\n")
    return file


def table(taken: dict[str, list[float]], cold: dict[int, float], sizes: list[int]) -> tuple[list[str], dict[str, float]]:
    """Medians, paired ratios and differences, as lines and as figures."""
    n, load = len(next(iter(taken.values()))), os.getloadavg()[0]
    lines = [f"n = {n}, load {load:.1f}, {os.cpu_count()} cores; seconds", f"{'case':34} {'median':>8} {'min':>8} {'max':>8}"]
    lines += [f"{name:34} {statistics.median(v):8.2f} {min(v):8.2f} {max(v):8.2f}" for name, v in taken.items()]
    figures: dict[str, float] = {}
    lines += ["", "paired with docker run (medians of the pairs):"]
    for name, seconds in taken.items():
        if not name.startswith("check, "):
            continue
        pairs = list(zip(seconds, taken[name.replace("check", "docker run")], strict=True))
        what = name.removeprefix("check, ")
        figures[f"ratio, {what}"] = statistics.median(a / b for a, b in pairs)
        figures[f"overhead, {what}"] = statistics.median(a - b for a, b in pairs)
        lines.append(f"{what:34} ratio {figures[f'ratio, {what}']:.2f}   overhead {figures[f'overhead, {what}']:+.2f}s")
    small, large = (f"check, {size} files, short" for size in (sizes[0], sizes[-1]))
    if small != large:
        whole = statistics.median(b / a for a, b in zip(taken[small], taken[large], strict=True))
        over = figures[f"overhead, {sizes[-1]} files, short"] / figures[f"overhead, {sizes[0]} files, short"]
        figures["growth of the whole check"], figures["growth of the overhead"] = whole, over
        lines += ["", f"{sizes[-1]} files against {sizes[0]}: whole check {whole:.2f}, overhead alone {over:.2f}"]
    lines += [f"cold first check (snapshot, base twice): {', '.join(f'{files} files {seconds:.1f}s' for files, seconds in cold.items())}"]
    return lines, figures


if __name__ == "__main__":
    sys.exit(main())
