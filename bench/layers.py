"""Ask every validation layer about every case of a built evaluation corpus, and print which layer alone catches what.

    python bench/layers.py --corpus FOLDER [--project NAME] [--case ID] [--json FILE]

FOLDER holds `cases.json`, `patches/` and `repos/`, as `build.py` of the corpus writes them. The layers are asked directly, on
real git trees, without a container engine; what the trial would add is not seen here. Exit status 1 when a layer rejects an
`accept` case, or when the layers beside `paths` hold more of them than 3 %.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from runner.changes.caps import Caps
from runner.changes.read import read_change
from runner.errors import SeatrialError
from runner.git.objects import PrivateObjects
from runner.policy.load import builtin
from runner.validators import layers

HELD_MOST = 0.03
MARKS = {"pass": ".", "warn": "w", "hold": "HOLD", "fail": "FAIL", "unknown": "?"}


def main() -> int:
    options = arguments()
    corpus = Path(options.corpus)
    if not (corpus / "cases.json").is_file():
        print(f"{corpus}: no cases.json there; build the corpus first (its README)", file=sys.stderr)
        return 2
    cases = [case for case in json.loads((corpus / "cases.json").read_text())["cases"] if wanted(case, options)]
    answers = [judge(case, corpus) for case in cases]
    print("\n".join(tables(answers)))
    if options.json:
        Path(options.json).write_text(json.dumps(answers, indent=1))
    return 1 if faults(answers) else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--project", action="append")
    parser.add_argument("--case", action="append")
    parser.add_argument("--json")
    return parser.parse_args()


def wanted(case: dict[str, Any], options: argparse.Namespace) -> bool:
    return (not options.project or case["project"] in options.project) and (not options.case or case["id"] in options.case)


def judge(case: dict[str, Any], corpus: Path) -> dict[str, Any]:
    """What each layer says of one case, and how long it took."""
    told: dict[str, Any] = {key: case.get(key) for key in ("id", "kind", "expected", "mechanism")} | {
        "layers": {},
        "findings": {},
        "seconds": {},
    }
    with tempfile.TemporaryDirectory() as scratch, PrivateObjects(corpus / "repos" / case["project"], Path(scratch)) as objects:
        try:
            patch = str(corpus / case["patch"])
            change = read_change(patch, objects=objects, base=case["base"], stdin=None, limits=Caps(), note=lambda _: None)
        except SeatrialError as problem:
            told["layers"]["intake"], told["findings"]["intake"] = "fail", [str(problem)]
            return told
        for layer in layers():
            began = time.perf_counter()
            answer = layer.judge(change, objects, getattr(builtin().policy.validation, layer.name))
            told["seconds"][layer.name] = round(time.perf_counter() - began, 4)
            told["layers"][layer.name] = answer.outcome.value
            told["findings"][layer.name] = [
                f"{one.severity.value} {one.rule} {one.path}:{one.line}: {one.message}" for one in answer.findings
            ]
    return told


def stops(answer: dict[str, Any], layer: str) -> bool:
    return answer["layers"].get(layer) in ("hold", "fail", "unknown")


def beside_paths(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The accept cases that a layer holds although `paths` does not."""
    names = [layer.name for layer in layers() if layer.name != "paths"]
    return [a for a in answers if a["expected"] == "accept" and not stops(a, "paths") and any(stops(a, name) for name in names)]


def faults(answers: list[dict[str, Any]]) -> list[str]:
    good = [answer for answer in answers if answer["expected"] == "accept"]
    wrong = [f"{a['id']}: rejected by {name}" for a in good for name, outcome in a["layers"].items() if outcome == "fail"]
    held = beside_paths(answers)
    if len(held) > HELD_MOST * len(good):
        wrong.append(f"held beside paths: {', '.join(a['id'] for a in held)}")
    return wrong


def tables(answers: list[dict[str, Any]]) -> list[str]:
    names = [layer.name for layer in layers()]
    head = " ".join(f"{name:>8}" for name in names)
    lines = [f"{'tamper':28} {'mechanism':24} {head}   alone"]
    for answer in (a for a in answers if a["kind"] == "tamper"):
        caught = [name for name in names if stops(answer, name)]
        row = " ".join(f"{MARKS.get(answer['layers'].get(name, ''), ''):>8}" for name in names)
        lines.append(f"{answer['id']:28} {answer['mechanism'] or '':24} {row}   {caught[0] if len(caught) == 1 else ''}")
    good = [answer for answer in answers if answer["expected"] == "accept"]
    lines += ["", f"{'':28} {f'of {len(good)} accept cases':24} {head}"]
    for outcome in ("fail", "hold", "unknown", "warn"):
        counts = " ".join(f"{sum(a['layers'].get(name) == outcome for a in good):8}" for name in names)
        lines.append(f"{'':28} {outcome:24} {counts}")
    for kind in dict.fromkeys(a["kind"] for a in answers if a["expected"] != "accept" and a["kind"] != "tamper"):
        some = [a for a in answers if a["kind"] == kind]
        counts = " ".join(f"{sum(stops(a, name) for a in some):8}" for name in names)
        lines.append(f"{kind:28} {f'stopped, of {len(some)}':24} {counts}")
    times = [[a["seconds"][name] for a in answers if name in a["seconds"]] for name in names]
    lines.append(f"{'':28} {'median ms':24} " + " ".join(f"{1000 * statistics.median(t):8.1f}" if t else f"{'':8}" for t in times))
    lines += ["", f"accept cases held by a layer beside paths and not by paths: {len(beside_paths(answers))} of {len(good)}"]
    for answer in good:
        for name in ("intake", "syntax", "static", "supply"):
            if stops(answer, name):
                lines += [
                    f"  {answer['id']} {name}{'' if stops(answer, 'paths') else ' ALONE'}: {told}"
                    for told in answer["findings"][name]
                    if not told.startswith("info")
                ][:6]
    return [*lines, "", *(f"FAULT {fault}" for fault in faults(answers))]


if __name__ == "__main__":
    sys.exit(main())
