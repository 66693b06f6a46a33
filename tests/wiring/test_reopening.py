"""Runs that have ended and are to be taken back: looked at where their target is, and left as they were where nobody can."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.errors import InfrastructureError, StoreUnavailable, UsageError
from runner.model.promotion import Promotion, Step
from runner.model.result import Decision, Ending, Verdict
from runner.model.run import Run
from runner.model.submission import Submission
from runner.policy.stored import stored
from runner.reports.report import build, to_json
from runner.store.audit import AuditLog
from runner.store.places import Places
from runner.wiring import reopening
from runner.wiring.answering import wished
from runner.wiring.carrying import Carrier, Stores, stores
from testing.havens import a_policy, a_run

RUN = "abc123abc123"
ENDINGS = {Step.CONFIRMED: Ending.CONFIRMED, Step.STUCK: Ending.STUCK}


def _kept(folder: Path, name: str) -> Iterator[Stores]:
    with stores(Places(folder / "cache", folder / name)) as opened:
        yield opened


@pytest.fixture
def home(tmp_path: Path, any_database: str) -> Iterator[Stores]:
    yield from _kept(tmp_path, "home")


@pytest.fixture
def away(tmp_path: Path, any_database: str) -> Iterator[Stores]:
    """The same record on another machine, where it is a shared one; else one of its own."""
    yield from _kept(tmp_path, "away" if any_database == "postgres" else "home")


def ended(kept: Stores, tmp_path: Path, step: Step = Step.CONFIRMED) -> Run:
    """A run that has ended with this step, and whose target is nowhere."""
    gone = tmp_path / "gone.git"
    run = a_run(RUN, repository=str(gone), target=f"git:{gone}#refs/heads/main")
    kept.submissions.file(Submission(run=run, policy=stored(a_policy()), target=run.target))
    intent = kept.promotions.begin(Promotion(run=RUN, target=run.target, before="b" * 40, after="a" * 40, base="1" * 40))
    kept.promotions.step(intent, step=step)
    over = run.with_(decision=Decision(verdict=Verdict.ACCEPT, ending=ENDINGS[step], reason="all was well"))
    kept.submissions.keep(over, "settle")
    kept.runs.finish(over, to_json(build(over)), {})
    return over


def carried(tmp_path: Path) -> Run:
    """The second leg, carried where the run is at home, without an engine."""

    def checkpoint(_name: str, step: Callable[[], str]) -> str:
        return step()

    carrier = Carrier(Places(tmp_path / "cache", tmp_path / "home"), lambda _: None, lambda _: None)  # type: ignore[arg-type,return-value]
    return Run.model_validate_json(carrier.work(RUN, 2, checkpoint))


def test_a_machine_that_does_not_have_the_target_writes_the_wish_down_and_looks_at_nothing(
    home: Stores, away: Stores, tmp_path: Path, any_database: str
) -> None:
    ended(home, tmp_path)
    assert home.runs.is_here(RUN)
    with pytest.raises(UsageError, match="no repository"):
        wished(RUN, "rollback", "anne", "not today", home, anywhere=True)
    with pytest.raises(UsageError, match="no repository"):
        wished(RUN, "rollback", "anne", "not today", away)
    assert home.submissions.wished(RUN) == ""
    if any_database == "postgres":
        assert not away.runs.is_here(RUN)
        assert wished(RUN, "rollback", "anne", "not today", away, anywhere=True) is Step.CONFIRMED
        assert home.submissions.wished(RUN) == "rollback"


def test_a_target_that_another_run_is_under_way_to_is_told_wherever_that_is_asked(home: Stores, away: Stores, tmp_path: Path) -> None:
    run = ended(home, tmp_path)
    home.promotions.begin(Promotion(run="b" * 12, target=run.target, before="b" * 40, after="a" * 40, base="1" * 40))
    with pytest.raises(UsageError, match="under way"):
        wished(RUN, "rollback", "anne", "not today", away, anywhere=True)


@pytest.mark.parametrize(
    ("step", "wish", "what"),
    [(Step.CONFIRMED, "rollback", "taken back"), (Step.STUCK, "rollback", "taken back"), (Step.STUCK, "confirm", "confirmed")],
)
def test_where_the_target_cannot_be_looked_at_the_run_ends_as_it_had_ended_and_says_why(
    home: Stores, tmp_path: Path, step: Step, wish: str, what: str
) -> None:
    ended(home, tmp_path, step)
    home.submissions.set_out(RUN, 1, wish=wish)
    assert home.runs.show(RUN).state == "running"
    over = carried(tmp_path)
    record, promotion = home.runs.show(RUN), home.promotions.find(RUN)
    assert (record.state, record.ending, record.exit_code is not None) == ("ended", ENDINGS[step].value, True)
    assert record.reason.startswith(f"it was not {what}, since its target could not be looked at: there is no repository")
    assert promotion is not None
    assert (promotion.step, promotion.fence) == (step, 1), "it was touched"
    assert over.decision is not None
    assert over.decision.reason == record.reason
    log = AuditLog(tmp_path / "home")
    assert log.newest(1, subject=RUN)[0].body["reason"] == record.reason
    log.close()
    assert home.submissions.set_out(RUN, 2, wish=wish) == 3, "it may be asked for again"


def test_what_was_touched_or_is_not_asked_for_stays_for_whoever_carries_it_on(home: Stores, tmp_path: Path) -> None:
    run = ended(home, tmp_path).with_(fence=1, wish="rollback")
    promotion = home.promotions.find(RUN)
    assert promotion is not None
    problem = InfrastructureError("the disk is full")
    assert reopening.refused(run, promotion, problem)
    assert not reopening.refused(run, promotion, StoreUnavailable("the database is away"))
    assert not reopening.refused(run, promotion, ValueError("a bug"))
    assert not reopening.refused(run.with_(wish="confirm"), promotion, problem)
    assert not reopening.refused(run.with_(wish=""), promotion, problem)
    assert not reopening.refused(run, home.promotions.take(promotion), problem)
