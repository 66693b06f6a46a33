"""Compares texts of tests as the gate does, in its child process."""

import json
from collections.abc import Mapping
from pathlib import Path

from runner.gates.anomaly import exact
from runner.gates.anomaly.weakening import Read, weakening
from runner.parsing import Source, parse

INSIDE = Path(exact.__file__).with_name("inside")
Texts = Mapping[str, tuple[str | None, str | None]]
"""Old and new text by path; `None` where there is no file."""


def compared(cases: list[Texts]) -> list[set[str]]:
    """The rules that each case breaks; one child for all of them."""
    sources, places = [], []
    for number, files in enumerate(cases):
        for path, (old, new) in files.items():
            before, after = (old or "").encode(), (new or "").encode()
            head = b"%d %d\n" % (path.endswith("conftest.py"), len(before))
            sources.append(Source("testfile:compare", head + before + after))
            places.append((number, path, old is not None, new is not None))
    reads: list[list[Read]] = [[] for _ in cases]
    for (number, path, was, is_), answer in zip(places, parse(sources, INSIDE), strict=True):
        assert answer.state == "fine", (path, answer)
        told = json.loads(answer.data)
        reads[number].append(Read(path, told[0] if was else {}, told[1] if is_ else {}, path.rpartition("/")[2].startswith("test")))
    return [{term.rule for term in weakening(files)} for files in reads]
