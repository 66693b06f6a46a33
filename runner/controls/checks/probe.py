"""Check `probe`: what is asked of the changed functions elsewhere, and when; `probing` judges what they answer."""

from collections.abc import Mapping

from runner.controls.asking import Answer
from runner.controls.calls import Few, plan
from runner.controls.elsewhere import YEARS, Asker, Question
from runner.controls.interpreter import Bounds, ask
from runner.controls.probing import judge
from runner.controls.repeating import recorded_calls
from runner.controls.subject import ChangedFile, Subject
from runner.ports import Importer

FEW = Few(recorded=20, neighbours=20, most=600)
BOUNDS = Bounds(seconds=1.0, list_seconds=10.0, total=30.0)
TIMES = 6
"""How often the calls are made in one HOME: what counts the runs in a file fires at the second, or a little later."""


def begin(subject: Subject, asker: Asker, importer: Importer, modules: Mapping[str, ChangedFile]) -> Answer:
    """Plan the calls and leave their questions with the asker; `modules` by name."""
    paths = {name: file.path for name, file in modules.items()}
    by_path = {path: name for name, path in paths.items()}
    planned = plan({name: file.both for name, file in modules.items()}, recorded_calls(subject.recording, by_path), FEW, subject.seed)
    units = [[call.item] for call in planned.calls]
    questions = []
    if units:
        questions = [
            Question("", ask(importer, units, BOUNDS), times=TIMES),
            Question("another clock", ask(importer, units, BOUNDS, shift=YEARS)),
        ]
    places = asker.add(questions)
    return lambda: (judge(planned, asker.seen(places), paths),)
