"""Judge every forgery and its honest twin next to the naive harness, and print which check stops what, and what alone.

    python bench/forging.py [--only NAME] [--kind CLASS] [--jobs 2] [--policy FILE] [--json FILE] [--from FILE]

The naive harness is `git apply` and pytest's exit status, in a container of the project's image. A forgery that a layer rejects before
its trial is judged once more with those layers only warning, so that the trial answers, too (but for names that `paths` refuses, which
no policy allows): the matrix has every check's own answer, the verdict is that of the first run. Exit status 1 when a forgery of grade D was accepted or an honest twin was rejected.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from testing.forgeries import FORGERIES, TAXONOMY, Forgery, trees

SEATRIAL = (sys.executable, "-m", "runner.cli.main")
READING = ("intake", "paths", "syntax", "static", "supply", "anomaly")
"""Checks that read a change and run nothing; all others belong to the trial."""
STOPS = ("fail", "hold", "unknown")
MARKS = {"fail": "F", "hold": "H", "unknown": "?", "warn": "w", "pass": "."}
COMMON = "seatrial: 1\npreflight: {rate: []}\nsandbox: {limits: {wall: 30s}}\n"
LENIENT = """validate:
  intake: {symlinks: warn, submodules: warn, names: warn, collisions: warn, bytecode: warn, native: warn, bidi: warn}
  static: {rules: {static.obfuscated: warn, static.exit-under-test: warn}}
  supply: {secrets: warn, lookalikes: warn, locks: warn}
"""
NAIVE = (
    "mkdir /tmp/home /tmp/tree && cd /tmp/tree && tar -xf - && HOME=/tmp/home PYTHONPATH=src exec timeout -s KILL 20 python -m pytest -q"
)
CONFINED = ("--network", "none", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--memory", "512m", "--pids-limit", "128")
PLACES = (
    "--read-only",
    "--tmpfs",
    "/work:exec,mode=1777,size=64m",
    "--tmpfs",
    "/tmp:exec,mode=1777,size=64m",
    "--user",
    "1000:1000",
    "--init",
)


@dataclass(frozen=True)
class Said:
    """What Seatrial said of one patch."""

    verdict: str
    reason: str
    checks: dict[str, str]
    image: str
    seconds: float

    @property
    def stopping(self) -> set[str]:
        """The checks that keep it from being accepted."""
        return {check for check, outcome in self.checks.items() if outcome in STOPS}


@dataclass(frozen=True)
class Answer:
    """One forgery, judged."""

    name: str
    kind: str
    grade: str
    bug: bool
    naive: str
    """passes, fails, or refused by `git apply`."""
    forged: Said
    twin: Said


class Judge:
    """Judges patches to one repository with one base, whose results are cached."""

    def __init__(self, scratch: Path, policy: Path | None) -> None:
        self.repo = trees.repository(scratch / "berth")
        self._scratch, self._lock = scratch, threading.Lock()
        self.usual, self._lenient = policy or scratch / "usual.yaml", scratch / "lenient.yaml"
        if policy is None:
            self.usual.write_text(COMMON)
        text = self.usual.read_text()
        self._lenient.write_text(f"{text}\n{LENIENT}" if "\nvalidate:" not in text else text)
        self.image = self.check(self._patch({"README.md": "# berth\n"}), self.usual).image

    def _patch(self, files: Any) -> bytes:
        with self._lock:
            return trees.patch(files, self.repo)

    def answer(self, forgery: Forgery) -> Answer:
        """The forgery and its twin, judged by both."""
        forged = forgery.patch or self._patch(forgery.files)
        said = self.check(forged, self.usual)
        if "tests" not in said.checks and said.verdict == "reject":
            more = self.check(forged, self._lenient)
            said = Said(said.verdict, said.reason, {**more.checks, **said.checks}, said.image, said.seconds)
        twin = self.check(self._patch(forgery.honest), self.usual)
        return Answer(forgery.name, forgery.kind, forgery.grade, forgery.bug, self.naive(forged), said, twin)

    def check(self, patch: bytes, policy: Path) -> Said:
        """One patch through the command line, as a user would."""
        argv = [*SEATRIAL, "check", "-", "--as", "diff", "--repo", self.repo, "--policy", policy, "--format", "json", "-q"]
        environment = {**os.environ, "NO_COLOR": "1", "XDG_STATE_HOME": str(self._scratch / "state")}
        began = time.monotonic()
        done = subprocess.run([str(part) for part in argv], input=patch, capture_output=True, env=environment, check=False)
        seconds = round(time.monotonic() - began, 2)
        try:
            report = json.loads(done.stdout)
        except ValueError:
            report = {"reason": f"exit {done.returncode}: {(done.stderr or done.stdout)[-300:].decode(errors='replace')}"}
        checks = {result["check"]: result["outcome"] for result in report.get("results", ())}
        image = (report.get("sandbox") or {}).get("image") or ""
        return Said(report.get("verdict") or "none", " ".join(str(report.get("reason")).split()), checks, image, seconds)

    def naive(self, patch: bytes) -> str:
        """What `git apply` and pytest's exit status say, in a container without network."""
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            tree = trees.base(Path(folder) / "tree")
            applied = subprocess.run(["git", "apply", "-"], cwd=tree, input=patch, capture_output=True, check=False)
            if applied.returncode:
                return "refused"
            packed = subprocess.run(
                ["tar", "-cf", "-", "--", *sorted(path.name for path in tree.iterdir())], cwd=tree, capture_output=True, check=True
            ).stdout
        command = ["docker", "run", "--rm", "-i", *CONFINED, *PLACES, self.image, "sh", "-c", NAIVE]
        done = subprocess.run(command, input=packed, capture_output=True, check=False)
        return "passes" if done.returncode == 0 else "fails"


def main() -> int:
    options = arguments()
    answers = [answer for path in options.said for answer in read(Path(path))] if options.said else judged(options)
    print("\n" + "\n".join(tables(answers)))
    return 1 if faults(answers) else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", help="name of a forgery; a pattern such as '*daemon*'")
    parser.add_argument("--kind", action="append", help="class, such as RF-*")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--policy", type=Path, help="judge by this policy in place of the default")
    parser.add_argument("--json", type=Path, help="write the answers here, anew after each")
    parser.add_argument("--from", dest="said", action="append", help="print the tables of answers that --json wrote; nothing is judged")
    return parser.parse_args()


def judged(options: argparse.Namespace) -> list[Answer]:
    wanted = [forgery for forgery in FORGERIES if not options.kind or forgery.kind in options.kind]
    wanted = [forgery for forgery in wanted if not options.only or any(fnmatch(forgery.name, name) for name in options.only)]
    with tempfile.TemporaryDirectory(prefix="seatrial-forging-") as scratch, ThreadPoolExecutor(options.jobs) as pool:
        judge = Judge(Path(scratch), options.policy)
        answers = []
        for answer in pool.map(judge.answer, wanted):
            answers.append(answer)
            if options.json:
                options.json.write_text(json.dumps([asdict(said) for said in answers], indent=1))
            words = f"naive {answer.naive:7} seatrial {answer.forged.verdict:6} twin {answer.twin.verdict:6}"
            print(f"{answer.kind:15} {answer.grade} {words} {answer.forged.seconds:5.1f}s  {answer.name}", flush=True)
    return answers


def read(path: Path) -> list[Answer]:
    return [
        Answer(**{**told, "forged": Said(**told["forged"]), "twin": Said(**told["twin"])})
        for told in json.loads(path.read_text(encoding="utf-8"))
    ]


def faults(answers: Sequence[Answer]) -> list[str]:
    """What must never happen, in words."""
    wrong = [f"{a.name} ({a.kind}): accepted" for a in answers if a.grade == "D" and a.forged.verdict == "accept"]
    wrong += [f"{a.name} ({a.kind}): its honest twin was rejected: {a.twin.reason}" for a in answers if a.twin.verdict == "reject"]
    wrong += [f"{a.name} ({a.kind}): no verdict: {said.reason}" for a in answers for said in (a.forged, a.twin) if said.verdict == "none"]
    return wrong


def tables(answers: Sequence[Answer]) -> list[str]:
    columns = ordered(answers)
    return [
        *matrix(answers, columns),
        "",
        *by_check(answers, columns),
        "",
        *by_class(answers),
        "",
        *accepted(answers),
        "",
        *twins(answers),
        "",
        *(f"FAULT {fault}" for fault in faults(answers)),
    ]


def ordered(answers: Iterable[Answer]) -> list[str]:
    """All checks that stopped something, those that read first."""
    stopping = {check for a in answers for said in (a.forged, a.twin) for check in said.stopping}
    asked = list(dict.fromkeys(check for a in answers for said in (a.twin, a.forged) for check in said.checks))
    return [c for c in READING if c in stopping] + [c for c in asked if c in stopping and c not in READING]


def matrix(answers: Sequence[Answer], columns: Sequence[str]) -> list[str]:
    """Patch by check: F fail, H hold, ? unknown, w warn, . pass, blank not asked."""
    lines = [f"patch by check ({', '.join(f'{mark} {word}' for word, mark in MARKS.items())}, blank: not asked)"]
    lines += [f"  {letter(number)} {name}" for number, name in enumerate(columns)]
    head = f"{'class':15} g {'patch':62} {' '.join(letter(number) for number in range(len(columns)))}  naive    verdict"
    for kind in TAXONOMY:
        of_kind = [a for a in answers if a.kind == kind]
        lines += [head] if of_kind else []
        for a in of_kind:
            cells = " ".join(MARKS.get(a.forged.checks.get(check, ""), " ") for check in columns)
            lines.append(f"{kind:15} {a.grade} {a.name[:62]:62} {cells}  {a.naive:8} {a.forged.verdict}")
    return lines


def letter(number: int) -> str:
    return "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[number]


def by_check(answers: Sequence[Answer], columns: Sequence[str]) -> list[str]:
    """Per check: what it stops, what it stops alone, alone of the trial's, alone beside those that only read, and honest twins."""
    lines = [f"{'check':20} {'stops':>6} {'of':>4} {'alone':>6} {'alone in the trial':>19} {'twins stopped':>14} {'rejected by it':>15}"]
    idle = []
    for check in columns:
        caught = [a for a in answers if check in a.forged.stopping]
        asked = sum(check in a.forged.checks for a in answers)
        alone = [a for a in caught if a.forged.stopping == {check}]
        in_trial = [a for a in caught if a.forged.stopping - set(READING) == {check}]
        stopped = sum(check in a.twin.stopping for a in answers)
        rejected = sum(a.twin.checks.get(check) == "fail" for a in answers)
        lines.append(f"{check:20} {len(caught):6} {asked:4} {len(alone):6} {len(in_trial) or '':>19} {stopped:14} {rejected:15}")
        if not alone and not in_trial:
            idle.append(check)
    silent = sorted({check for a in answers for check in a.forged.checks} - set(columns))
    naive = sum(a.naive != "passes" for a in answers)
    return [
        *lines,
        f"{'naive harness':20} {naive:6} {len(answers):4}",
        f"the only catcher of nothing: {', '.join(idle) or 'none'}; stopped nothing at all: {', '.join(silent) or 'none'}",
    ]


def by_class(answers: Sequence[Answer]) -> list[str]:
    """Per class and grade: what passes the naive harness, and what Seatrial says of forgeries and twins."""
    heads = " ".join(f"{word:>8}" for word in ("accepted", "held", "rejected"))
    lines = [f"{'class':15} g {'n':>4} {'naive passes':>13}   forgeries: {heads} {'stopped':>8}   twins: {heads}"]
    groups = [
        (kind, grade, [a for a in answers if (a.kind, a.grade) == (kind, grade)]) for kind, grades in TAXONOMY.items() for grade in grades
    ]
    groups += [("all", grade, [a for a in answers if a.grade == grade]) for grade in ("D", "P", "U")]
    for kind, grade, of in groups:
        if not of:
            continue
        passed = sum(a.naive == "passes" for a in of)
        forged, honest = (
            [sum(said.verdict == word for said in sayings) for word in ("accept", "hold", "reject")]
            for sayings in ([a.forged for a in of], [a.twin for a in of])
        )
        cells = [" ".join(f"{number:8}" for number in numbers) for numbers in (forged, honest)]
        stopped = f"{100 * (1 - forged[0] / len(of)):.0f}%"
        lines.append(f"{kind:15} {grade} {len(of):4} {passed:13}              {cells[0]} {stopped:>8}          {cells[1]}")
    return lines


def accepted(answers: Sequence[Answer]) -> list[str]:
    """Forgeries that were accepted."""
    through = [a for a in answers if a.forged.verdict == "accept"]
    return [f"accepted: {len(through)} of {len(answers)}", *(f"  {a.kind:15} {a.grade} naive {a.naive:7} {a.name}" for a in through)]


def twins(answers: Sequence[Answer]) -> list[str]:
    """Honest twins that were stopped, and by what."""
    stopped = [a for a in answers if a.twin.verdict != "accept"]
    seconds = sorted(said.seconds for a in answers for said in (a.forged, a.twin))
    return [
        f"honest twins not accepted: {len(stopped)} of {len(answers)}",
        *(f"  {a.twin.verdict:7} {', '.join(sorted(a.twin.stopping)):30} {a.kind:15} {a.name}" for a in stopped),
        f"seconds per check: median {seconds[len(seconds) // 2]:.1f}, most {seconds[-1]:.1f}, n {len(seconds)}" if seconds else "",
    ]


if __name__ == "__main__":
    sys.exit(main())
