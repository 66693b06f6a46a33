"""Questions are asked of both trees turn by turn; a turn that either had no time for is left out."""

from types import SimpleNamespace
from typing import Any

import pytest

from runner.controls.asking import OverdueError
from runner.controls.elsewhere import Asker, Question
from runner.controls.interpreter import Asked
from runner.model.sandbox import Errands
from runner.model.suite import Errand


def question(name: str, lists: int, times: int = 2) -> Question:
    each = tuple((f"{name}{at}",) for at in range(lists))
    errands = Errands(argv=("python3",), each=each, envs=({"NAME": name},) * lists, seconds=5, total=10)
    return Question(name, Asked(errands, tuple(range(at, at + 1) for at in range(lists))), times)


class Asking:
    """Runs nothing: answers what it is given."""

    until = 100.0

    def __init__(self, *told: Any) -> None:
        self.told, self.asked = list(told), []
        bench = SimpleNamespace(base_tree="base", ports=SimpleNamespace(monotonic=lambda: 0.0), run_errands=self.run_errands)
        self.subject = SimpleNamespace(bench=bench, verdict_tree="verdict")

    def run_errands(self, tree: str, errands: Errands, *, purpose: str, elsewhere: bool) -> Any:
        self.asked.append((tree, errands, elsewhere))
        return self.told[len(self.asked) - 1]

    def submit(self, task: Any, *given: Any) -> Any:
        value = task(*given)
        return SimpleNamespace(result=lambda: value)


def some(count: int, cut: bool = False) -> tuple[Errand, ...]:
    return tuple(Errand(status=0, seconds=0.1, cut=cut and at == count - 1) for at in range(count))


def seen(base: Any, patched: Any, *questions: Question) -> tuple[Any, Asking]:
    asking = Asking(base, patched)
    asker = Asker(asking)  # type: ignore[arg-type]
    places = asker.add(questions)
    asker.ask()
    return asker.seen(places), asking


def test_both_trees_are_asked_the_same_elsewhere_and_nothing_is_said_twice() -> None:
    found, asking = seen(some(7), some(7), question("", 2, 3), question("later", 1, 1))
    assert [(tree, errands.turns, elsewhere) for tree, errands, elsewhere in asking.asked] == [
        (tree, (0, 1, 2, 0, 1, 0, 1), True) for tree in ("base", "verdict")
    ]
    assert [len(errands.each) for _, errands, _ in asking.asked] == [3, 3]
    assert [(one.name, len(one.base)) for one in found] == [
        ("", 3),
        ("the same place, asked for the 2. time", 3),
        ("the same place, asked for the 3. time", 3),
        ("later", 1),
    ]


@pytest.mark.parametrize(
    ("base", "patched"), [(some(2), some(4)), (some(4), some(3)), (some(4, cut=True), some(4)), (some(4), some(4, cut=True))]
)
def test_a_later_turn_that_came_too_late_on_either_tree_is_left_out(base: Any, patched: Any) -> None:
    found, _ = seen(base, patched, question("q", 2))
    assert [(one.name, len(one.base)) for one in found] == [("q", 1)]


def test_every_second_turn_comes_in_other_words_and_wavering_is_told_among_turns_in_the_same() -> None:
    one, other = question("a", 2).asked, question("b", 2).asked
    found, asking = seen(some(10), some(10), Question("", one, 4, other), question("later", 1, 2))
    assert asking.asked[0][1].each == (("a0",), ("a1",), ("b0",), ("b1",), ("later0",))
    assert asking.asked[0][1].turns == (0, 1, 4, 2, 3, 4, 0, 1, 2, 3)
    assert [env["NAME"] for env in asking.asked[0][1].envs] == ["a", "a", "b", "b", "later"]
    assert [(len(each.base), each.place) for each in found] == [(2, 0)] * 4 + [(2, 1)] * 2


def test_a_question_s_first_turn_is_asked_before_any_is_repeated_and_never_left_out() -> None:
    found, asking = seen(some(20), some(2, cut=True), question("first", 1, 6), question("another clock", 1))
    assert asking.asked[0][1].turns[:2] == (0, 1)
    assert [(one.name, one.patched.told[0].kind) for one in found] == [("first", "silent"), ("another clock", "silent")]


def test_a_base_without_time_says_nothing_and_a_patched_tree_without_time_is_lost() -> None:
    with pytest.raises(OverdueError):
        seen(some(1), some(4), question("q", 2))
    found, _ = seen(some(4), some(1), question("q", 2))
    assert [(one.name, [told.kind for told in one.patched.told]) for one in found] == [("q", ["silent", "silent"])]
