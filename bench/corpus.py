"""Judge every case of the evaluation corpus through the command line and print the confusion table.

    python bench/corpus.py --corpus ../shared/corpus [--out out/corpus] [--project NAME] [--kind KIND] [--case ID] [--json FILE] [--gates enforce]

Builds the corpus (its own README), one image per project, and checks each case with `seatrial check`, as a user would.
With `--gates enforce` the gates decide, too, in a state folder of their own; each case has its own author, and there is no rate, so that cases do not
count against one another. Exit status 1 when a counted `reject` case was accepted, an `accept` case was rejected, or a rejection had the wrong reason.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

SEATRIAL = (sys.executable, "-m", "runner.cli.main")
HELD_MOST = 0.05
"""Of the accept cases that touch nothing protected and no expectation, as many may be held; of all accept cases, as many by anomaly."""
LAYERS = ("intake", "paths", "syntax", "static", "supply", "load")
VERDICTS = ("accept", "hold", "reject", "none")


@dataclass(frozen=True)
class Answer:
    """What Seatrial said of one case."""

    case: str
    kind: str
    expected: str
    counted: bool
    also_ok: tuple[str, ...]
    verdict: str
    reason: str
    checks: tuple[str, ...]
    right_reason: bool | None
    seconds: float
    mechanism: str = ""
    files: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)
    suite: float | None = None
    """Wall time of the patched suite's sandbox; `None` where the base's results were not in the cache."""

    @property
    def right(self) -> bool:
        """Whether the verdict is the expected one, or another that is right too."""
        return self.verdict == self.expected or self.verdict in self.also_ok


def main() -> int:
    options = arguments()
    out = Path(options.out).resolve()
    command([sys.executable, Path(options.corpus) / "build.py", "--out", out, "--cache", out / ".cache"])
    cases = [case for case in json.loads((out / "cases.json").read_text())["cases"] if wanted(case, options)]
    projects = sorted({case["project"] for case in cases})
    if options.gates == "enforce":
        shutil.rmtree(out / "state", ignore_errors=True)
        os.environ["XDG_STATE_HOME"] = str(out / "state")
    policies = {project: prepare(project, out, next(c for c in cases if c["project"] == project)) for project in projects}
    with ThreadPoolExecutor(options.jobs) as pool:
        answers = []
        for answer in pool.map(lambda case: judge(case, out, policies[case["project"]], options.gates), cases):
            answers.append(answer)
            mark = "ok   " if answer.right else ("  -  " if not answer.counted else "WRONG")
            print(f"{mark} {answer.case:34} {answer.verdict:7} {answer.seconds:6.1f}s  {answer.reason[:110]}", flush=True)
    print("\n" + "\n".join(tables(answers)))
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(answer) for answer in answers], indent=1))
    return 0 if not faults(answers) else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", required=True, help="folder with build.py and manifest.json")
    parser.add_argument("--out", default="out/corpus")
    parser.add_argument("--project", action="append")
    parser.add_argument("--kind", action="append")
    parser.add_argument("--case", action="append")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json")
    parser.add_argument("--gates", choices=("inform", "enforce"), default="inform")
    return parser.parse_args()


def wanted(case: dict[str, Any], options: argparse.Namespace) -> bool:
    chosen = {"project": options.project, "kind": options.kind, "id": options.case}
    return all(not names or case[key] in names for key, names in chosen.items())


def command(argv: list[Any]) -> None:
    print("+", " ".join(str(part) for part in argv), file=sys.stderr, flush=True)
    subprocess.run([str(part) for part in argv], check=True, stdout=sys.stderr)


def prepare(project: str, out: Path, case: dict[str, Any]) -> Path:
    """Build the project's image and write its policy."""
    tag = f"seatrial-corpus/{project}"
    command([*SEATRIAL, "image", "build", "python", "--requirements", out / "requirements" / f"{project}.txt", "--tag", tag])
    arguments = shlex.split(case["test_command"])
    arguments = arguments[arguments.index("pytest") + 1 :]
    policy = out / "policies" / f"{project}.yaml"
    policy.parent.mkdir(exist_ok=True)
    environment = "\n".join(f"    {name}: {json.dumps(value)}" for name, value in case["env"].items())
    policy.write_text(
        f"seatrial: 1\ntests:\n  runner: pytest\n  args: {json.dumps(arguments)}\npreflight: {{rate: []}}\nsandbox:\n  image: {tag}\n  env:\n{environment}\n"
    )
    return policy


def judge(case: dict[str, Any], out: Path, policy: Path, gates: str) -> Answer:
    """One case through the command line."""
    argv = [*SEATRIAL, "check", out / case["patch"], "--repo", out / "repos" / case["project"]]
    argv += ["--base", case["base"], "--policy", policy, "--format", "json", "--gates", gates, "--author", case["id"]]
    began = time.monotonic()
    done = subprocess.run([str(part) for part in argv], capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"}, check=False)
    seconds = time.monotonic() - began
    try:
        report = json.loads(done.stdout)
    except ValueError:
        report = {"reason": f"exit {done.returncode}: {(done.stderr or done.stdout)[-300:]}"}
    results = report.get("results", [])
    tests = report.get("tests") or {}
    lost = {*tests.get("broken", ()), *tests.get("missing", ())}
    reason_known = report.get("verdict") == "reject" and case["expected"] == "reject" and case.get("pass_to_fail")
    return Answer(
        case=case["id"],
        kind=case["kind"],
        expected=case["expected"],
        counted=case.get("counted", True),
        also_ok=tuple(case.get("also_ok") or ()),
        verdict=report.get("verdict") or "none",
        reason=" ".join(str(report.get("reason", "")).split()),
        checks=tuple(f"{r['check']}={r['outcome']}" for r in results if r["outcome"] not in ("pass", "warn")),
        right_reason=bool(lost & set(case["pass_to_fail"])) if reason_known else None,
        seconds=round(seconds, 2),
        mechanism=case.get("mechanism") or "",
        files=tuple(case["files"]),
        findings=tuple(
            f"{f['rule']} {f['path']}" for r in results if r["outcome"] in ("hold", "fail", "unknown") for f in r.get("findings", ())
        )[:8],
        timings=report.get("timings", {}),
        suite=tests["patched"]["seconds"] if (tests.get("base") or {}).get("cached") and tests.get("patched") else None,
    )


def plain(answers: list[Answer]) -> list[Answer]:
    """The accept cases that touch no protected file and change no base expectation, by what the report found."""
    excuses = ("paths.", "tests.broken", "inventory.", "own-tests.removed")
    return [a for a in answers if a.counted and a.expected == "accept" and not any(f.startswith(excuses) for f in a.findings)]


def faults(answers: list[Answer]) -> list[str]:
    """What must never happen, in words."""
    wrong = [
        f"{a.case}: a reject case was accepted"
        for a in answers
        if a.counted and a.expected == "reject" and a.kind != "tamper" and a.verdict == "accept"
    ]
    wrong += [
        f"{a.case}: an accept case was rejected: {a.reason}"
        for a in answers
        if a.counted and a.expected == "accept" and a.verdict == "reject"
    ]
    held = [a.case for a in plain(answers) if a.verdict == "hold"]
    if len(held) > HELD_MOST * len(plain(answers)):
        wrong.append(f"held though nothing protected and no expectation is touched: {', '.join(held)}")
    honest = [a for a in answers if a.counted and a.expected == "accept"]
    strange = [a.case for a in honest if any(check.startswith("anomaly=") for check in a.checks)]
    if len(strange) > HELD_MOST * len(honest):
        wrong.append(f"honest changes held by anomaly: {', '.join(strange)}")
    wrong += [f"{a.case}: no verdict: {a.reason}" for a in answers if a.verdict == "none"]
    # a tamper case may be stopped by what it adds; only the plain bugs must be stopped by the test they break
    wrong += [f"{a.case}: rejected for another reason: {a.reason}" for a in answers if a.right_reason is False and a.kind != "tamper"]
    return wrong


def tables(answers: list[Answer]) -> list[str]:
    """The confusion table, what was held and why, tampering, time."""
    lines = [f"{'kind':16} {'expected':24} {'n':>4} " + " ".join(f"{v:>7}" for v in VERDICTS) + "   right"]
    for kind in dict.fromkeys(a.kind for a in answers):
        of_kind = [a for a in answers if a.kind == kind]
        counts = Counter(a.verdict for a in of_kind)
        right = f"{sum(a.right for a in of_kind)}/{len(of_kind)}" if of_kind[0].counted else "not counted"
        lines.append(f"{kind:16} {of_kind[0].expected:24} {len(of_kind):4} " + " ".join(f"{counts[v]:7}" for v in VERDICTS) + f"   {right}")
    held = [a for a in answers if a.expected == "accept" and a.verdict == "hold"]
    if held:
        lines += ["", "accept cases that were held:"] + [
            f"  {a.case}: {', '.join(a.checks)}: {', '.join(a.findings[:4]) or a.reason[:120]}" for a in held
        ]
    ordinary = plain(answers)
    stopped = sum(a.verdict == "hold" for a in ordinary)
    lines += ["", f"held of the accept cases that touch nothing protected and no expectation: {stopped} of {len(ordinary)}"]
    tampers = [a for a in answers if a.kind == "tamper"]
    if tampers:
        stopped = sum(a.verdict != "accept" for a in tampers)
        lines += ["", f"tamper: {stopped} of {len(tampers)} not accepted, {sum(a.right for a in tampers)} as expected"]
        lines += [
            f"  {'ok ' if a.right else 'BAD' if a.verdict == 'accept' else '~  '} {a.case:30} {a.mechanism:22} {a.verdict:7} {', '.join(a.checks)}"
            for a in tampers
        ]
    lines += ["", *matrix(answers)]
    seconds = [a.seconds for a in answers]
    if seconds:
        load = os.getloadavg()[0]
        lines += [
            "",
            f"time per case: median {statistics.median(seconds):.1f}s, max {max(seconds):.1f}s, n {len(seconds)}, load {load:.1f}",
        ]
    return [*lines, *costs(answers), "", *(f"FAULT {fault}" for fault in faults(answers))]


def costs(answers: list[Answer]) -> list[str]:
    """What the controls cost where they ran and the base was cached: a fixed part, and one that grows with the suite."""
    ran = [(a.suite, a.timings["controls"], a.seconds) for a in answers if a.suite and a.timings.get("controls", 0.0) > 0.1]
    if len(ran) < 3:
        return []
    suites, controls, whole = zip(*ran, strict=True)
    slope, fixed = statistics.linear_regression(suites, controls)
    bare = [seconds - control for seconds, control in zip(whole, controls, strict=True)]
    beside = f"median {statistics.median(controls):.1f}s beside a suite of {statistics.median(suites):.1f}s"
    ratio = statistics.median(with_controls / without for with_controls, without in zip(whole, bare, strict=True))
    return [
        f"controls, base cached (n {len(ran)}): {beside}; fixed part {fixed:.1f}s, and {slope:.2f} of the suite",
        f"whole check: median {statistics.median(whole):.1f}s, without controls {statistics.median(bare):.1f}s, ratio {ratio:.2f}",
    ]


def matrix(answers: list[Answer]) -> list[str]:
    """Who stops what: per check the tampering and the honest changes that it stops, and those that nothing else stops.

    A change that a layer rejects before its trial is not seen by the checks after it; bench/layers.py asks the layers apart.
    """
    stops = {a.case: {check.partition("=")[0] for check in a.checks} for a in answers}
    names = [*LAYERS, *sorted({name for named in stops.values() for name in named} - set(LAYERS))]
    groups = {"tamper": [a for a in answers if a.kind == "tamper"], "honest": [a for a in answers if a.counted and a.expected == "accept"]}
    lines = [f"{'stopped by':12} " + " ".join(f"{f'{group}, of {len(of)}':>16} {'alone':>6}" for group, of in groups.items())]
    for name in names:
        cells = []
        for of in groups.values():
            by = [a for a in of if name in stops[a.case]]
            cells.append(f"{len(by):16} {sum(stops[a.case] == {name} for a in by):6}")
        lines.append(f"{name:12} " + " ".join(cells))
    return lines


if __name__ == "__main__":
    sys.exit(main())
