"""Adds up what the fault tests wrote down: `python -m testing.faults.total out/faults.txt`."""

import re
import sys
from pathlib import Path
from typing import Final

from testing.faults.bound import upper_bound

_LINE: Final = re.compile(r"(.+): (\d+) of (\d+) cases, (\d+) violations")


def total(lines: list[str]) -> str:
    """One sentence for the enumerated cases, and one for the random ones with their bound."""
    found = [match for line in lines if (match := _LINE.fullmatch(line))]
    sentences = []
    for random, called in ((False, "enumerated"), (True, "random kills")):
        counts = [tuple(map(int, match.groups()[1:])) for match in found if match[1].startswith("random") is random]
        if not counts:
            continue
        good, cases, violations = map(sum, zip(*counts, strict=True))
        bound = f"; 95 % upper bound {upper_bound(cases - good, cases):.4f} per kill" if random else ""
        sentences.append(f"{called}: {good} of {cases} cases, {violations} violations{bound}")
    return "\n".join(sentences)


if __name__ == "__main__":
    print(total(Path(sys.argv[1]).read_text().splitlines()))  # noqa: T201
