"""Check `probe`: what is asked of the changed functions elsewhere, and when; `probing` judges what they answer."""

from collections.abc import Mapping, Sequence

from runner.controls.asking import Answer, left_open
from runner.controls.calls import Call, Few, plan
from runner.controls.elsewhere import YEARS, Asker, Question
from runner.controls.interpreter import SILENT, Bounds, Run, ask
from runner.controls.probing import Seen, judge
from runner.controls.repeating import recorded_calls
from runner.controls.subject import ChangedFile, Subject
from runner.model.result import Result
from runner.ports import Importer

FEW = Few(recorded=20, neighbours=20, most=600)
BOUNDS = Bounds(seconds=5.0, list_seconds=30.0, total=60.0)
TIMES = 6
"""How often the calls are made in one HOME: what counts the runs in a file fires at the second, or a little later."""
SOAKED, SOAK = 12, 0.2
"""How many recorded calls are repeated at length, and for how many seconds each: what counts its calls, or throws dice, gives another
answer some time."""


def begin(subject: Subject, asker: Asker, importer: Importer, modules: Mapping[str, ChangedFile]) -> Answer:
    """Plan the calls and leave their questions with the asker; `modules` by name."""
    paths = {name: file.path for name, file in modules.items()}
    by_path = {path: name for name, path in paths.items()}
    planned = plan({name: file.both for name, file in modules.items()}, recorded_calls(subject.recording, by_path), FEW, subject.seed)
    units = [[call.item] for call in planned.calls]
    soaked = _soaked(planned.calls)
    questions = []
    if units:
        questions = [
            Question("", ask(importer, units, BOUNDS), TIMES),
            Question("another clock", ask(importer, units, BOUNDS, shift=YEARS)),
        ]
    places = asker.add(questions)
    row = asker.add([Question("a long row of calls", ask(importer, [units[at] for at in soaked], BOUNDS, repeat=SOAK))] if soaked else [])

    def answer() -> tuple[Result, ...]:
        seen = [*asker.seen(places), *(_placed(one, soaked, len(units)) for one in asker.seen(row))]
        return (judge(planned, seen, paths, left_open(subject.options)),)

    return answer


def _soaked(calls: Sequence[Call]) -> Sequence[int]:
    """The places of recorded calls, those of each function in turn."""
    rows: dict[tuple[str, str], list[int]] = {}
    for at, call in enumerate(calls):
        if call.origin == "recorded":
            rows.setdefault(call.target, []).append(at)
    ordered = [row[depth] for depth in range(SOAKED) for row in rows.values() if depth < len(row)]
    return ordered[:SOAKED]


def _placed(seen: Seen, places: Sequence[int], count: int) -> Seen:
    """Answers to some of the calls, where these stand among all."""

    def spread(run: Run) -> Run:
        told = dict(zip(places, run.told, strict=False))
        return run._replace(told=tuple(told.get(at, SILENT) for at in range(count)))

    return seen._replace(base=tuple(map(spread, seen.base)), patched=spread(seen.patched))
