"""Questions to plain interpreters, asked in one sandbox for each tree: as another user, on a host of another name, by more than one clock.

On the base each question is asked twice, so that answers that waver there are known and prove nothing.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from runner.controls.asking import Asking
from runner.controls.interpreter import Asked, Run, read
from runner.controls.probing import Seen
from runner.model.sandbox import Errands
from runner.model.suite import Errand

TWICE = 2
YEARS = 5 * 365.25 * 86400 + 17 * 3600 + 11 * 60
"""Seconds by which another clock differs: years, another month and another hour of the day."""
PURPOSE = "probe"
Told = tuple[Errand, ...] | None


class Question(NamedTuple):
    """What to ask in one environment, as `name` calls it for people."""

    name: str
    asked: Asked
    times: int = 1
    """How often it is asked of the patched tree; each time counts."""


class Asker:
    """Collects the questions of several checks, and asks them together."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._questions: list[Question] = []
        self._told: tuple[Future[Told], Future[Told]] | None = None

    def add(self, questions: Sequence[Question]) -> range:
        """The places of these questions in what `seen` gives."""
        first = len(self._questions)
        self._questions += questions
        return range(first, len(self._questions))

    def ask(self) -> None:
        """Start both sandboxes; nothing happens where there is no question."""
        if self._questions:
            bench, tree = self._asking.subject.bench, self._asking.subject.verdict_tree
            first, second = (
                self._asking.submit(bench.run_errands, where, self._errands(turns), purpose=PURPOSE, elsewhere=True)
                for where, turns in ((bench.base_tree, self._on_base), (tree, self._on_patched))
            )
            self._told = first, second

    def seen(self, places: range) -> list[Seen]:
        """What these questions were answered; raises OverdueError. What was asked again and came too late for an answer is left out."""
        if self._told is None or not places:
            return []
        base = list(self._answers(self._told[0].result(), self._on_base))
        found = []
        for place, turn, run, whole in self._answers(self._told[1].result(), self._on_patched):
            if place in places and (whole or not turn):
                name = self._questions[place].name
                again = f"{name or 'the same place'}, asked for the {turn + 1}. time"
                found.append(Seen(again if turn else name, tuple(answer for at, _, answer, _ in base if at == place), run))
        return found

    @property
    def _on_base(self) -> list[int]:
        return [*range(len(self._questions))] * TWICE

    @property
    def _on_patched(self) -> list[int]:
        """Each once, before any is asked again."""
        most = max(question.times for question in self._questions)
        return [place for turn in range(most) for place, question in enumerate(self._questions) if turn < question.times]

    def _errands(self, turns: Sequence[int]) -> Errands:
        asked = [self._questions[place].asked.errands for place in turns]
        left = max(1.0, self._asking.until - self._asking.subject.bench.ports.monotonic())
        total = min(left, sum(errands.total for errands in asked))
        return asked[0].model_copy(update={"each": tuple(arguments for errands in asked for arguments in errands.each), "total": total})

    def _answers(self, told: Told, turns: Sequence[int]) -> Iterator[tuple[int, int, Run, bool]]:
        """Place and turn of each question, its answer, and whether its errands were all run."""
        asked = [0] * len(self._questions)
        at = 0
        for place in turns:
            question = self._questions[place]
            end = at + len(question.asked.errands.each)
            yield place, asked[place], read(question.asked, None if told is None else told[at:end]), told is not None and end <= len(told)
            at = end
            asked[place] += 1
