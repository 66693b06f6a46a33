"""Check `probe`: what is asked of the changed functions elsewhere, and when; `probing` judges what they answer."""

from collections.abc import Mapping, Sequence

from runner.controls.asking import Answer, left_open
from runner.controls.beyond import wanted
from runner.controls.calls import Call, Few, Planned
from runner.controls.comparing import Seen
from runner.controls.elsewhere import YEARS, Asker, Question, seed_of
from runner.controls.interpreter import SILENT, Bounds, Run, ask
from runner.controls.modules import Modules
from runner.controls.planning import plan, plan_further
from runner.controls.probing import judge
from runner.controls.repeating import quick_calls, recorded_calls
from runner.controls.subject import ChangedFile, Subject
from runner.model.result import Result
from runner.ports import Importer

FEW = Few(recorded=20, neighbours=40, most=600)
FURTHER, FURTHER_SECONDS = Few(recorded=40, neighbours=6, most=100), 1.0
"""Calls of modules that were not changed, the recorded ones of all functions together; and about how long these may take."""
TWICE = 2
"""Turns of one question of which each needs the other to tell what wavers."""
MOST_BESIDE = 20
"""Changed modules that are imported beside others."""
BOUNDS = Bounds(seconds=5.0, list_seconds=30.0, total=60.0, most=200)
TIMES = 4
"""How often the calls are made in one HOME: what counts the runs in a file fires at the second, or a little later."""
SOAKED, SOAK = 12, 0.08
"""How many recorded calls are repeated at length, and for how many seconds of the processor each: what counts its calls, or throws dice, gives another
answer some time."""


def begin(subject: Subject, asker: Asker, importer: Importer, modules: Modules) -> Answer:
    """Plan the calls and leave their questions with the asker."""
    planned, further = _planned(subject, modules)
    calls = planned.calls + further
    items = [_item(call, modules.changed) for call in calls]
    shared = [{**item, "list": ""} for item in items]
    known, more, soaked = range(len(planned.calls)), range(len(planned.calls), len(calls)), _soaked(planned.calls)

    def put(name: str, places: Sequence[int], times: int = 2, *, shift: float = 0.0, repeat: float = 0.0) -> tuple[range, Sequence[int]]:
        """A question about the calls at these places, with an order of sets of its own.

        One that is asked often has two orders, and in every second turn all modules share interpreters, as they do under another clock:
        an interpreter costs more than its calls.
        """
        one, other = (
            ask(importer, [[each[at]] for at in places], BOUNDS, shift=shift, repeat=repeat, seed=seed_of(subject, word))
            for each, word in ((shared if shift else items, name), (shared, f"{name}, again"))
        )
        return asker.add([Question(name, one, times, other if times > TWICE else None)] if places else []), places

    asked = [
        put("", known, TIMES),
        put("another clock", known, shift=YEARS),
        put("a long row of calls", soaked, repeat=SOAK),
        put("", more),
    ]

    def answer() -> tuple[Result, ...]:
        seen = [_placed(one, places, len(calls)) for turns, places in asked for one in asker.seen(turns)]
        return (judge(planned._replace(calls=calls), seen, modules.paths, left_open(subject.options)),)

    return answer


def _planned(subject: Subject, modules: Modules) -> tuple[Planned, tuple[Call, ...]]:
    """The calls for what was changed; and some of modules that may do otherwise for it."""
    both = {name: file.both for name, file in modules.changed.items()}
    by_path = {file.path: name for name, file in modules.changed.items()}
    recorded = recorded_calls(subject.recording, by_path)
    beside = recorded_calls(subject.recording, modules.others, wanted(both))
    planned = plan(both, (*recorded, *beside), FEW, subject.seed)
    differing = tuple(file.path for file in subject.files if file.both.changed)
    quick = quick_calls(subject.recording, modules.stirred, FURTHER.recorded, FURTHER_SECONDS)
    further = plan_further(quick, FURTHER, subject.seed)
    known = frozenset(planned.calls)
    near = sorted(planned.calls, key=lambda call: call.module not in both)  # those of other modules share an interpreter
    return planned._replace(calls=tuple(near), differing=differing), tuple(call for call in further if call not in known)


def _item(call: Call, changed: Mapping[str, ChangedFile]) -> Mapping[str, object]:
    """What the program inside is asked; other modules are called where the changed ones have been imported."""
    return call.item if call.module in changed else {**call.item, "list": "", "beside": list(changed)[:MOST_BESIDE]}


def _soaked(calls: Sequence[Call]) -> Sequence[int]:
    """The places of recorded calls, chosen from each function in turn; those of one module stand together, which saves interpreters."""
    rows: dict[tuple[str, str], list[int]] = {}
    for at, call in enumerate(calls):
        if call.origin == "recorded":
            rows.setdefault(call.target, []).append(at)
    ordered = [row[depth] for depth in range(SOAKED) for row in rows.values() if depth < len(row)]
    return sorted(ordered[:SOAKED])


def _placed(seen: Seen, places: Sequence[int], count: int) -> Seen:
    """Answers to some of the calls, where these stand among all."""

    def spread(run: Run) -> Run:
        told = dict(zip(places, run.told, strict=False))
        times = dict(zip(places, run.times, strict=False))
        return run._replace(told=tuple(told.get(at, SILENT) for at in range(count)), times=tuple(times.get(at, 0) for at in range(count)))

    return seen._replace(base=tuple(map(spread, seen.base)), patched=spread(seen.patched))
