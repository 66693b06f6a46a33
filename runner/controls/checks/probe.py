"""Check `probe`: what is asked of the changed functions elsewhere, and when; `probing` judges what they answer."""

from collections.abc import Mapping, Sequence

from runner.controls.asking import Answer
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
_NO_ANSWER = frozenset({"timed out", "hung", "silent"})


def begin(subject: Subject, asker: Asker, importer: Importer, modules: Mapping[str, ChangedFile]) -> Answer:
    """Plan the calls and leave their questions with the asker; `modules` by name."""
    paths = {name: file.path for name, file in modules.items()}
    by_path = {path: name for name, path in paths.items()}
    planned = plan({name: file.both for name, file in modules.items()}, recorded_calls(subject.recording, by_path), FEW, subject.seed)
    units = [[call.item] for call in planned.calls]
    soaked = _soaked(planned.calls)
    once, again = [], []
    if units:
        asked = ask(importer, units, BOUNDS)
        once = [Question("", asked), Question("another clock", ask(importer, units, BOUNDS, shift=YEARS))]
        again = [Question("the same place, later", asked, times=TIMES - 1)]
    if soaked:
        again.append(Question("a long row of calls", ask(importer, [units[at] for at in soaked], BOUNDS, repeat=SOAK)))
    places = asker.add(once), *(asker.add([question]) for question in again)

    def answer() -> tuple[Result, ...]:
        seen = asker.seen(places[0])
        for place, rows in zip(places[1:], (range(len(units)), soaked), strict=False):
            seen += [_placed(one, rows, len(units)) for one in asker.seen(place)]
        return (judge(planned, seen, paths),)

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
    """Answers to some of the calls where these stand among all; one that came too late proves nothing, since the first asking had it in time."""
    late = {at for at, told in zip(places, seen.patched.told, strict=False) if told.kind in _NO_ANSWER}

    def spread(run: Run) -> Run:
        told = {at: one for at, one in zip(places, run.told, strict=False) if at not in late}
        return run._replace(told=tuple(told.get(at, SILENT) for at in range(count)))

    return seen._replace(base=tuple(map(spread, seen.base)), patched=spread(seen.patched))
