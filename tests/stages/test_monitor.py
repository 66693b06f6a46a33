"""What watching comes to is kept, and only what is promoted is watched."""

from pathlib import Path

import pytest

from runner.model.promotion import Promotion, Step
from runner.model.result import Outcome
from runner.model.run import Course
from runner.ports import Watched
from runner.stages.monitor import monitor
from testing.havens import BASE, TRIED, Harbour, a_run, an_answer


def at(harbour: Harbour, step: Step) -> None:
    begun = harbour.promotions.begin(Promotion(run="abc123abc123", target=harbour.target.key, before=BASE, after=TRIED, base="1" * 40))
    harbour.promotions.step(begun, step=step, promoted=harbour.promotions.now() - 3)


@pytest.mark.parametrize(("course", "measured"), [(Course.CONFIRM, False), (Course.UNDECIDED, False), (Course.TAKE_BACK, True)])
def test_the_course_is_kept_with_its_reason_and_how_long_harm_took_to_be_seen(tmp_path: Path, course: Course, measured: bool) -> None:
    harbour = Harbour(tmp_path / "state")
    at(harbour, Step.PROMOTED)
    harbour.watched = Watched(course, "three failures", (an_answer("probe:well", Outcome.FAIL),))
    run = harbour.do(monitor, a_run(results=(an_answer("probe:well"), an_answer("tests"))))
    assert (run.course, run.because) == (course, "three failures")
    assert [(result.check, result.outcome) for result in run.results] == [("tests", "pass"), ("probe:well", "fail")]
    assert str(run.results[1].policy).endswith("monitor.probes") or run.results[1].policy
    assert run.promotion is not None
    assert (run.promotion.detection is not None) is measured
    assert not measured or run.promotion.detection >= 3  # type: ignore[operator]


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.PROMOTED])
def test_what_is_not_promoted_is_not_watched(tmp_path: Path, step: Step) -> None:
    harbour = Harbour(tmp_path / "state")
    at(harbour, step)
    assert (harbour.do(monitor, a_run()), harbour.watches) == (a_run(), 0)


def test_what_is_decided_already_is_not_watched(tmp_path: Path) -> None:
    harbour = Harbour(tmp_path / "state")
    at(harbour, Step.PROMOTED)
    run = a_run(course=Course.TAKE_BACK, because="promote.after failed")
    assert (harbour.do(monitor, run), harbour.watches) == (run, 0)
