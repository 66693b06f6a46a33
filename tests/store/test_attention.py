"""Runs that wait for the word of a person, wherever runs are listed, and what people said to them."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from runner.model.promotion import Promotion, Step
from runner.model.result import Decision
from runner.model.run import Command, Run
from runner.model.submission import Answer, StoredPolicy, Submission
from runner.store.browsing import SqlBrowsing, Wanted
from runner.store.database import Database
from runner.store.promotions import SqlPromotions
from runner.store.runs import SqlRuns
from runner.store.submissions import SqlSubmissions

Make = Callable[..., Run]
RUN, TARGET = "abc123abc123", "dir:/srv/app"
PROBE = {"command": ["true"], "name": "well"}


class World:
    """A record with one submitted run."""

    def __init__(self, state: Path, run: Run) -> None:
        self.state = state
        self.runs, self.submissions, self.promotions = SqlRuns(state), SqlSubmissions(state), SqlPromotions(state)
        self.browsing = SqlBrowsing(state)
        self.run = run.with_(command=Command.SUBMIT, target=TARGET)

    def file(self, **monitor: Any) -> None:
        policy = StoredPolicy(values={"monitor": {"probes": [], "on_undecided": "rollback", **monitor}}, source="x", digest="d" * 64)
        self.submissions.file(Submission(run=self.run, policy=policy, target=TARGET))

    def promote(self, step: Step = Step.PROMOTED) -> None:
        begun = self.promotions.begin(Promotion(run=RUN, target=TARGET, before="b" * 40, after="t" * 40, base="c" * 40))
        self.promotions.step(begun, step=step, promoted=1_800_000_000.0, deadline=1_800_000_300.0)
        self.submissions.keep(self.run, "promote")

    def told(self) -> tuple[str, tuple[str, ...]]:
        """What every list says, which must be the same."""
        (listed,), ((_, paged),), shown = self.runs.list(), self.runs.page(5), self.runs.show(RUN)
        browsed = self.browsing.runs(Wanted(), 5)[0].record
        found = {(one.waits, one.verbs) for one in (listed, paged, shown, browsed)}
        assert len(found) == 1, found
        assert dict(self.browsing.awaited(5)).get(RUN, ("", ())) == next(iter(found))
        return found.pop()

    def close(self) -> None:
        for store in (self.runs, self.submissions, self.promotions, self.browsing):
            store.close()


@pytest.fixture
def world(tmp_path: Path, any_database: str, run_of: Make) -> Iterator[World]:
    with closing(World(tmp_path / "state", run_of(RUN))) as made:
        yield made


@pytest.mark.parametrize(("undecided", "becomes"), [("rollback", "taken back"), ("hold", "held for a person")])
def test_a_promotion_that_no_probe_watches_waits_for_a_person(world: World, undecided: str, becomes: str) -> None:
    world.file(on_undecided=undecided)
    assert world.told() == ("", ())
    world.promote()
    said = f"it is promoted, and the policy has no probes: it is {becomes} at 2027-01-15T08:05:00Z unless a person confirms it before"
    assert world.told() == (said, ("confirm", "rollback"))


def test_one_with_probes_or_on_its_way_or_that_was_spoken_about_does_not(world: World) -> None:
    world.file()
    world.promote(Step.PREPARED)
    assert world.told() == ("", ())
    promotion = world.promotions.find(RUN)
    assert promotion is not None
    world.promotions.step(promotion, step=Step.PROMOTED)
    assert world.told()[1] == ("confirm", "rollback")
    world.submissions.wish(RUN, "confirm", "ann", "well")
    assert world.told() == ("", ())


def test_probes_decide_without_a_person(world: World) -> None:
    world.file(probes=[PROBE])
    world.promote()
    assert world.told() == ("", ())


def test_a_held_run_waits_for_approval_and_a_held_promotion_for_its_confirmation(world: World, held: Decision) -> None:
    world.file(probes=[PROBE])
    world.runs.finish(world.run.with_(decision=held), "{}", {})
    assert world.told() == ("look at it", ("approve", "deny"))
    world.promote()
    assert world.told() == ("look at it", ("confirm", "rollback"))


def test_a_held_check_can_be_answered_by_nobody(world: World, run_of: Make, held: Decision) -> None:
    world.runs.finish(run_of(RUN, held), "{}", {})
    assert world.told() == ("", ())


def test_a_policy_that_somebody_edited_makes_nobody_wait_and_breaks_nothing(world: World) -> None:
    world.file()
    world.promote()
    from sqlalchemy import update

    from runner.store.schema import submissions

    for body in ("[", "[]", '{"policy": 7}', '{"policy": {"values": {"monitor": "x"}}}'):
        with closing(Database(world.state)) as database, database.writing() as transaction:
            transaction.connection.execute(update(submissions).values(body=body))
        assert world.told() == ("", ())


def test_who_said_what_to_a_run_is_told_oldest_first(world: World, held: Decision) -> None:
    world.file()
    world.runs.finish(world.run.with_(decision=held), "{}", {})
    said = Answer(run=RUN, answer="approve", who="ann", reason="looked \x1b", patch_id="p" * 40, policy_digest="d" * 64, checks=())
    world.submissions.set_out(RUN, 1, answer=said)
    world.submissions.wish(RUN, "cancel", "bert", "after all not")
    found = world.runs.show(RUN).decisions
    assert [(one.verb, one.who, one.reason) for one in found] == [("approve", "ann", "looked \x1b"), ("cancel", "bert", "after all not")]
    assert all(one.at.endswith("Z") for one in found)
    assert world.runs.list()[0].decisions == ()
