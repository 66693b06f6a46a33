"""Puts changes on file and carries them to their targets."""

from typing import Final

from runner.crashpoints import crashpoint
from runner.errors import UsageError
from runner.model.run import Command, Run, State
from runner.ports import Progress
from runner.store.executors import SUBMIT, WATCH, Executors
from runner.store.places import Places, claim, places
from runner.wiring.carrying import Stores, stores
from runner.wiring.filing import Prepared, Wanted, prepare, prepare_again
from runner.wiring.process import carrying, state_of
from runner.wiring.voice import Voice

UNIT: Final = "systemd-run --user --unit=seatrial-watch --property=Restart=always seatrial watch"
"""What starts a watcher that outlives a login."""


def submit(wanted: Wanted, progress: Progress, *, detach: bool = False) -> Run:
    """Carry a change to its target and wait; with `detach` leave it to a watcher. Raises UsageError, PolicyInvalid, InfrastructureError."""
    where = places()
    claim(where.cache)
    require_engine()
    if detach:
        require_watcher(where)
    return _sent(prepare(wanted, where, progress), where, progress, detach=detach)


def retry(run: str, progress: Progress) -> Run:
    """Submit the change of a run that has ended once more, as a new run, and wait. Raises as `submit` does."""
    where = places()
    with stores(where) as kept:
        filed = kept.submissions.load(kept.runs.find(run))
        state = state_of(kept, filed.run.id)
    require_engine()
    if filed.run.command is Command.RESTORE:
        raise UsageError(f"run {filed.run.id} restored a backup, by a person's word", hint="seatrial backup restore ID --live --reason ...")
    if state is not State.ENDED:
        raise UsageError(f"run {filed.run.id} has not ended", hint=f"`seatrial run resume {filed.run.id}` goes on with it.")
    return _sent(prepare_again(filed, where, progress), where, progress, detach=False)


def _sent(prepared: Prepared, where: Places, progress: Progress, *, detach: bool) -> Run:
    """Put it on file and set out, or join the run that does the same."""
    voice = Voice(progress, prepared.live or (prepared.submission.run.id if prepared.submission else ""))
    with carrying(SUBMIT, voice) as process:  # before it is on file: nobody else must find it lying there
        with stores(where) as kept:
            run = _on_file(prepared, where, progress, kept)
            mine = prepared.submission is not None and run == prepared.submission.run.id
            if mine and detach:
                process.executor.hand_over(run, 1)
            elif mine:
                process.executor.carry(run, 1)
            over = state_of(kept, run) is not State.RUNNING
            filed = kept.submissions.load(run)
        if over or detach:
            return filed.run
        voice.mine = run
        if not mine:
            process.go_on(run)
        return process.follow(run, mine=mine)


def _on_file(prepared: Prepared, where: Places, progress: Progress, kept: Stores) -> str:
    """The run that is to be followed: this one, or the one that does or did the same."""
    submission = prepared.submission
    if submission is None:
        live = kept.submissions.load(prepared.live).run
        told = "brought it there" if live.state is State.ENDED else "brings it there at this moment; waiting for it"
        progress.note(f"the target holds this change already: run {prepared.live} {told}")
        return prepared.live
    if submission.policy.values["monitor"]["watcher"] == "required":
        require_watcher(where)
    crashpoint("submit.filing")
    run = kept.submissions.file(submission)
    crashpoint("submit.filed")
    progress.note(f"run {run}" if run == submission.run.id else f"the same is under way as run {run}")
    return run


def require_engine() -> None:
    """Raises InfrastructureError where what carries runs is not installed: nothing must be put on file then."""
    from runner.engine.executor import require

    require()


def require_watcher(where: Places) -> None:
    """Raises UsageError unless some process watches: whoever leaves a promotion alone needs one that ends it."""
    executors = Executors(claim(where.state))
    if not executors.live(WATCH):
        raise UsageError(
            "no `seatrial watch` is running, so nobody would end what this process leaves", hint=f"Start one that stays:\n{UNIT}"
        )
