"""How soon the watch over a promotion finds out that the service broke: real services on the loopback interface, real probes once a second.

    python bench/detection.py [--trials 60] [--others 20] [--at-once 10] [--submits 3] [--seed 7] [--json FILE]

Each trial starts a web service of its own and watches it as a promotion is watched: one `http` probe at an interval of 1 s with a time-out of
1 s, all other numbers those of the default policy. At a random moment within the first 3 s it breaks: `errors` answers 500 from then on,
`refused` is killed, `hangs` accepts and never answers, `one in five` answers 500 at random to 20 % of the requests. Seconds are from right
before it breaks until the watch has returned. `submit` is the whole line: `seatrial submit` promotes the bad change of `examples/` to a live
`harbour` of its own, and what is printed is what its report says. Exits 1 when the p95 of one of the first three is above 6 s, or a trial of
theirs did not end in taking back.
"""

from __future__ import annotations

import argparse
import http.server
import json
import math
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from measure import git

HARD: Final = ("errors", "refused", "hangs")
KINDS: Final = (*HARD, "one in five")
LIMIT: Final = 6.0
_EARLY: Final = 3.0
_HANGS: Final = 30.0
_POLICY: Final = """\
seatrial: 1
tests: {{runner: pytest, args: [tests]}}
preflight: {{rate: []}}
promote:
  after: {{command: [{python}, {folder}/restart.py, "{port}"], timeout: 20s}}
monitor:
  probes: [{{http: "http://127.0.0.1:{port}/health", tree: $.tree, interval: 1s, timeout: 1s}}]
"""


class Trial(NamedTuple):
    """What came of one watch."""

    seconds: float | None
    """From the break to the ruling; `None` when it did not end in taking back."""
    ruled: str


# The service, in a process of its own


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers 200, until the first line on stdin; then as its kind says."""

    broken = threading.Event()
    kind = ""
    chance = random.Random()

    def do_GET(self) -> None:
        """Answer as a service that is well or broken."""
        broken = self.broken.is_set()
        if broken and self.kind == "hangs":
            time.sleep(_HANGS)
        fails = broken and (self.kind == "errors" or (self.kind == "one in five" and self.chance.random() < 0.2))
        self.send_response(500 if fails else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve(kind: str, seed: int) -> None:
    """Print the port and serve until killed."""
    Handler.kind, Handler.chance = kind, random.Random(seed)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for _ in sys.stdin:
        Handler.broken.set()


@contextmanager
def service(kind: str, seed: int) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A service that runs, and its port."""
    argv = [sys.executable, __file__, "--serve", kind, str(seed)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


# One watch


def watched(kind: str, seed: int) -> Trial:
    """Watch a service that breaks; as `runner/wiring/watching.py` does, with a deadline that is not durable."""
    from runner.model.run import Course
    from runner.probes.options import Monitor
    from runner.probes.probe import Context
    from runner.probes.watch import Watch

    with service(kind, seed) as (process, port):
        probe = {"http": f"http://127.0.0.1:{port}/health", "interval": "1s", "timeout": "1s"}
        options = Monitor.model_validate_json(json.dumps({"probes": [probe]}))
        started = time.monotonic()
        breaks: list[float] = []
        broke = threading.Timer(random.Random(seed).uniform(0, _EARLY), lambda: breaks.append(_break(process, kind)))
        watch = Watch(
            options,
            Context(started=started),
            asked=threading.Event(),
            remaining=lambda: options.deadline - (time.monotonic() - started),
        )
        broke.start()
        ruling = watch.run()
        decided = time.monotonic()
        broke.join()
    if ruling.course is not Course.TAKE_BACK:
        return Trial(None, ruling.reason)
    return Trial(decided - breaks[0], ruling.reason)


def _break(process: subprocess.Popen[str], kind: str) -> float:
    """Break the service; the moment right before."""
    at = time.monotonic()
    if kind == "refused":
        process.send_signal(signal.SIGKILL)
    else:
        assert process.stdin is not None
        process.stdin.write("break\n")
        process.stdin.flush()
    return at


# The whole line


def submitted(folder: Path) -> tuple[float, float]:
    """Seconds of detection and recovery of one `seatrial submit` to a service of its own, by its report."""
    from runner.shipped import shipped
    from runner.wiring.traffic import Traffic, free_port

    repo, live, port = folder / "harbour", folder / "service" / "harbour", free_port()
    for place in (repo, live):
        shutil.copytree(shipped("examples/harbour"), place, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    git(repo, "init", "-q")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "base")
    policy = folder / "policy.yaml"
    policy.write_text(_POLICY.format(python=sys.executable, folder=live, port=port))
    restart = [sys.executable, str(live / "restart.py")]
    subprocess.run([*restart, str(port)], check=True)
    argv = ["submit", str(shipped("examples/changes/harbour-bad.diff")), "--repo", str(repo), "--policy", str(policy)]
    argv += ["--target", f"dir:{live}", "--author", "bench", "--format", "json", "--quiet"]
    try:
        with Traffic(port):
            done = subprocess.run([str(Path(sys.executable).with_name("seatrial")), *argv], capture_output=True, text=True, check=False)
    finally:
        subprocess.run([*restart, "--stop"], check=False)
    if done.returncode != 5:
        raise SystemExit(f"not rolled back, no figures: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    promotion = json.loads(done.stdout)["promotion"]
    return promotion["detection"], promotion["recovery"]


# The figures


def p95(values: list[float]) -> float:
    """By the nearest rank: of fewer than 20 it is the greatest."""
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def told(name: str, values: list[float], n: int, load: str) -> None:
    """Print the figures of one kind."""
    figures = (
        f"median {statistics.median(values):.2f}  p95 {p95(values):.2f}  max {max(values):.2f}  least {min(values):.2f}"
        if values
        else "none"
    )
    print(f"  {name:<22} {figures}  ({len(values)} of {n})  load {load}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=60, help="of `errors`")
    parser.add_argument("--others", type=int, default=20, help="of each other kind")
    parser.add_argument("--at-once", type=int, default=10, help="watches at once; each asks one service once a second")
    parser.add_argument("--submits", type=int, default=3, help="of the whole line, one after the other; 0 for none")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve[0], int(asked.serve[1]))
        return
    figures: dict[str, list[Any]] = {}
    within = True
    print(f"seconds from the break to the decision; probes once a second, {asked.at_once} watches at once, seed {asked.seed}")
    for kind in KINDS:
        n, before = asked.trials if kind == "errors" else asked.others, os.getloadavg()[0]
        with ThreadPoolExecutor(asked.at_once) as pool:
            done = list(pool.map(lambda number, kind=kind: watched(kind, asked.seed * 1000 + number), range(n)))
        found = [trial.seconds for trial in done if trial.seconds is not None]
        told(kind, found, n, f"{before:.1f} to {os.getloadavg()[0]:.1f}")
        figures[kind] = [trial._asdict() for trial in done]
        within &= kind not in HARD or (len(found) == n and p95(found) <= LIMIT)
    print(f"  limit of the p95 of {', '.join(HARD)}: {LIMIT:g} s, {'holds' if within else 'DOES NOT HOLD'}", flush=True)
    if asked.submits:
        with tempfile.TemporaryDirectory() as scratch:
            os.environ["XDG_STATE_HOME"] = f"{scratch}/state"
            before, ends = os.getloadavg()[0], []
            for number in range(asked.submits):
                (Path(scratch) / str(number)).mkdir()
                ends.append(submitted(Path(scratch) / str(number)))
        print("seconds by the report of `seatrial submit`")
        load = f"{before:.1f} to {os.getloadavg()[0]:.1f}"
        told("promotion to decision", [one for one, _ in ends], asked.submits, load)
        told("decision to verified", [two for _, two in ends], asked.submits, load)
        figures["submit"] = [{"detection": one, "recovery": two} for one, two in ends]
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=1) + "\n")
    sys.exit(0 if within else 1)


if __name__ == "__main__":
    main()
