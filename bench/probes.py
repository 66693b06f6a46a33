"""How often the monitor's test takes a healthy probe for broken, and how soon it finds a broken one, by simulation.

    python bench/probes.py [--watches 1000000] [--seed 7] [--json FILE]

Readings are independent, one per interval; the test and its plain counter are those of the default policy. `from the start` is a watch that
begins with nothing known, `once healthy` one whose score is held at the healthy bound already.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
from pathlib import Path

from runner.probes.options import Advanced

DEFAULTS = Advanced()
TEST = DEFAULTS.test


def alarm(chance: float, readings: int, rng: random.Random, score: float) -> int | None:
    """The reading at which a probe that fails with this chance is called broken; none within so many. Passes in between are taken in one step."""
    at = row = 0
    while True:
        passes = int(math.log(1 - rng.random()) / math.log(1 - chance))
        at += passes + 1
        if at > readings:
            return None
        score = max(TEST.healthy, score + passes * TEST.success) + TEST.failure
        row = 1 if passes else row + 1
        if score >= TEST.broken or row >= DEFAULTS.failures:
            return at


def false_alarms(watches: int, readings: int, score: float, rng: random.Random) -> float:
    """The share of healthy watches that end in an alarm."""
    return sum(alarm(TEST.p_healthy, readings, rng, score) is not None for _ in range(watches)) / watches


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--watches", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    figures: dict[str, object] = {"watches": given.watches, "seed": given.seed}
    for name, score in (("from the start", 0.0), ("once healthy", TEST.healthy)):
        for readings in (30, 300, 3600):
            watches = given.watches if readings < 3600 else max(1, given.watches // 10)
            share = false_alarms(watches, readings, score, rng)
            figures[f"false alarms {name}, {readings} readings"] = share
            print(f"healthy ({TEST.p_healthy:.0%} fail), {name}, {readings:4} readings: {share:.4%} false alarms of {watches} watches")
    for chance in (1.0, 0.5, 0.2, 0.1, 0.05):
        found = [alarm(min(chance, 1 - 1e-12), 300, rng, TEST.healthy) for _ in range(given.watches // 20)]
        seen = [at for at in found if at is not None]
        middle = statistics.median(seen) if seen else None
        figures[f"broken at {chance}"] = {"found": len(seen) / len(found), "median": middle}
        print(
            f"broken ({chance:.0%} fail), once healthy: found within 300 readings in {len(seen) / len(found):.1%}, median reading {middle}"
        )
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
