"""Carries a submission on, from wherever it is, to where it is held or ends; whoever calls, and however often."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from runner.changes.rebase import rebased
from runner.crashpoints import crashpoint
from runner.errors import ChangeRefused, Fenced, InfrastructureError, SeatrialError, UsageError
from runner.gates import gates
from runner.git.objects import PrivateObjects
from runner.model.promotion import Promotion, Step
from runner.model.result import Decision, Ending, Outcome, Result, Verdict, sight
from runner.model.run import Command, Gates, Run, State
from runner.model.text import printable
from runner.pipeline import INTAKE, decide, through
from runner.pipeline.land import land, stopped_by
from runner.policy.load import Loaded
from runner.policy.stored import restored
from runner.ports import LandingPorts, Ports, Progress, Target
from runner.sandbox.containers import DockerSandbox
from runner.stages import aim
from runner.stages.outcome import tell
from runner.stages.promote import STOPS
from runner.stages.told import sentence
from runner.stages.trial import trial
from runner.store.backups import SqlBackups
from runner.store.places import Places
from runner.store.promotions import SqlPromotions
from runner.store.requests import SqlRequests
from runner.store.runs import SqlRuns
from runner.store.submissions import Filed, SqlSubmissions
from runner.targets.spec import parse
from runner.wiring import reopening
from runner.wiring.commands import run_command
from runner.wiring.filing import label_of, opened
from runner.wiring.heeding import Wish, heeding
from runner.wiring.parts import parts, ports_of, settled
from runner.wiring.target import target_of
from runner.wiring.watching import baseline, watched

log = logging.getLogger(__name__)

_ANYWHERE = Path("/")
"""Where a stored report will be read: its next command must be right in any directory."""
Checkpoint = Callable[[str, Callable[[], str]], str]


class Stores(NamedTuple):
    """The record, as one submission needs it."""

    submissions: SqlSubmissions
    promotions: SqlPromotions
    backups: SqlBackups
    runs: SqlRuns
    requests: SqlRequests


@contextmanager
def stores(where: Places) -> Iterator[Stores]:
    """The record of this state folder, let go of afterwards."""
    made = Stores(
        SqlSubmissions(where.state), SqlPromotions(where.state), SqlBackups(where.state), SqlRuns(where.state), SqlRequests(where.state)
    )
    try:
        yield made
    finally:
        for store in made:
            store.close()


class Carrier:
    """Carries runs in this process, several at once. `blocked` is told of a promotion that stands in the way of one of them."""

    def __init__(self, where: Places, progress: Callable[[str], Progress], blocked: Callable[[Promotion], None]) -> None:
        self._where, self._progress, self._blocked = where, progress, blocked
        self._stopped: set[str] = set()
        self._sandboxes: set[tuple[str, DockerSandbox]] = set()

    def work(self, run: str, leg: int, checkpoint: Checkpoint) -> str:
        """Leg `leg` of a run; the run as it is then. Each stage is kept before the next begins."""
        log.info("leg %s of run %s", leg, run)
        with stores(self._where) as kept:
            filed = kept.submissions.load(run)
            begun = Run.model_validate_json(checkpoint("begin", lambda: _begun(filed, kept).model_dump_json()))
            try:
                if reopening.is_ahead(begun, kept.promotions.find(run)):
                    reopening.look(filed, self._where.state)
                return self._carried(begun, filed, kept, checkpoint).model_dump_json()
            except Exception as problem:  # noqa: BLE001 - a bug of ours, too, must not leave a run without an end
                return self._failed(begun, problem, filed, kept).model_dump_json()

    def stop(self, run: str) -> None:
        """This process was asked to end: the run is cancelled, or taken back where it is promoted and not confirmed. Others are left as they are."""
        self._stopped.add(run)
        for sandbox in (sandbox for other, sandbox in tuple(self._sandboxes) if other == run):
            sandbox.cancel()

    def _failed(self, run: Run, problem: Exception, filed: Filed, kept: Stores) -> Run:
        """A fault ends a run whose target was not touched; any other stays for whoever carries it on."""
        promotion = kept.promotions.find(run.id)
        if promotion is not None and reopening.refused(run, promotion, problem):
            return reopening.as_it_was(run, promotion, problem, kept)
        if isinstance(problem, Fenced) or (promotion is not None and promotion.step is not Step.ABANDONED):
            if isinstance(problem, OSError):  # the machine's fault, and no bug of ours
                raise InfrastructureError(sentence(problem), hint=f"seatrial run resume {run.id}") from problem
            raise problem
        from runner.reports.report import build, to_json

        said = sentence(problem)
        if not isinstance(problem, (SeatrialError, OSError)):
            log.error("run %s broke", run.id, exc_info=problem)
            said = f"this is a bug in Seatrial: {type(problem).__name__}: {problem}"
        left = kept.submissions.load(run.id).run
        failed = left.with_(moved="", decision=Decision(verdict=None, ending=Ending.FAILED, reason=printable(said)))
        kept.submissions.keep(failed, "failed")
        policy = restored(filed.submission.policy)
        report = to_json(build(failed, here=_ANYWHERE))
        kept.runs.finish(failed, report, failed.logs, settle=lambda moment: tell(failed, gates(), policy, moment))
        kept.backups.release(failed.id)
        return failed

    def _carried(self, run: Run, filed: Filed, kept: Stores, checkpoint: Checkpoint) -> Run:
        progress = self._progress(run.id)
        policy = restored(filed.submission.policy)
        spec = parse(filed.submission.target)
        with (
            parts(self._where, progress, Gates.ENFORCE) as given,
            opened(Path(run.repository), spec, self._where.state) as objects,
            self._cancellable(run.id, given.sandbox),
        ):
            while True:
                whole, run = settled(policy, run, objects, progress, self._where.cache) if run.promotion is None else (policy, run)
                target = target_of(spec, objects, policy.policy.promote, run.id)
                ports = self._ports(ports_of(run, whole, objects, given), target, kept, run, whole)
                run = self._attempt(run, ports, self._do(ports, whole, kept, checkpoint))
                if not run.moved:
                    return self._recorded(run, ports, policy, kept)
                run = Run.model_validate_json(
                    checkpoint("rebase", lambda run=run, ports=ports: again(run, ports, policy, objects).model_dump_json())  # type: ignore[misc]
                )
                if run.decision is not None:
                    return self._recorded(run, ports, policy, kept)
                progress.note(f"attempt {run.attempt}: the target moved; the change is tried again upon {run.change.base_label}")

    def _attempt(self, run: Run, ports: LandingPorts, do: Callable[[Any, Run], Run]) -> Run:
        if run.state is State.ENDED:  # by request, before it set out again
            return run
        refused = any(result.check == INTAKE and result.outcome is Outcome.FAIL for result in run.results)
        return decide(run, ()) if refused else land(run, ports, do)

    def _do(self, ports: LandingPorts, policy: Loaded, kept: Stores, checkpoint: Checkpoint) -> Callable[[Any, Run], Run]:
        def do(stage: Any, run: Run) -> Run:
            def step() -> str:
                with heeding(ports.sandbox, partial(_cancels, ports.wish)) if stage.__name__ == trial.__name__ else nullcontext():
                    after = through(stage, run, ports, policy)
                if after.logs:  # on disk once, not in what every later stage is kept with
                    kept.runs.keep_logs(run.id, after.logs)
                    after = after.with_(logs={})
                kept.submissions.keep(after, stage.__name__)
                crashpoint("run.stage.kept")
                return after.model_dump_json()

            return Run.model_validate_json(checkpoint(f"{run.attempt}.{stage.__name__}", step))

        return do

    def _ports(self, ports: Ports, target: Target, kept: Stores, run: Run, policy: Loaded) -> LandingPorts:
        from runner.vault.vault import FileVault

        wish = Wish(run.id, kept.submissions, lambda: run.id in self._stopped)
        usual = {field.name: getattr(ports, field.name) for field in fields(ports)}
        return LandingPorts(
            **usual,
            target=target,
            vault=FileVault(self._where.state, kept.backups, policy.policy.backup),
            promotions=kept.promotions,
            command=partial(run_command, log=self._where.state / "logs" / run.id / "after.log"),
            wish=wish,
            pause=time.sleep,
            blocked=self._blocked,
            watch=lambda promoted, promotion: watched(promoted, promotion, ports, policy, kept.promotions, wish),
            baseline=lambda: baseline(policy),
        )

    @contextmanager
    def _cancellable(self, run: str, sandbox: DockerSandbox) -> Iterator[None]:
        self._sandboxes.add((run, sandbox))
        if run in self._stopped:
            sandbox.cancel()
        try:
            yield
        finally:
            self._sandboxes.discard((run, sandbox))

    def _recorded(self, run: Run, ports: LandingPorts, policy: Loaded, kept: Stores) -> Run:
        """Write down how this leg ended; the gates are told in the same transaction."""
        from runner.reports.report import build, to_json

        if run.state is State.HELD:
            kept.submissions.hold(run, policy.policy.hold.expires)
        kept.submissions.keep(run, "recorded")
        crashpoint("run.recording")
        report = to_json(build(run, here=_ANYWHERE))
        kept.runs.finish(run, report, run.logs, settle=lambda moment: tell(run, ports.gates, policy, moment))
        crashpoint("run.recorded")
        _note_restored(run, kept)
        if run.decision is not None and run.decision.ending not in (None, Ending.STUCK):  # a person may need that one
            ports.vault.release(run.id)
        return run


def _note_restored(run: Run, kept: Stores) -> None:
    """For the record of the backup, that its target is what it holds again."""
    if run.command is Command.RESTORE and run.decision is not None and run.decision.ending is Ending.CONFIRMED:
        with suppress(UsageError):  # it was pruned since
            kept.backups.restored(kept.backups.find(run.change.source.removeprefix("backup ")), run.target, run.id)


def _cancels(wish: Callable[[], str]) -> str:
    said = wish()
    return said if said == "cancel" else ""


def _begun(filed: Filed, kept: Stores) -> Run:
    """The run at the start of a leg: as it was submitted, or as it was left, with what people approved meanwhile."""
    run, wish = filed.run, kept.submissions.wished(filed.run.id)
    if kept.runs.show(run.id).state != State.RUNNING.value:  # the engine may have forgotten what the record knows
        return run
    promotion = kept.promotions.find(run.id)
    landing = promotion is not None and promotion.step is not Step.ABANDONED
    if filed.leg == 1 and not landing:
        return filed.submission.run
    fresh: dict[str, Any] = {"moved": "", "decision": None, "course": None, "because": "", "stopped": False}
    begun = run.with_(
        **fresh,
        approved=kept.submissions.approved(run),
        landing=landing,
        wish=wish,
        fence=promotion.fence if promotion else 0,
    )
    return stopped_by(wish, begun) if wish in STOPS and not landing else begun


def again(run: Run, ports: LandingPorts, policy: Loaded, objects: PrivateObjects) -> Run:
    """The run upon what the target holds now; held where it may not, or the change does not fit there."""
    promote = policy.policy.promote
    if run.command is Command.RESTORE:
        return held(run, policy, f"{run.moved}; what a backup holds is not put upon anything else")
    why = f"{run.moved}; the policy says to hold" if promote.when_base_moved == "hold" else ""
    if not why and run.attempt >= promote.attempts:
        why = f"{run.moved}; {run.attempt} bases were tried"
    if why and not _let_pass(run, why):
        return held(run, policy, why)
    last = ports.promotions.last(run.target)
    known = (run.change.base_tree, *((last.after, last.before) if last else ()))
    look = ports.target.look(ports.trees, tuple(dict.fromkeys(known)))
    if not look.tree:
        return held(run, policy, aim.edited(look))
    try:
        change = rebased(run.change, objects, look.tree, look.commit or run.change.base_commit, label_of(ports.target, look))
    except ChangeRefused as refused:
        return held(run, policy, f"the target moved: {refused}")
    note = f"attempt {run.attempt} was upon {run.change.base_label}: {run.moved}"
    fresh: dict[str, Any] = {
        "results": (),
        "tests": None,
        "sandbox": None,
        "backup": None,
        "promotion": None,
        "course": None,
        "decision": None,
    }
    return run.with_(**fresh, change=change, moved="", attempt=run.attempt + 1, because="", notes=(*run.notes, note))


def _let_pass(run: Run, why: str) -> bool:
    """Whether a person has seen that the target is what it is now, and approved."""
    return sight(Result(check=aim.CHECK, outcome=Outcome.HOLD, reason=why), run.change.base_tree) in run.approved


def held(run: Run, policy: Loaded, why: str) -> Run:
    """The run, waiting for a person."""
    answer = Result(check=aim.CHECK, outcome=Outcome.HOLD, reason=why, policy=policy.where("promote.when_base_moved"))
    others = tuple(result for result in run.results if result.check != aim.CHECK)
    return run.with_(results=(*others, answer), moved="", decision=Decision(verdict=Verdict.HOLD, ending=None, reason=why))
