"""The recording run: the suite once more, with a guest that tells which functions and lines each test runs, and how tests call them."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from runner.controls.recorded import RecordedReader, Recording, program
from runner.model.suite import SuiteRun
from runner.ports import Plugin
from runner.trial.bench import Bench, Guest

PURPOSE = "recording"
_BROKEN_OFF = "the suite did not come to its end"


def of_base(bench: Bench, base: SuiteRun) -> Recording:
    """The recording of the whole suite on the base; kept once the suite came to its end, also where it is not complete."""
    keepsakes = bench.ports.keepsakes
    key = hashlib.sha256(f"{bench.key(1)} {program()}".encode()).hexdigest()
    kept = keepsakes.load(key)
    if kept is not None:
        try:
            return Recording.model_validate_json(kept)
        except ValidationError:
            pass  # of another release: made anew
    recording = record(bench, bench.base_tree, base)
    if recording.problem != _BROKEN_OFF:
        keepsakes.save(key, recording.model_dump_json().encode())
    return recording


def record(
    bench: Bench, tree: str, base: SuiteRun, *, only: Sequence[str] = (), sources: Sequence[str] | None = None, lines: bool = False
) -> Recording:
    """What the suite, or the tests `only`, run over one tree: of all files, or of `sources`; calls are those that test files make.

    `lines`: also which lines, at twice the cost or more before Python 3.12.
    """
    reader = RecordedReader(lines_only=lines)
    settings: dict[str, Any] = {"tests": sorted({record.path for record in base.records if record.path}), "lines": lines}
    if sources is not None:
        settings["sources"] = list(sources)
    run = bench.run(PURPOSE, tree, only=only, base=base, guest=Guest(Plugin(program(), settings), reader.record))
    durations: Mapping[str, float] = {record.id: record.seconds for record in run.records}
    recording = reader.finish(durations)
    if not run.ended:
        return recording.model_copy(update={"complete": False, "problem": _BROKEN_OFF})
    return recording
