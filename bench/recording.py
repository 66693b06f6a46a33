"""What the recording run costs: paired with the same suite without it, in random order.

    python bench/recording.py [--python PYTHON] [--rounds 9] [--tests 300] [--calls 2000] [--project FOLDER --path src --run tests]

The first suite is made here: `--tests` tests that call a small function `--calls` times each. A project is a folder with a suite
of its own; `--path` goes on its import path. Every round runs each case once; printed are the medians of processor seconds and of the
ratios within a round, their range, the number of rounds and the load of the machine. A run with another exit status than its plain one
ends the bench.
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
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from runner.controls.recorded import RecordedReader, program

SHIM = """
import json, os
namespace = {"__name__": "recording"}
exec(compile(open(os.environ["RECORDING_PROGRAM"]).read(), "<recording>", "exec"), namespace)
out = open(os.environ["RECORDING_OUT"], "w")
def report(kind, **fields):
    out.write(json.dumps(dict(fields, k=kind)) + "\\n")
def pytest_configure(config):
    settings = json.loads(os.environ.pop("RECORDING_SETTINGS", "null"))
    if settings:
        config.pluginmanager.register(namespace["plugin"](report, settings), "recording")
def pytest_unconfigure():
    out.flush()
"""
CASES: dict[str, dict[str, bool] | None] = {"plain": None, "functions": {"lines": False}, "with lines": {"lines": True}}


def synthetic(folder: Path, tests: int, calls: int) -> Path:
    """A suite whose tests do nothing but call."""
    folder.mkdir()
    (folder / "lib.py").write_text("def step(x, by=1):\n    y = x + by\n    if y > 10:\n        y = 0\n    return y\n")
    body = f"import lib, pytest\n@pytest.mark.parametrize('n', range({tests}))\ndef test_it(n):\n"
    (folder / "test_it.py").write_text(body + f"    x = 0\n    for _ in range({calls}):\n        x = lib.step(x)\n")
    return folder


def run(options: argparse.Namespace, work: Path, scratch: Path, case: str, suite: list[str]) -> tuple[float, int]:
    """Processor seconds and exit status of one run; wall time would tell of the other work on the machine."""
    settings = CASES[case]
    (scratch / "shim_recording.py").write_text(SHIM)
    (scratch / "program.txt").write_text(program())
    tests = [
        str(path.relative_to(work)) for path in work.rglob("*.py") if path.name.startswith(("test_", "conftest")) or "tests" in path.parts
    ]
    given = "null" if settings is None else json.dumps({"work": str(work), "roots": [], "tests": tests, **settings})
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(scratch), str(work / options.path), str(work)]),
        "RECORDING_PROGRAM": str(scratch / "program.txt"),
        "RECORDING_OUT": str(scratch / f"{case}.jsonl"),
        "RECORDING_SETTINGS": given,
    }
    argv = [options.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "shim_recording", *suite]
    before = os.times()
    done = subprocess.run(argv, cwd=work, env=env, capture_output=True, text=True, check=False)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return used, done.returncode


def told(file: Path) -> str:
    reader = RecordedReader()
    for line in file.read_text().splitlines():
        reader.record(json.loads(line))
    found = reader.finish()
    shown = f"{len(found.covers)} tests, {len(found.functions)} functions, {len(found.calls)} calls, {file.stat().st_size} bytes"
    return f"{found.way}, {shown}{', ' + found.problem if found.problem else ''}"


def measure(options: argparse.Namespace, name: str, work: Path, suite: list[str]) -> None:
    seconds: dict[str, list[float]] = {case: [] for case in CASES}
    scratch = Path(tempfile.mkdtemp(prefix="seatrial-bench-"))
    statuses = {run(options, work, scratch, case, suite)[1] for case in CASES}  # warm, and not counted
    for _ in range(options.rounds):
        for case in random.sample(list(CASES), len(CASES)):
            taken, status = run(options, work, scratch, case, suite)
            seconds[case].append(taken)
            statuses.add(status)
    if len(statuses) != 1:
        raise SystemExit(f"{name}: recording changes the suite's exit status ({sorted(statuses)}): no figures")
    load = os.getloadavg()[0]
    print(f"{name}: plain {statistics.median(seconds['plain']):.2f}s (n={options.rounds}, load {load:.1f}, exit status {statuses.pop()})")
    for case in ("functions", "with lines"):
        ratios = [taken / plain for taken, plain in zip(seconds[case], seconds["plain"], strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(
            f"  {case}: {statistics.median(seconds[case]):.2f}s, x{statistics.median(ratios):.2f} ({spread}); {told(scratch / f'{case}.jsonl')}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="an interpreter with pytest and what the project's tests need")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--tests", type=int, default=300)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--project", type=Path)
    parser.add_argument("--path", default=".")
    parser.add_argument("--run", action="append", default=[], help="an argument of pytest, more than once if need be")
    options = parser.parse_args()
    if options.project:
        measure(options, options.project.name, options.project.resolve(), options.run)
    else:
        work = synthetic(Path(tempfile.mkdtemp(prefix="seatrial-bench-")) / "work", options.tests, options.calls)
        measure(options, f"{options.tests} tests of {options.calls} calls", work, [])
    return 0


if __name__ == "__main__":
    sys.exit(main())
