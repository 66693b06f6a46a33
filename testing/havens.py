"""What the stages of a submission need from the world, in memory but for the record: to bring about what no real target does on demand."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from runner.errors import TargetMoved
from runner.model.promotion import Look, Place, Promotion, Standing
from runner.model.result import Outcome, Result
from runner.model.run import Command, Course, Gates, Kept, PolicyFacts, Run
from runner.policy.load import Loaded, load_text
from runner.ports import Backup, Item, Ran, Watched
from runner.store.promotions import SqlPromotions
from testing.builders import a_change

BASE, TRIED, THEIRS = "2" * 40, "3" * 40, "7" * 40
"""The trees of `a_change`, and one that somebody else made."""


class Haven:
    """A target that holds a tree; `problems` are raised, once each, before the method of that name does anything, `late` ones after."""

    key, kind = "dir:/srv/app", "dir"

    def __init__(self, tree: str = BASE) -> None:
        self.tree = tree
        self.calls: list[str] = []
        self.problems: dict[str, list[Exception]] = {}
        self.late: dict[str, list[Exception]] = {}
        self.seen: Callable[[str], None] = lambda _: None
        self.in_the_way = ""
        self.absent = False
        self.also: tuple[str, ...] = ()
        """Trees, the last of which it is taken for where it is asked about it: as a folder where one has only more files than another."""
        self.differs = ""

    def look(self, trees: object, candidates: Sequence[str]) -> Look:
        with _Step(self, "look"):
            if self.absent:
                return Look(tree=candidates[0], absent=True)
            tree = next((tree for tree in reversed(self.also) if tree in candidates), self.tree)
            return Look(tree=tree) if tree in candidates else Look(edited=("a.py",))

    def obstacle(self, trees: object, before: str, after: str) -> str:
        return self.in_the_way

    def items(self, trees: object, tree: str) -> Iterator[Item]:
        yield Item(b"a.py", "file", 0o644, lambda: b"x")

    def prepare(self, promotion: Promotion, trees: object) -> Promotion:
        with _Step(self, "prepare"):
            return promotion.model_copy(update={"method": "exchange", "details": {"beside": "x"}})

    def swap(self, promotion: Promotion, trees: object) -> None:
        with _Step(self, "swap"):
            if self.tree != promotion.before:
                raise TargetMoved("somebody else was here")
            self.tree = promotion.after

    def recover(self, promotion: Promotion, trees: object) -> Standing:
        with _Step(self, "recover"):
            return self._standing(promotion)

    def take_back(self, promotion: Promotion, trees: object) -> Standing:
        with _Step(self, "take_back"):
            if self.tree == promotion.after:
                self.tree = promotion.before
            return self._standing(promotion)

    def verify(self, promotion: Promotion, trees: object, tree: str) -> str:
        with _Step(self, "verify"):
            return self.differs

    def tidy(self, promotion: Promotion, trees: object) -> None:
        with _Step(self, "tidy"):
            pass

    def _standing(self, promotion: Promotion) -> Standing:
        places = {promotion.before: Place.OLD, promotion.after: Place.NEW}
        place = places.get(self.tree, Place.OTHER)
        return Standing(
            place=place, tree=self.tree if place is not Place.OTHER else "", reason="" if place is not Place.OTHER else "a.py was edited"
        )


class _Step:
    def __init__(self, haven: Haven, name: str) -> None:
        self._haven, self._name = haven, name

    def __enter__(self) -> None:
        self._haven.calls.append(self._name)
        self._haven.seen(self._name)
        if waiting := self._haven.problems.get(self._name):
            raise waiting.pop(0)

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None and (waiting := self._haven.late.get(self._name)):
            raise waiting.pop(0)


class Chest:
    """A vault that keeps nothing."""

    def __init__(self) -> None:
        self.problem: Exception | None = None
        self.released: list[str] = []

    def keep(self, target: str, run: str, items: Iterator[Item]) -> Backup:
        if self.problem:
            raise self.problem
        return Backup("b" * 64, len(list(items)), 1, 1)

    def release(self, run: str) -> None:
        self.released.append(run)


class Harbour:
    """The ports of the stages; what a person asks for, what the operator's command and the probes say, is to be set."""

    def __init__(self, state: Path, **policy: Any) -> None:
        self.target, self.vault = Haven(), Chest()
        self.state = state
        self.promotions = SqlPromotions(state)
        self.trees: Any = None
        self.gates: tuple[Any, ...] = ()
        self.validators: tuple[Any, ...] = ()
        self.wished = ""
        self.ran: list[tuple[tuple[str, ...], dict[str, str]]] = []
        self.rans: list[Ran] = []
        self.watched = Watched(Course.CONFIRM, "all is well", ())
        self.watches = 0
        self.paused: list[float] = []
        self.stands_in_the_way: Callable[[Promotion], None] = lambda _: None
        self.told: list[str] = []
        self.progress = SimpleNamespace(stage=lambda name: self.told.append(name), note=lambda text: self.told.append(text))  # noqa: PLW0108
        self.monotonic = time.monotonic
        self.policy = a_policy(**policy)

    def wish(self) -> str:
        return self.wished

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)

    def blocked(self, promotion: Promotion) -> None:
        self.stands_in_the_way(promotion)

    def baseline(self) -> dict[str, tuple[float, ...]]:
        return {"well": (0.1, 0.2)}

    def command(self, argv: Sequence[str], seconds: float, variables: dict[str, str]) -> Ran:
        self.ran.append((tuple(argv), dict(variables)))
        return self.rans.pop(0) if self.rans else Ran(True, "it ended well", "", 0.1)

    def watch(self, run: Run, promotion: Promotion) -> Watched:
        self.watches += 1
        return self.watched

    def do(self, stage: Callable[[Run, Any, Loaded], Run], run: Run) -> Run:
        return stage(run, self, self.policy)


def a_policy(**sections: Any) -> Loaded:
    import json

    return load_text(json.dumps({"seatrial": 1, **sections}).encode(), "p.yaml")


def a_run(run: str = "abc123abc123", **given: Any) -> Run:
    """One that was accepted, and whose target was backed up."""
    usual: dict[str, Any] = {
        "started": datetime(2026, 11, 22, tzinfo=UTC),
        "repository": "/r",
        "policy": PolicyFacts(source="p.yaml", digest="d" * 64),
        "change": a_change("a.py"),
        "target": Haven.key,
        "gates": Gates.ENFORCE,
        "command": Command.SUBMIT,
        "backup": Kept(id="b" * 64, files=1, size=1, added=1),
    }
    return Run(id=run, **{**usual, **given})


def an_answer(check: str, outcome: Outcome = Outcome.PASS, **given: Any) -> Result:
    return Result(check=check, outcome=outcome, reason=f"{check} says so", **given)
