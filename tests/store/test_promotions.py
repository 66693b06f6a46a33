"""The record of promotions: who may write which step, and that two never begin at one target."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runner.errors import Fenced, StoreUnavailable, UsageError
from runner.model.promotion import Promotion, Step
from runner.model.result import Decision, Ending, Verdict
from runner.model.run import Run
from runner.store.audit import AuditLog
from runner.store.database import Database
from runner.store.promotions import SqlPromotions
from runner.store.runs import SqlRuns

TARGET = "dir:/srv/app"


def a_promotion(run: str = "run1", target: str = TARGET, **given: object) -> Promotion:
    usual = {"before": "b" * 40, "after": "a" * 40, "base": "c" * 40, "patch_id": "p" * 40}
    return Promotion(run=run, target=target, **{**usual, **given})  # type: ignore[arg-type]


@pytest.fixture
def promotions(tmp_path: Path, any_database: str) -> SqlPromotions:
    return SqlPromotions(tmp_path / "state")


def test_an_intent_is_on_disk_with_its_time_before_anything_follows(promotions: SqlPromotions, tmp_path: Path) -> None:
    before = promotions.now()
    promotions.begin(a_promotion())
    found = SqlPromotions(tmp_path / "state").find("run1")
    assert found is not None
    assert (found.step, found.fence) == (Step.INTENDED, 1)
    assert found.intended >= before


def test_while_one_promotion_of_a_target_is_open_no_other_begins_there(promotions: SqlPromotions) -> None:
    first = promotions.begin(a_promotion("run1"))
    assert promotions.begin(a_promotion("run2")).run == "run1"
    assert promotions.find("run2") is None
    assert promotions.begin(a_promotion("run3", "dir:/srv/other")).run == "run3"
    promotions.step(first, step=Step.CONFIRMED)
    assert promotions.begin(a_promotion("run2")).run == "run2"


@pytest.mark.parametrize("step", [Step.CONFIRMED, Step.ROLLED_BACK])
def test_none_begins_while_the_run_of_the_last_one_goes_on(
    promotions: SqlPromotions, tmp_path: Path, run_of: Callable[..., Run], step: Step
) -> None:
    """What that run laid beside the target is still to be removed, and only it knows how."""
    runs = SqlRuns(tmp_path / "state")
    run = run_of()
    runs.begin(run)
    promotions.step(promotions.begin(a_promotion(run.id)), step=step)
    assert promotions.begin(a_promotion("run2")).run == run.id
    assert promotions.begin(a_promotion("run3", "dir:/srv/other")).run == "run3"
    runs.finish(run_of(decision=Decision(verdict=Verdict.ACCEPT, ending=Ending.CONFIRMED, reason="")), "{}", {})
    assert promotions.begin(a_promotion("run2")).run == "run2"


def test_of_many_that_begin_at_once_one_begins(tmp_path: Path, any_database: str) -> None:
    def begin(number: int) -> str:
        own = SqlPromotions(tmp_path / "state")
        try:
            return own.begin(a_promotion(f"run{number}")).run
        finally:
            own.close()

    SqlPromotions(tmp_path / "state").now()
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(begin, range(16)))) == 1


def test_whoever_was_taken_over_can_write_nothing_more(promotions: SqlPromotions) -> None:
    old = promotions.begin(a_promotion())
    new = promotions.take(old)
    assert new.fence == old.fence + 1
    with pytest.raises(Fenced):
        promotions.step(old, step=Step.PREPARED)
    with pytest.raises(Fenced):
        promotions.check(old)
    with pytest.raises(Fenced):
        promotions.take(old)
    assert promotions.owns(new)
    assert not promotions.owns(old)
    promotions.check(new)
    assert promotions.step(new, step=Step.PREPARED).step is Step.PREPARED


def test_an_abandoned_promotion_begins_again_with_another_fence(promotions: SqlPromotions) -> None:
    first = promotions.begin(a_promotion())
    promotions.step(first, step=Step.ABANDONED)
    assert promotions.begin(a_promotion(after="d" * 40)).fence == 2


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.ABANDONED])
def test_a_promotion_of_the_same_run_that_has_come_further_is_never_begun_over(promotions: SqlPromotions, step: Step) -> None:
    first = promotions.begin(a_promotion())
    promotions.step(first, step=step)
    with pytest.raises(Fenced):
        promotions.begin(a_promotion())


def test_what_has_ended_goes_on_only_where_nothing_else_is_under_way(promotions: SqlPromotions) -> None:
    confirmed = promotions.step(promotions.begin(a_promotion("run1")), step=Step.CONFIRMED)
    promotions.begin(a_promotion("run2"))
    with pytest.raises(UsageError, match="run2 is under way"):
        promotions.step(confirmed, step=Step.TAKING_BACK)


def test_the_last_that_was_live_and_who_holds_a_tree_are_told(promotions: SqlPromotions) -> None:
    assert promotions.last(TARGET) is None
    promotions.step(promotions.begin(a_promotion("run1", after="1" * 40)), step=Step.CONFIRMED)
    promotions.step(promotions.begin(a_promotion("run2", after="2" * 40)), step=Step.ROLLED_BACK)
    promotions.step(promotions.begin(a_promotion("run3", after="3" * 40)), step=Step.ABANDONED)
    last, holder = promotions.last(TARGET), promotions.holder(TARGET, "1" * 40)
    assert (last and last.run, holder and holder.run) == ("run2", "run1")
    assert promotions.holder(TARGET, "2" * 40) is None


def test_a_patch_that_was_taken_back_is_found_while_that_counts(promotions: SqlPromotions) -> None:
    promotions.step(promotions.begin(a_promotion()), step=Step.ROLLED_BACK, note="it broke")
    found = promotions.taken_back(TARGET, "p" * 40, promotions.now() - 60)
    assert found is not None
    assert found.note == "it broke"
    assert promotions.taken_back(TARGET, "p" * 40, promotions.now() + 60) is None
    assert promotions.taken_back("dir:/srv/other", "p" * 40, 0.0) is None
    assert promotions.taken_back(TARGET, "q" * 40, 0.0) is None


def test_every_step_is_in_the_audit_log(promotions: SqlPromotions, tmp_path: Path) -> None:
    promotion = promotions.begin(a_promotion())
    for step in (Step.PREPARED, Step.PROMOTED, Step.TAKING_BACK, Step.ROLLED_BACK):
        promotion = promotions.step(promotion, step=step)
    kinds = [entry.kind for entry in reversed(AuditLog(tmp_path / "state").newest(10, subject="run1"))]
    assert kinds == [f"promotion.{name}" for name in ("intended", "prepared", "promoted", "taking_back", "rolled_back")]


def test_only_what_has_something_left_to_do_is_open(promotions: SqlPromotions) -> None:
    for number, step in enumerate(Step):
        promotions.step(promotions.begin(a_promotion(f"run{number}", f"dir:/srv/{number}")), step=step)
    assert {promotion.step for promotion in promotions.open()} == {Step.INTENDED, Step.PREPARED, Step.PROMOTED, Step.TAKING_BACK}


def test_a_run_without_a_promotion_has_none_to_take_over(promotions: SqlPromotions) -> None:
    assert promotions.find("nobody") is None
    with pytest.raises(Fenced):
        promotions.take(a_promotion("nobody"))


def test_what_this_version_cannot_read_keeps_it_from_nothing_else(promotions: SqlPromotions, tmp_path: Path) -> None:
    promotions.begin(a_promotion("run1"))
    promotions.begin(a_promotion("run2", "dir:/srv/other"))
    with Database(tmp_path / "state").writing() as transaction:
        transaction.connection.exec_driver_sql("UPDATE promotions SET body = '{}' WHERE run = 'run1'")
    assert [promotion.run for promotion in promotions.open()] == ["run2"]
    with pytest.raises(StoreUnavailable, match="run1"):
        promotions.find("run1")


def test_a_patch_that_was_taken_back_only_because_its_run_was_stopped_is_not_held_against_it(promotions: SqlPromotions) -> None:
    promotions.step(promotions.begin(a_promotion("run1")), step=Step.ROLLED_BACK)
    promotions.step(promotions.begin(a_promotion("run2")), step=Step.ROLLED_BACK, stopped=True)
    found = promotions.taken_back(TARGET, "p" * 40, 0.0)
    assert found is not None
    assert found.run == "run1"


def test_what_was_taken_back_stands_no_longer_and_what_was_before_it_does(promotions: SqlPromotions) -> None:
    assert promotions.standing(TARGET) is None
    promotions.step(promotions.begin(a_promotion("run1")), step=Step.CONFIRMED)
    second = promotions.step(promotions.begin(a_promotion("run2")), step=Step.CONFIRMED)
    stands = promotions.standing(TARGET)
    assert stands is not None
    assert stands.run == "run2"
    promotions.step(second, step=Step.ROLLED_BACK)
    stands = promotions.standing(TARGET)
    assert stands is not None
    assert stands.run == "run1"
