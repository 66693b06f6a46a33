"""Check `docstrings`: the base's examples are asked elsewhere; `runner.controls.docstrings` judges what they give."""

from runner.controls.asking import Answer
from runner.controls.docstrings import ask_examples, examples, judge_docstrings
from runner.controls.elsewhere import Asker, Question, seed_of
from runner.controls.modules import Modules
from runner.controls.subject import Subject
from runner.ports import Importer

MOST = 400
"""Examples."""
MOST_OF_OTHERS = 100
"""Examples of modules that were not changed."""


def begin(subject: Subject, asker: Asker, importer: Importer, modules: Modules) -> Answer:
    """Find the examples and leave their question with the asker."""
    own = {name: file.both for name, file in modules.changed.items() if file.both.changed}
    found = examples(own, MOST)
    found += examples({name: each.both for name, each in modules.documented.items()}, min(MOST_OF_OTHERS, MOST - len(found)))
    asked = ask_examples(importer, found, seed=seed_of(subject, ""), together=frozenset(modules.documented))
    places = asker.add([Question("", asked)] if found else [])
    return lambda: (judge_docstrings(found, asker.seen(places), modules.paths),)
