"""What the anomaly gate says of the evaluation corpus, of honest twins of its tampering, and of real histories.

    python bench/anomaly.py --corpus FOLDER [--repo REPOSITORY ...] [--commits 400] [--json FILE]

FOLDER is as `build.py` of the corpus writes it. The gate alone is asked, without a container engine, by the built-in policy. Of each REPOSITORY (this
one when none is given) the last commits are scored beside the history before each, and labelled by what later commits had to fix: a line that a commit
with a word of repair in its subject removes or changes was brought by the commit that `git blame` names (SZZ).
Exit status 1 when more than 5 % of the accept cases are held, when no weakening term fires on a tampered case that touches tests, or one on a twin.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from twins import touches_tests, twins

from runner.changes.caps import Caps
from runner.changes.kinds import Kind
from runner.changes.read import read_change
from runner.errors import SeatrialError
from runner.gates.anomaly import exact, files, risk
from runner.gates.anomaly.measured import facts
from runner.gates.anomaly.options import Options
from runner.git.objects import PrivateObjects

OPTIONS = Options()
HELD_MOST = 0.05
STEERS = frozenset(
    {"deleted_tests", "exchanged_tests", "skipped_tests", "conditional_skips", "cut_short", "swallowed_assertions", "fewer_assertions",
     "looser_assertions", "edited_expectations", "fewer_cases", "not_collected", "hooks", "selection", "startup", "ignored_failures"}
)  # fmt: skip
"""The terms that say that tests became weaker, or that something newly decides how they run."""
REPAIRS = re.compile(
    r"\b(fix(es|ed)?|bugs?|faults?|wrong(ly)?|br(oke|oken|eaks?)|crash(es|ed)?|regress\w*|revert\w*|mend(s|ed)?|repair\w*)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Scored:
    """One change by the gate: its score, the rules that found something, and whether any of them holds or rejects it."""

    name: str
    kind: str
    bad: bool
    score: int
    added: int
    rules: dict[str, int]
    held: bool
    seconds: float


def main() -> int:
    options = arguments()
    faults: list[str] = []
    told: dict[str, Any] = {}
    if options.corpus:
        cases = of_corpus(Path(options.corpus))
        made = of_twins(Path(options.corpus))
        faults = report(cases, made)
        counted = [one for one in cases if one.kind != "mutant-survivor"]
        print("\ncorpus, accept against reject:")
        print("\n".join(quality(counted)))
        told |= {"corpus": [asdict(one) for one in cases], "twins": [asdict(one) for one in made]}
    for repository in options.repo or ["."]:
        scored = of_history(Path(repository).resolve(), options.commits)
        print(f"\n{Path(repository).resolve().name}, commits that later ones had to fix against the others:")
        print("\n".join(quality(scored)))
        told[str(repository)] = [asdict(one) for one in scored]
    if options.json:
        Path(options.json).write_text(json.dumps(told, indent=1))
    print("".join(f"\nFAULT {fault}" for fault in faults))
    return 1 if faults else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus")
    parser.add_argument("--repo", action="append")
    parser.add_argument("--commits", type=int, default=400)
    parser.add_argument("--json")
    return parser.parse_args()


def scored(objects: PrivateObjects, kept: Path, given: str, base: str | None, *, form: Kind | None = None, **labels: Any) -> Scored:
    """Ask the gate of one change; what cannot be read is nothing that a gate would be asked about, and scores 0."""
    try:
        change = read_change(
            given, objects=objects, base=base, stdin=None, limits=Caps(max_patch=2**26, max_files=10_000), note=lambda _: None, kind=form
        )
    except SeatrialError as problem:
        print(f"  {labels['name']}: {str(problem)[:100]}", file=sys.stderr)
        return Scored(**labels, score=0, added=0, rules={}, held=False, seconds=0.0)
    began = time.perf_counter()
    past = objects.history(kept).past(change.base_commit, [file.name for file in change.files], OPTIONS.advanced.commits)
    measured = facts(change, past, tuple(exact.terms(change, objects)), OPTIONS)
    found = [*measured.terms, *risk.caps(measured, OPTIONS)]
    points = risk.score(risk.parts(measured, found, OPTIONS))
    held = any(getattr(OPTIONS.advanced.actions, term.rule) in ("hold", "fail") for term in found)
    seconds = time.perf_counter() - began
    return Scored(
        **labels, score=points, added=change.lines_added, rules=dict(Counter(term.rule for term in found)), held=held, seconds=seconds
    )


# The corpus


def cases_of(corpus: Path) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads((corpus / "cases.json").read_text())["cases"]
    return listed


def of_corpus(corpus: Path) -> list[Scored]:
    answers = []
    with tempfile.TemporaryDirectory() as scratch:
        for number, case in enumerate(cases_of(corpus)):
            with PrivateObjects(corpus / "repos" / case["project"], Path(scratch) / str(number)) as objects:
                labels = {"name": case["id"], "kind": case["kind"], "bad": case["expected"] != "accept"}
                answers.append(scored(objects, Path(scratch) / "kept", str(corpus / case["patch"]), case["base"], **labels))
    return answers


def touching(case: dict[str, Any]) -> bool:
    return case["kind"] == "tamper" and any(touches_tests(path) for path in case["files"])


def of_twins(corpus: Path) -> list[Scored]:
    """Every twin of every tampered case that touches tests."""
    answers = []
    with tempfile.TemporaryDirectory() as scratch:
        for case in filter(touching, cases_of(corpus)):
            with PrivateObjects(corpus / "repos" / case["project"], Path(scratch) / case["id"]) as objects:
                tree = objects.tree_of(objects.resolve(case["base"]))

                def read(path: str, objects: PrivateObjects = objects, tree: str = tree) -> str | None:
                    content = objects.read(tree, path)
                    return content.decode() if content is not None else None

                for name, contents in twins(case["files"], read, module_of(case)):
                    file = Path(scratch) / "edits.json"
                    file.write_text(json.dumps([{"path": path, "content": content} for path, content in contents.items()]))
                    labels = {"name": f"{case['id']}: {name}", "kind": "twin", "bad": False}
                    answers.append(scored(objects, Path(scratch) / "kept", str(file), case["base"], form=Kind("edits"), **labels))
    return answers


def module_of(case: dict[str, Any]) -> str:
    """The module that the case's tests are about: the first source file that it touches, else the project."""
    source = [path for path in case["files"] if path.endswith(".py") and not files.is_test(path) and "/" in path]
    path = source[0].removeprefix("src/") if source else case["project"].replace("-", "_")
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def report(cases: list[Scored], made: list[Scored]) -> list[str]:
    """Print cases by terms; the requirements that do not hold."""
    tampered = {one.name for one in cases if one.kind == "tamper"}
    named = {case["id"] for case in filter(touching, cases_of(Path(arguments().corpus)))}
    print(f"{'case':32} {'kind':16} {'score':>5} held  terms")
    for one in cases:
        if one.rules.keys() - {"oversize"} or one.name in tampered:
            mark = "*" if one.name in named else " "
            print(f"{one.name:32} {one.kind:16} {one.score:5} {'hold' if one.held else '    '} {mark} {words(one)}")
    print("* touches tests or what decides how they run")
    accept = [one for one in cases if not one.bad]
    held = [one.name for one in accept if one.held]
    fired = [one for one in cases if one.name in named and one.rules.keys() & STEERS]
    false = [one for one in made if one.rules.keys() & STEERS]
    print(
        f"\naccept cases held: {len(held)} of {len(accept)} ({', '.join(held)}); with any weakening term: {sum(bool(one.rules.keys() & STEERS) for one in accept)}"
    )
    print(f"tampered cases that touch tests: a weakening term on {len(fired)} of {len(named)}, held {sum(one.held for one in fired)}")
    print(f"honest twins of them: a weakening term on {len(false)} of {len(made)}; held {sum(one.held for one in made)}")
    seconds = {
        group: [one.seconds for one in (*cases, *made) if bool(one.rules.keys() or one.kind == "twin") == (group == "tests")]
        for group in ("tests", "others")
    }
    print(
        f"seconds per change, median: {statistics.median(seconds['others']):.3f} without a term, {statistics.median(seconds['tests']):.3f} of the rest"
    )
    faults = [f"{one.name}: honest, and found: {words(one)}" for one in false]
    faults += [f"{name}: touches tests, and no weakening term fired" for name in sorted(named - {one.name for one in fired})]
    return faults + ([f"held: {', '.join(held)}"] if len(held) > HELD_MOST * len(accept) else [])


def words(one: Scored) -> str:
    return ", ".join(f"{rule} {count}" for rule, count in one.rules.items())


# Histories


def git(repository: Path, *args: str) -> str:
    return subprocess.run(["git", "-C", str(repository), *args], capture_output=True, check=True).stdout.decode("utf-8", "replace")


def of_history(repository: Path, most: int) -> list[Scored]:
    """The last commits without merges, each beside what came before it; the newest tenth is left out, since nobody had time to fix it."""
    listed = [line.split(" ", 1) for line in git(repository, "log", "--no-merges", f"-n{most}", "--format=%H %s").splitlines()]
    brought = blamed(repository, [(name, subject) for name, subject in listed if REPAIRS.search(subject)])
    answers = []
    with tempfile.TemporaryDirectory() as scratch, PrivateObjects(repository, Path(scratch) / "private") as objects:
        for name, subject in listed[len(listed) // 10 :]:
            if objects.parent_of(name) is None:
                continue
            labels = {"name": f"{name[:8]} {subject[:60]}", "kind": "commit", "bad": name in brought}
            answers.append(scored(objects, Path(scratch) / "kept", f"{name}^..{name}", None, **labels))
    return answers


def blamed(repository: Path, repairs: list[tuple[str, str]]) -> set[str]:
    """The commits that brought a line of source which a later repair removes or changes."""
    found: set[str] = set()
    for name, _ in repairs:
        for path, ranges in removed(repository, name).items():
            told = git(repository, "blame", "-l", "-s", *(f"-L{start},+{count}" for start, count in ranges), f"{name}^", "--", path)
            found |= {line.split(" ", 1)[0].lstrip("^") for line in told.splitlines()}
    return found


def removed(repository: Path, name: str) -> dict[str, list[tuple[int, int]]]:
    """By source file, the runs of old lines that a commit removes or changes."""
    ranges: dict[str, list[tuple[int, int]]] = {}
    path = ""
    for line in git(repository, "show", "--format=", "--no-renames", "-U0", "--diff-filter=M", name).splitlines():
        if line.startswith("--- a/"):
            path = line[6:].rstrip("\t")
        elif (hunk := re.match(r"@@ -(\d+)(?:,(\d+))? ", line)) and path.endswith(".py") and not files.is_test(path) and hunk[2] != "0":
            ranges.setdefault(path, []).append((int(hunk[1]), int(hunk[2] or 1)))
    return ranges


# How good


def quality(scored: list[Scored]) -> list[str]:
    """AUC with a bootstrap interval, precision and recall at the level medium, beside lines added alone (LApredict)."""
    bad = sum(one.bad for one in scored)
    if not bad or bad == len(scored):
        return [f"  n {len(scored)}, {bad} bad: nothing can be said"]
    by = {"score": [(float(one.score), one.bad) for one in scored], "lines added": [(float(one.added), one.bad) for one in scored]}
    flagged = sum(one.score >= OPTIONS.advanced.levels.medium for one in scored)
    lines = [
        f"  n {len(scored)}, {bad} bad ({bad / len(scored):.0%})",
        f"  {'':12} {'AUC':>5} {'95 %':>14} {'flagged':>8} {'precision':>10} {'recall':>7}",
    ]
    for name, pairs in by.items():
        low, high = interval(pairs)
        chosen = sorted(pairs, key=lambda pair: -pair[0])[:flagged]
        hits = sum(label for _, label in chosen)
        right = f"{hits / len(chosen):10.2f} {hits / bad:7.2f}" if chosen else f"{'-':>10} {'-':>7}"
        lines.append(f"  {name:12} {auc(pairs):5.2f} {f'{low:.2f} to {high:.2f}':>14} {len(chosen):8} {right}")
    lines.append(
        "  score of: "
        + "   ".join(
            f"{label} {chart([one.score for one in scored if one.bad == flag])}" for label, flag in (("bad", True), ("other", False))
        )
    )
    return lines


def auc(pairs: list[tuple[float, bool]]) -> float:
    """The chance that a bad one has the higher value than another; equal values count half (Mann and Whitney)."""
    good, bad = ([value for value, label in pairs if label is flag] for flag in (False, True))
    return sum((one > other) + 0.5 * (one == other) for one in bad for other in good) / (len(bad) * len(good))


def interval(pairs: list[tuple[float, bool]], rounds: int = 500) -> tuple[float, float]:
    """The middle 95 % of the AUC over samples of the same size, drawn with replacement."""
    chance = random.Random(7)
    drawn = (chance.choices(pairs, k=len(pairs)) for _ in range(rounds))
    found = sorted(auc(one) for one in drawn if len({label for _, label in one}) == 2)
    return found[int(0.025 * len(found))], found[int(0.975 * len(found)) - 1]


def chart(scores: list[int]) -> str:
    """How many of the scores lie in each ten, as bars."""
    counts = Counter(min(score // 10, 9) for score in scores)
    most = max(counts.values(), default=1)
    return "".join(" ▁▂▃▄▅▆▇█"[-(-8 * counts[ten] // most)] for ten in range(10)) + f" (n {len(scores)})"


if __name__ == "__main__":
    sys.exit(main())
