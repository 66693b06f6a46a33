"""Questions to plain interpreters, asked in one sandbox for each tree: as another user, on a host of another name, by more than one clock.

Both trees are asked the same, each question more than once, so that answers that waver on the base are known and prove nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from runner.controls.asking import Asking, OverdueError
from runner.controls.comparing import Seen
from runner.controls.interpreter import Asked, Run, read
from runner.controls.subject import Subject
from runner.model.sandbox import Errands
from runner.model.suite import Errand

YEARS = 5 * 365.25 * 86400 + 17 * 3600 + 11 * 60
"""Seconds by which another clock differs: years, another month and another hour of the day."""
PURPOSE = "probe"
Told = tuple[Errand, ...] | None


def seed_of(subject: Subject, name: str) -> int:
    """An order of sets: the same on both trees, and no 0, which code could see; nothing of the change can know it."""
    return 1 + subject.draw(f"order of sets {name}") % (2**32 - 1)


class Answered(NamedTuple):
    """What came of one turn of one question; `late` where its errands were not all run for want of time."""

    place: int
    turn: int
    run: Run
    late: bool


class Question(NamedTuple):
    """What to ask in one environment, as `name` calls it for people."""

    name: str
    asked: Asked
    times: int = 2
    """How often it is asked of each tree; each time counts, and on the base more than one is needed to tell what wavers."""
    other: Asked | None = None
    """The same in other words, for every second turn; what wavers is told among turns in the same words."""


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
            first, second = (self._asking.submit(self._asked, where, bench.run_errands) for where in (bench.base_tree, tree))
            self._told = first, second

    def _asked(self, tree: str, run_errands: Callable[..., Told]) -> Told:
        return run_errands(tree, self._errands(), purpose=PURPOSE, elsewhere=True)

    def seen(self, places: range) -> list[Seen]:
        """What these questions were answered, turn by turn; a turn that came too late on either tree is left out.

        Raises OverdueError where the base's first turn came too late; where only the patched tree's did, what it did not answer is lost.
        """
        if self._told is None or not places:
            return []
        base, patched = (list(self._answers(told.result())) for told in self._told)
        found = []
        for place in places:
            rows = [(before, after) for before, after in zip(base, patched, strict=True) if before.place == place]
            if rows[0][0].late:
                raise OverdueError
            whole = [rows[0], *((before, after) for before, after in rows[1:] if not (before.late or after.late))]
            for before, after in whole:
                runs = tuple(row.run for row, _ in whole if self._asked_in(place, row.turn) is self._asked_in(place, before.turn))
                first = (before.run, *(run for run in runs if run is not before.run))
                found.append(Seen(self._named(place, after.turn), first, after.run, place))
        return found

    def _asked_in(self, place: int, turn: int) -> Asked:
        question = self._questions[place]
        return question.other if question.other is not None and turn % 2 else question.asked

    def _named(self, place: int, turn: int) -> str:
        name = self._questions[place].name
        return f"{name or 'the same place'}, asked for the {turn + 1}. time" if turn else name

    @property
    def _turns(self) -> list[tuple[int, int]]:
        """Each question once, before any is asked again: its place, and the number of the turn."""
        most = max(question.times for question in self._questions)
        return [(place, turn) for turn in range(most) for place, question in enumerate(self._questions) if turn < question.times]

    def _errands(self) -> Errands:
        words = [one for question in self._questions for one in (question.asked, question.other) if one is not None]
        asked = [one.errands for one in words]
        starts = {id(one): sum(len(errands.each) for errands in asked[:at]) for at, one in enumerate(words)}
        taken = [self._asked_in(place, turn) for place, turn in self._turns]
        turns = [starts[id(one)] + at for one in taken for at in range(len(one.errands.each))]
        left = max(1.0, self._asking.until - self._asking.subject.bench.ports.monotonic())
        total = min(left, sum(one.errands.total for one in taken))
        each = tuple(arguments for errands in asked for arguments in errands.each)
        envs = tuple(env for errands in asked for env in errands.envs)
        return asked[0].model_copy(update={"each": each, "envs": envs, "turns": tuple(turns), "total": total})

    def _answers(self, told: Told) -> Iterator[Answered]:
        at = 0
        for place, turn in self._turns:
            asked = self._asked_in(place, turn)
            end = at + len(asked.errands.each)
            late = told is not None and (end > len(told) or any(errand.cut for errand in told[at:end]))
            yield Answered(place, turn, read(asked, None if told is None else told[at:end]), late)
            at = end
