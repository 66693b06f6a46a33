"""Check `docstrings`: the base's examples are asked elsewhere; `runner.controls.docstrings` judges what they give."""

from collections.abc import Mapping

from runner.controls.asking import Answer
from runner.controls.docstrings import ask_examples, examples, judge_docstrings
from runner.controls.elsewhere import Asker, Question
from runner.controls.subject import ChangedFile
from runner.ports import Importer

MOST = 400
"""Examples."""


def begin(asker: Asker, importer: Importer, modules: Mapping[str, ChangedFile]) -> Answer:
    """Find the examples and leave their question with the asker; `modules` by name."""
    found = examples({name: file.both for name, file in modules.items()}, MOST)
    places = asker.add([Question("", ask_examples(importer, found))] if found else [])
    paths = {name: file.path for name, file in modules.items()}
    return lambda: (judge_docstrings(found, asker.seen(places), paths),)
