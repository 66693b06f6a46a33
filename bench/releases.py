"""How often the controls against forged results hold honest changes: what maintainers of ten projects changed from release to release.

    python bench/releases.py [--out out/releases] [--project NAME] [--json FILE]

Source distributions are fetched by name, version and hash and unpacked without running anything of them; a project is one
repository with one commit for each release. The change is what a release changed in the package's own files, without its tests
and metadata; `seatrial check` judges it on the release before with no policy. Releases change behaviour, often such as no test of
the base fixes, and a control that sees that is right to hold; the table gives its reason, so that a person can tell.
Exit status 1 when a change got no verdict.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent))

from release_list import PROJECTS, Project
from sdists import commit, fetch, git, lay

from runner.controls.line import CHECK
from runner.controls.options import NAMES
from testing.faults.bound import upper_bound

SEATRIAL = (sys.executable, "-m", "runner.cli.main")
CONTROLS = (*NAMES, CHECK)
WRONG = frozenset({"fail", "hold", "unknown", "refuse"})
"""Outcomes that keep a change from being accepted."""
OUTCOMES = ("pass", "warn", "hold", "unknown", "fail")


@dataclass(frozen=True)
class Answer:
    """What was said of the step from one release to the next."""

    project: str
    before: str
    after: str
    files: int
    lines: int
    verdict: str = "none"
    seconds: float = 0.0
    controls: Mapping[str, str] = field(default_factory=dict)
    """Outcomes of the controls that answered."""
    others: Mapping[str, str] = field(default_factory=dict)
    """Outcomes outside the controls that keep the change from being accepted."""
    reason: str = ""
    """That of the first control that holds; else of the first other check that does."""

    @property
    def controlled(self) -> bool:
        """Whether its trial left nothing broken, so that controls were asked."""
        return bool(set(self.controls) & set(NAMES))

    @property
    def stopping(self) -> tuple[str, ...]:
        """The controls that keep it from being accepted."""
        return tuple(name for name, outcome in self.controls.items() if outcome in WRONG)

    @property
    def held_alone(self) -> bool:
        """Whether nothing but controls keeps it from being accepted."""
        return bool(self.stopping) and not self.others


def main() -> int:
    options = arguments()
    out = Path(options.out).resolve()
    answers = []
    for project in PROJECTS:
        if not options.project or project.name in options.project:
            for answer in steps(project, out):
                answers.append(answer)
                print(line(answer), file=sys.stderr, flush=True)
                if options.json:
                    Path(options.json).write_text(json.dumps([asdict(each) for each in answers], indent=1))
    print("\n".join((*table(answers), "", *totals(answers))))
    return 0 if answers and all(answer.verdict != "none" for answer in answers) else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="out/releases")
    parser.add_argument("--project", action="append", choices=[project.name for project in PROJECTS])
    parser.add_argument("--json", help="where the answers go, after each of them")
    return parser.parse_args()


def steps(project: Project, out: Path) -> Iterator[Answer]:
    """Each step of a project, judged one after another."""
    repository = releases(project, out)
    for before, after in pairwise(project.releases):
        yield judge(project, before.version, after.version, repository, out)


def releases(project: Project, out: Path) -> Path:
    """A repository with one commit for each release, tagged with its version; made anew when another list of them made it."""
    folder = out / "repos" / project.name
    wanted = {f"v{release.version}" for release in project.releases}
    if (folder / ".git").exists() and set(git(folder, "tag").decode().split()) == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for release in project.releases:
        for old in [path for path in folder.iterdir() if path.name != ".git"]:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        lay(fetch(project.name, release.version, release.sha256, out / "sdists"), folder)
        commit(folder, project.name, release.version)
    return folder


def judge(project: Project, before: str, after: str, repository: Path, out: Path) -> Answer:
    """One step through the command line, with no policy."""
    paths = (f"v{before}", f"v{after}", "--", project.source, *(f":(exclude){path}" for path in project.left))
    stem = out / f"{project.name}-{before}-{after}"
    change = stem.with_name(f"{stem.name}.diff")
    change.write_bytes(git(repository, "diff", "--binary", *paths))
    counted = [row.split("\t") for row in git(repository, "diff", "--numstat", *paths).decode().splitlines()]
    lines = sum(int(number) for row in counted for number in row[:2] if number.isdigit())
    began = time.monotonic()
    argv = [*SEATRIAL, "check", str(change), "--repo", str(repository), "--base", f"v{before}", "--format", "json"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    seconds = round(time.monotonic() - began, 1)
    stem.with_name(f"{stem.name}.log").write_text(done.stderr)
    stem.with_name(f"{stem.name}.json").write_text(done.stdout)
    answer = Answer(project.name, before, after, len(counted), lines, seconds=seconds)
    try:
        return told(answer, json.loads(done.stdout))
    except (ValueError, KeyError):  # it ended before there was a run
        return Answer(**{**asdict(answer), "reason": " ".join(done.stderr.split())[-300:]})


def told(answer: Answer, report: Mapping[str, Any]) -> Answer:
    """The answer with what the report says."""
    results = report["results"]
    stopping = [result for result in results if result["outcome"] in WRONG]
    stopping.sort(key=lambda result: result["check"] not in CONTROLS)
    known = {
        "verdict": report["verdict"] or "none",
        "controls": {result["check"]: result["outcome"] for result in results if result["check"] in CONTROLS},
        "others": {result["check"]: result["outcome"] for result in stopping if result["check"] not in CONTROLS},
        "reason": f"{stopping[0]['check']}: {' '.join(stopping[0]['reason'].split())}" if stopping else "",
    }
    return Answer(**{**asdict(answer), **known})


def line(answer: Answer) -> str:
    step = f"{answer.project} {answer.before} -> {answer.after}"
    return f"{step:36} {answer.verdict:7} {answer.seconds:6.1f}s  {answer.reason[:160]}"


def table(answers: Sequence[Answer]) -> Iterator[str]:
    """A row for each step; `-` is a control that did not run, since the policy leaves it out or the trial left something broken."""
    yield f"| project | from | to | files | lines | verdict | {' | '.join(NAMES)} | other checks | first reason |"
    yield "|" + "---|" * (8 + len(NAMES))
    for answer in answers:
        controls = (answer.controls.get(name, "-") for name in NAMES)
        others = ", ".join(f"{name} {outcome}" for name, outcome in answer.others.items())
        counts = (str(answer.files), str(answer.lines))
        cells = (answer.project, answer.before, answer.after, *counts, answer.verdict, *controls, others, answer.reason[:200])
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def totals(answers: Sequence[Answer]) -> Iterator[str]:
    """Counts for each control, and the rates of what controls alone held."""
    yield f"| control | {' | '.join(OUTCOMES)} | alone |"
    yield "|" + "---|" * (len(OUTCOMES) + 2)
    for name in CONTROLS:
        counts = Counter(answer.controls.get(name, "") for answer in answers)
        alone = sum(answer.held_alone and answer.stopping == (name,) for answer in answers)
        yield f"| {name} | {' | '.join(str(counts[outcome]) for outcome in OUTCOMES)} | {alone} |"
    held = sum(answer.held_alone for answer in answers)
    controlled = sum(answer.controlled for answer in answers)
    projects = len({answer.project for answer in answers})
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in Counter(answer.verdict for answer in answers).most_common())
    yield ""
    yield f"{len(answers)} changes of {projects} projects: {verdicts}"
    yield f"held by controls alone: {rate(held, len(answers))} of all; {rate(held, controlled)} of those that controls were asked about"


def rate(count: int, of: int) -> str:
    """A share and the largest that is not ruled out."""
    return f"{count} of {of} ({count / of:.0%}; below {upper_bound(count, of):.0%} with 95 % confidence)" if of else "0 of 0"


if __name__ == "__main__":
    sys.exit(main())
