"""Judge an honest change to projects that Seatrial knows nothing of: no policy, no Dockerfile, only what their files say.

    python bench/zeroconfig.py [--out out/zeroconfig] [--project NAME] [--projects FILE] [--json FILE]

Source distributions are fetched with pip's client by name, version and hash, unpacked without running anything of them, and made
repositories of one commit. The change is a comment in a source module; `seatrial check` judges it as a stranger would type it.
Green: every test of the base passes (or is skipped by itself), the origin control answers, and the change is accepted.
Exit status 1 when fewer than ten of twelve are green, or one is not and the tool did not say why. FILE is another list of
projects, in the form of PROJECTS as JSON.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sdists import commit, fetch, git, lay

SEATRIAL = (sys.executable, "-m", "runner.cli.main")
NEEDED = 10 / 12
"""The share of the projects that has to be green."""


@dataclass(frozen=True)
class Project:
    """One source distribution: what it is an example of, and where the comment goes."""

    name: str
    version: str
    sha256: str
    makeup: str
    module: str


PROJECTS = (
    Project(
        "itsdangerous", "2.2.0", "e0050c0b7da1eea53ffaf149c0cfbb5c6e2e2b69c4bef22c81fa6eb73e5f6173", "src", "src/itsdangerous/signer.py"
    ),
    Project("arrow", "1.4.0", "ed0cc050e98001b8779e84d461b0098c4ac597e88704a655582b21d116e526d7", "flat", "arrow/parser.py"),
    Project("pluggy", "1.7.0", "d1eaa46ebb595891b860ab086b4d09c8588af65ebd4361b8e8f4bb8920b90ba8", "scm version", "src/pluggy/_hooks.py"),
    Project("idna", "3.20", "a7db850025b95ded1eae8a46181a1a6c56c92c96f0e2b005d9ff8dc0210cab44", "unittest", "idna/core.py"),
    Project("asgiref", "3.13.0", "034cc8cbf72d00553b4be256703ac545120b4e50af13b49dec99da899aeeecb4", "async", "asgiref/sync.py"),
    Project("h2", "4.4.1", "4e866ffb1a869ae14dd9b5e6beb5c24a13da0495ad72b65925ded182521c1516", "hypothesis", "src/h2/settings.py"),
    Project(
        "structlog",
        "26.1.0",
        "f63a716cbd1b1291cf7661de7794b455acfa4c43c5bcf1630e6ad5ddc1adb3b7",
        "dependency groups",
        "src/structlog/_base.py",
    ),
    Project(
        "hyperlink",
        "21.0.0",
        "427af957daa58bc909471c6c40f74c5450fa123dd093fc53efd2e91d2705a56b",
        "tests in the package",
        "src/hyperlink/_url.py",
    ),
    Project("natsort", "8.4.0", "45312c4a0e5507593da193dedd04abb1469253b601ecaf63445ad80f0a1ea581", "tox only", "natsort/natsort.py"),
    Project(
        "markdown_it_py", "4.3.0", "91a58fa5b72c71a40cf7177250fd767480d7a2bb3ac426ccfb76fb90305fdaaa", "data files", "markdown_it/ruler.py"
    ),
    Project("humanize", "4.17.0", "1d6a36c453dbfbb3f0b34601d2e0b4ce5d48d780305cd45714843f0068fde6ac", "extras", "src/humanize/lists.py"),
    Project(
        "poetry_core",
        "2.5.0",
        "81d04c9253b19d0604718268d781867c8f7b2128e5b25bbf1e84141eec6b89c4",
        "nested conftest",
        "src/poetry/core/factory.py",
    ),
)


@dataclass(frozen=True)
class Answer:
    """What the tool decided and said for one project."""

    project: str
    makeup: str
    decided: tuple[str, ...] = ()
    tests: int = 0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    verdict: str = "none"
    seconds: float = 0.0
    checks: dict[str, str] = field(default_factory=dict)
    sentence: str = ""

    @property
    def green(self) -> bool:
        """Whether the base's suite is a measure without a flaw, the origin control answered, and the change was accepted."""
        return (
            self.passed > 0
            and not self.failed
            and self.checks.get("base") == self.checks.get("origin") == "pass"
            and self.verdict == "accept"
        )


def main() -> int:
    options = arguments()
    out = Path(options.out).resolve()
    listed = json.loads(Path(options.projects).read_text()) if options.projects else None
    projects = tuple(Project(**entry) for entry in listed) if listed is not None else PROJECTS
    answers = []
    for project in projects:
        if not options.project or project.name in options.project:
            answers.append(judge(project, out))
            print(line(answers[-1]), flush=True)
    print("\n" + table(answers))
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(answer) for answer in answers], indent=1))
    green = sum(answer.green for answer in answers)
    unexplained = [answer.project for answer in answers if not answer.green and not answer.sentence]
    return 0 if answers and green >= NEEDED * len(answers) and not unexplained else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="out/zeroconfig")
    parser.add_argument("--project", action="append")
    parser.add_argument("--projects", metavar="FILE")
    parser.add_argument("--json")
    return parser.parse_args()


def repository(project: Project, out: Path) -> Path:
    """One commit with everything that was shipped, tagged with the version."""
    folder = out / "repos" / project.name
    if (folder / ".git").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lay(fetch(project.name, project.version, project.sha256, out / "sdists"), folder)
    commit(folder, project.name, project.version)
    return folder


def comment(project: Project, folder: Path, out: Path) -> Path:
    """A diff that adds one comment at the end of the source module."""
    module = folder / project.module
    before = module.read_bytes()
    module.write_bytes(before + (b"" if before.endswith(b"\n") else b"\n") + b"\n# an honest comment\n")
    change = out / f"{project.name}.diff"
    change.write_bytes(git(folder, "diff", "--binary"))
    git(folder, "checkout", "--quiet", "--", ".")
    return change


def judge(project: Project, out: Path) -> Answer:
    """One project through the command line, with no policy."""
    out.mkdir(parents=True, exist_ok=True)
    folder = repository(project, out)
    change = comment(project, folder, out)
    began = time.monotonic()
    done = subprocess.run(
        [*SEATRIAL, "check", str(change), "--repo", str(folder), "--format", "json"], capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - began
    (out / f"{project.name}.log").write_text(done.stderr)
    (out / f"{project.name}.json").write_text(done.stdout)
    try:
        report: dict[str, Any] = json.loads(done.stdout)
        results = report["results"]
    except (ValueError, KeyError):  # it ended before there was a run
        return Answer(project.name, project.makeup, seconds=seconds, sentence=" ".join(done.stderr.split())[-300:])
    base = ((report.get("tests") or {}).get("base")) or {}
    checks = {result["check"]: result["outcome"] for result in results}
    failed = base.get("failed", 0)
    answer = Answer(
        project=project.name,
        makeup=project.makeup,
        decided=tuple(note for note in report.get("notes") or () if not note.startswith(("image", "base image"))),
        tests=base.get("tests", 0),
        passed=base.get("passed", 0),
        failed=failed,
        skipped=base.get("skipped", 0),
        verdict=report["verdict"] or "none",
        seconds=seconds,
        checks=checks,
    )
    return answer if answer.green else Answer(**{**asdict(answer), "sentence": sentence(report)})


def sentence(report: dict[str, Any]) -> str:
    """What the tool says is wrong: the reason of the first check that is not fine."""
    odd = [result for result in report["results"] if result["outcome"] not in ("pass", "warn")]
    odd.sort(key=lambda result: result["check"] != "base")
    odd = odd or [result for result in report["results"] if result["outcome"] == "warn" and result["check"] in ("base", "origin")]
    return f"{odd[0]['check']}: {odd[0]['reason']}" if odd else str(report.get("reason", ""))


def line(answer: Answer) -> str:
    mark = "green" if answer.green else "NOT  "
    counts = f"{answer.passed}/{answer.tests} passed, {answer.failed} failed"
    return f"{mark} {answer.project:18} {answer.makeup:22} {counts:28} {answer.verdict:7} {answer.seconds:6.1f}s  {answer.sentence[:300]}"


def table(answers: list[Answer]) -> str:
    rows = [
        "| project | make-up | decided | base: passed / tests (failed) | verdict | s | when not green |",
        "|---|---|---|---|---|---|---|",
    ]
    for a in answers:
        cells = (
            a.project,
            a.makeup,
            "; ".join(a.decided),
            f"{a.passed} / {a.tests} ({a.failed})",
            a.verdict,
            f"{a.seconds:.0f}",
            a.sentence,
        )
        rows.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    green = sum(answer.green for answer in answers)
    return "\n".join([*rows, "", f"{green} of {len(answers)} green"])


if __name__ == "__main__":
    sys.exit(main())
