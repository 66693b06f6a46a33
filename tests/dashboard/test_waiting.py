"""What waits for a person on the first page, without a browser: what is held, and promotions that nobody but a person confirms."""

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from runner.api.dashboard.fates import Fate, fate
from runner.api.dashboard.waiting import waiting
from runner.model.promotion import Promotion, Step
from runner.model.result import Decision, Verdict
from runner.model.run import Command
from runner.model.submission import StoredPolicy, Submission
from runner.reports.report import build, to_json
from runner.store.browsing import SqlBrowsing
from runner.store.places import Places
from runner.wiring.carrying import Stores, stores
from testing.havens import a_run

NAMES: Any = SimpleNamespace(target=str, repository=str)
VISITOR: Any = SimpleNamespace(reach=lambda _: None, may_about=lambda scope, run, _: scope == "operate")
HELD = Decision(verdict=Verdict.HOLD, ending=None, reason="look at it")


def put(kept: Stores, run: str, target: str, step: Step | None, *, probes: bool = False, held: bool = False) -> None:
    made = a_run(run, command=Command.SUBMIT, target=target)
    policy = StoredPolicy(values={"monitor": {"probes": [{}] if probes else []}}, source="x", digest="d" * 64)
    kept.submissions.file(Submission(run=made.with_(decision=None), policy=policy, target=target))
    if step is not None:
        begun = kept.promotions.begin(Promotion(run=run, target=target, before="b" * 40, after="t" * 40, base="c" * 40))
        kept.promotions.step(begun, step=step, deadline=kept.promotions.now() + 60)
        kept.submissions.keep(made.with_(decision=None), "promote")
    if held:
        ended = made.with_(decision=HELD)
        kept.submissions.hold(ended, 3600)
        kept.runs.finish(ended, to_json(build(ended)), {})


def test_a_promotion_that_only_a_person_confirms_comes_before_what_is_held(tmp_path: Path) -> None:
    with stores(Places(tmp_path / "cache", tmp_path / "state")) as kept, closing(SqlBrowsing(tmp_path / "state")) as browsing:
        put(kept, "a" * 12, "dir:/a", None, held=True)
        put(kept, "b" * 12, "dir:/b", Step.PROMOTED)
        put(kept, "c" * 12, "dir:/c", Step.PROMOTED, probes=True)
        put(kept, "d" * 12, "dir:/d", Step.PREPARED)
        service: Any = SimpleNamespace(kept=kept, target_of=lambda run: kept.runs.show(run).target)
        first, second = waiting(service, browsing, NAMES, VISITOR)
        assert (first.run, first.verbs, first.promoted, first.may) == ("b" * 12, ("confirm", "rollback"), True, True)
        assert first.reason.startswith("it is promoted, and the policy has no probes: it is taken back at ")
        assert first.left is not None
        assert 0 < first.left <= 60
        assert (second.run, second.verbs, second.reason, second.may) == ("a" * 12, ("approve", "deny"), "look at it", False)
        assert second.left is not None
        assert second.left > 60
        fates = {run: fate(kept.runs.show(run * 12)) for run in "abcd"}
    assert fates == {"a": Fate("held", "hold"), "b": Fate("waiting", "hold"), "c": Fate("running", "busy"), "d": Fate("running", "busy")}
