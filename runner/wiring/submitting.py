"""What a process does about submitted runs: carries its own, takes over what the dead left, and asks others for things."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, NamedTuple

from runner.crashpoints import crashpoint
from runner.errors import Fenced, InfrastructureError, StoreUnavailable, Terminated, UsageError
from runner.git.scratch import sweep
from runner.model.promotion import Promotion, Step
from runner.model.result import Ending, Outcome, sight
from runner.model.run import Command, Run, State
from runner.model.submission import Answer
from runner.policy.stored import restored
from runner.ports import Progress
from runner.store.executors import SUBMIT, WATCH, Executors
from runner.store.places import Places, claim, places
from runner.store.submissions import Filed
from runner.targets.spec import parse
from runner.wiring.carrying import Carrier, Stores, stores
from runner.wiring.filing import Prepared, Wanted, opened, prepare, prepare_again
from runner.wiring.target import target_of

if TYPE_CHECKING:
    from runner.engine.executor import Executor

_TICK: Final = 1.0
"""Seconds between two looks for what nobody works on."""
_LATE: Final = 5.0
"""Seconds beyond its deadline after which somebody else looks after a promotion."""
STALLED: Final = 120.0
"""The same for a process that lives and does nothing: taking back may take that long, with the operator's commands."""
_LONGEST_WAIT: Final = 60.0
_FAREWELL: Final = 600.0
"""Seconds that a process which was asked to end takes at most to take back what it promoted."""
UNIT: Final = "systemd-run --user --unit=seatrial-watch --property=Restart=always seatrial watch"
"""What starts a watcher that outlives a login."""


class Carrying(NamedTuple):
    """This process while it carries runs."""

    executor: "Executor"
    carrier: Carrier
    where: Places
    progress: Callable[[str], Progress]
    keeper: "Keeper"

    def go_on(self, run: str, *, wish: str = "", was: Step | None = None) -> None:
        """Take over what the dead left, and carry the run here unless it goes on anywhere. `was`: its promotion when the wish was made."""
        self.executor.reap()
        with stores(self.where) as kept:
            filed, state = kept.submissions.load(run), _state(kept, run)
            going = self.executor.begun(run, filed.leg)
            if going is None and state is State.RUNNING:
                self.executor.carry(run, filed.leg)
            elif not going and (state is State.RUNNING or _is_open(wish, state, kept.promotions.find(run), was)):
                self.executor.carry(run, kept.submissions.set_out(run, filed.leg, wish=wish))

    def follow(self, run: str, *, mine: bool = False) -> Run:
        """Wait until the run is held or has ended, wherever it is carried; asked to end meanwhile, this process cleans up first.

        `mine`: this process put the run on file, so that to end this process is to cancel the run, whoever carries it by then.
        """
        try:
            return self._followed(run)
        except (KeyboardInterrupt, Terminated):
            if self.executor.carries(run) or mine:
                self.carrier.stop(run)
                with suppress(TimeoutError, InfrastructureError, Fenced):
                    if mine and not self.executor.carries(run):
                        with stores(self.where) as kept:
                            kept.submissions.wish(run, "cancel", "", "the process that submitted it was asked to end")
                    ended = self._followed(run, _FAREWELL)
                    self.progress(run).note(f"run {run}: {_ended(ended)}")
            raise

    def _followed(self, run: str, seconds: float = math.inf) -> Run:
        """By what this process carries, and by the record: what another one carries may be forgotten by the time that it is looked for."""
        until = time.monotonic() + seconds
        with stores(self.where) as kept:
            while True:
                leg = kept.submissions.load(run).leg
                with suppress(TimeoutError):
                    self.executor.wait(run, leg, _TICK)
                over = _state(kept, run) is not State.RUNNING and not self.executor.carries(run)
                filed = kept.submissions.load(run)  # not before: it may be over since
                if over:
                    if filed.run.state is State.ENDED:
                        self.executor.forget(run, filed.leg)
                    return filed.run
                if time.monotonic() > until:
                    raise TimeoutError(f"run {run} goes on")


@contextmanager
def carrying(role: str, progress: Callable[[str], Progress]) -> Iterator[Carrying]:
    """Make this process one that carries runs; raises StoreUnavailable, and InfrastructureError where the engine is not installed."""
    from runner.engine.executor import Executor

    where = places()
    claim(where.cache)
    claim(where.state)

    def blocked(promotion: Promotion) -> None:
        """Nobody may work on what is in the way: then it is gone on with here."""
        del promotion
        executor.reap()

    carrier = Carrier(where, progress, blocked)
    with Executor(where.state, role=role, work=carrier.work) as executor:
        keeper = Keeper(executor, where, progress)
        with _keeping(keeper, where) if role == SUBMIT else nullcontext():
            yield Carrying(executor, carrier, where, progress, keeper)


class Keeper:
    """Looks after runs that nobody works on, for as long as this process lives."""

    def __init__(self, executor: "Executor", where: Places, progress: Callable[[str], Progress]) -> None:
        self._executor, self._where, self._progress = executor, where, progress
        self._found: dict[str, float] = {}
        self._waits: dict[str, tuple[float, float]] = {}
        """When a run whose leg broke off may be tried again, by the monotonic clock, and how long the next wait is."""

    def look(self, kept: Stores, *, everything: bool) -> tuple[str, ...]:
        """Go on with what dead processes left where a deadline has passed or, with `everything`, in any case; the runs taken over."""
        taken = list(self._expired(kept))
        if not everything and not self._late(kept):
            return tuple(taken)
        taken += [name.rpartition(".")[0] for name in self._executor.reap()]
        taken += self._thawed(kept)
        for run, leg in kept.submissions.running():
            going = self._executor.begun(run, leg)
            if going is None and everything and self._lies(run):
                self._executor.hand_over(run, leg)
                taken.append(run)
            elif going is False and self._broke_off(run, leg, kept):
                with suppress(UsageError):
                    self._executor.carry(run, kept.submissions.set_out(run, leg, wish=kept.submissions.wished(run)))
                    taken.append(run)
        return tuple(taken)

    def _expired(self, kept: Stores) -> Iterator[str]:
        """Runs whose hold has ended: they end, or are taken back."""
        for run, leg in kept.submissions.expired():
            with suppress(UsageError):  # another process was first
                self._executor.carry(run, kept.submissions.set_out(run, leg, wish="expire"))
                self._progress(run).note("its hold has expired")
                yield run

    def _lies(self, run: str) -> bool:
        """Whether nobody has begun a run for a while: whoever put it on file a moment ago is about to."""
        return time.monotonic() - self._found.setdefault(run, time.monotonic()) > _LATE

    def _late(self, kept: Stores, beyond: float = _LATE) -> tuple[str, ...]:
        """The runs whose promotion is so many seconds beyond its deadline, and neither confirmed nor taken back."""
        now = kept.promotions.now()
        return tuple(one.run for one in kept.promotions.open() if one.deadline is not None and now > one.deadline + beyond)

    def _thawed(self, kept: Stores) -> tuple[str, ...]:
        """Take over from whoever lives and does nothing long after the deadline: it hangs or is frozen, and the fence stops it for good."""
        taken = []
        for run in self._late(kept, STALLED):
            filed = kept.submissions.load(run)
            if not self._executor.carries(run) and self._executor.begun(run, filed.leg) and self._due(run):
                self._executor.adopt(run, filed.leg)
                taken.append(run)
        return tuple(taken)

    def _broke_off(self, run: str, leg: int, kept: Stores) -> bool:
        """Whether a leg ended by a fault while its target waits; a run is tried again at once, then less and less often."""
        promotion = kept.promotions.find(run)
        if promotion is None or promotion.step is Step.ABANDONED:
            return False
        if not self._due(run):
            return False
        try:
            self._executor.wait(run, leg, 0)
        except Exception as problem:  # noqa: BLE001 - whatever it was, the target must not be left alone
            self._progress(run).note(f"it broke off: {problem}")
        return True

    def _due(self, run: str) -> bool:
        """Whether it is time to try a run again, and then not again for a while that doubles."""
        due, pause = self._waits.get(run, (0.0, _TICK))
        if time.monotonic() < due:
            return False
        self._waits[run] = (time.monotonic() + pause, min(2 * pause, _LONGEST_WAIT))
        return True


@contextmanager
def _keeping(keeper: Keeper, where: Places) -> Iterator[None]:
    """While this process lives, look after promotions that are beyond their deadline and that nobody works on."""
    ended = Event()

    def keep() -> None:
        while not ended.wait(_TICK):
            with suppress(StoreUnavailable), stores(where) as kept:
                keeper.look(kept, everything=False)

    thread = Thread(target=keep, name="seatrial-keeper", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


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
        state = _state(kept, filed.run.id)
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
            over = _state(kept, run) is not State.RUNNING
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


def resume(run: str, progress: Progress) -> Run:
    """Go on with a run whose process died or was stopped by a fault, in this process. Raises UsageError when there is nothing to go on with."""
    where = places()
    with stores(where) as kept:
        filed = kept.submissions.load(kept.runs.find(run))
        state, now = _state(kept, filed.run.id), kept.promotions.now()
    if state is State.ENDED:
        hint = f"`seatrial run retry {filed.run.id}` submits its change again."
        raise UsageError(f"run {filed.run.id} has ended: there is nothing to go on with", hint=hint)
    if state is State.HELD and filed.expires is not None and filed.expires <= now:
        return _carry_on(filed.run.id, progress, wish="expire")
    if state is State.HELD:
        hint = f'`seatrial run approve {filed.run.id} --reason "..."` lets it go on.'
        raise UsageError(f"run {filed.run.id} is held: a person must look", hint=hint)
    return _carry_on(filed.run.id, progress)


def ask(run: str, wish: str, who: str, reason: str, progress: Progress) -> Run:
    """Ask for `cancel`, `confirm` or `rollback` and wait for what comes of it; where nobody works on the run, this process does it."""
    where = places()
    with stores(where) as kept:
        run = kept.runs.find(run)
        filed, promotion = kept.submissions.load(run), kept.promotions.find(run)
        _check(wish, filed.run, _state(kept, run), promotion, kept.promotions.standing(filed.run.target))
        if promotion is not None and not promotion.step.open:
            _reachable(filed, kept)
        kept.submissions.wish(run, wish, who, reason)
    return _carry_on(run, progress, wish=wish, was=promotion.step if promotion else None)


def _check(wish: str, run: Run, state: State, promotion: Promotion | None, last: Promotion | None) -> None:
    """Raises UsageError where that wish means nothing."""
    step = promotion.step if promotion else None
    hint = f"`seatrial run show {run.id}` says where it is."
    if wish == "cancel" and state is State.ENDED:
        raise UsageError(f"run {run.id} has ended", hint=hint)
    if wish == "confirm" and step not in (Step.PROMOTED, Step.STUCK):
        raise UsageError(f"run {run.id} has nothing to confirm: it is {step.value if step else 'not promoted'}", hint=hint)
    if wish == "rollback":
        if step not in (Step.PREPARED, Step.PROMOTED, Step.CONFIRMED, Step.TAKING_BACK, Step.STUCK):
            raise UsageError(f"run {run.id} has nothing to take back: it is {step.value if step else 'not promoted'}", hint=hint)
        if last is not None and last.run != run.id and run.target.startswith("dir:"):
            raise UsageError(
                f"run {last.run} was promoted to the same target since", hint=f"Take that one back first: seatrial rollback {last.run}"
            )


def _reachable(filed: Filed, kept: Stores) -> None:
    """Before a run that has ended is opened again: raises UsageError where its target is another run's, or cannot be looked at."""
    run = filed.run
    if other := next((one for one in kept.promotions.open() if one.target == run.target and one.run != run.id), None):
        raise UsageError(f"run {other.run} is under way to {run.target}", hint=f"Wait for it: seatrial run wait {other.run}")
    spec = parse(filed.submission.target)
    with opened(Path(run.repository), spec, places().state) as objects:
        target_of(spec, objects, restored(filed.submission.policy).policy.promote, run.id).look(objects, (run.change.tree,))


def _is_open(wish: str, state: State, promotion: Promotion | None, was: Step | None) -> bool:
    """Whether a wish asks for something that nobody has done: whoever carried the run may have heard it, and ended the run by it."""
    step = promotion.step if promotion else None
    if state is not State.ENDED:
        return bool(wish)
    if step is Step.STUCK:  # it was tried, unless it was stuck before
        return bool(wish) and was is Step.STUCK
    return wish == "rollback" and step is Step.CONFIRMED


def _carry_on(run: str, progress: Progress, *, wish: str = "", was: Step | None = None) -> Run:
    with carrying(SUBMIT, Voice(progress, run)) as process:
        process.go_on(run, wish=wish, was=was)
        process.follow(run)
        process.go_on(run, wish=wish)  # it may have ended just before it could hear the wish
        return process.follow(run)


def answer(run: str, verb: str, who: str, reason: str, progress: Progress) -> Run:
    """Approve or deny a held run, and carry on with what follows. Raises UsageError when it is not held, or the author approves."""
    where = places()
    with stores(where) as kept:
        run = kept.runs.find(run)
        filed, promotion = kept.submissions.load(run), kept.promotions.find(run)
        held = filed.run
        if _state(kept, run) is not State.HELD:
            raise UsageError(f"run {run} is not held", hint=f"`seatrial run show {run}` says where it is.")
        if filed.expires is not None and kept.promotions.now() >= filed.expires:
            hint = f"`seatrial run resume {run}` ends it; `seatrial run retry {run}` submits the change again then."
            raise UsageError(f"the hold of run {run} has expired", hint=hint)
        if promotion is not None and promotion.step.open:
            other = "confirm" if verb == "approve" else "rollback"
            raise UsageError(f"run {run} is promoted, and waits for its confirmation", hint=f"seatrial {other} {run}")
        if verb == "approve" and who.casefold() in _authors(held):
            raise UsageError(f"{who} is the author of the change, who cannot approve it", hint="Somebody else must look.")
        holding = (result for result in held.results if result.outcome in (Outcome.HOLD, Outcome.UNKNOWN))
        checks = tuple(dict.fromkeys(sight(result, held.change.base_tree) for result in holding))
        said = Answer(
            run=run, answer=verb, who=who, reason=reason, patch_id=held.change.patch_id, policy_digest=held.policy.digest, checks=checks
        )
        leg = kept.submissions.set_out(run, filed.leg, wish="deny" if verb == "deny" else "", answer=said)
    with carrying(SUBMIT, Voice(progress, run)) as process:
        process.executor.carry(run, leg)
        return process.follow(run)


def _authors(run: Run) -> frozenset[str]:
    """All that the author of a change is called by, and the program that wrote it: none of them approves it."""
    claim = run.author.claim
    named = (run.author.name, run.author.agent, claim, claim.partition("@")[0])
    return frozenset(name.casefold() for name in named if name)


def wait(run: str, seconds: float | None) -> Run:
    """Wait until a run is held or has ended, and touch nothing. Raises TimeoutError, and InfrastructureError when nobody works on it."""
    where = places()
    until = None if seconds is None else time.monotonic() + seconds
    executors = Executors(claim(where.state))
    with stores(where) as kept:
        run = kept.runs.find(run)
        while _state(kept, run) is State.RUNNING:
            if not executors.live(SUBMIT) and not executors.live(WATCH):
                raise InfrastructureError(f"nobody works on run {run}", hint=f"seatrial run resume {run}")
            if until is not None and time.monotonic() >= until:
                raise TimeoutError
            time.sleep(_TICK / 2)
        return kept.submissions.load(run).run


def _state(kept: Stores, run: str) -> State:
    """Where a run is by the record; what its last stage left is not told before that is recorded, and after an approval it is old."""
    return State(kept.runs.show(run).state)


def watch(progress: Progress, *, once: bool = False) -> None:
    """Look after every run: take over what dead processes left, end holds, enforce deadlines; until this process is asked to end."""
    with carrying(WATCH, lambda run: _Named(run, progress)) as process:
        progress.note(f"watching as {process.executor.id}")
        for folder in (process.where.state / "objects").glob("*"):  # of runs that were killed before they were on file
            sweep(folder)
        taken: set[str] = set()
        while True:
            try:
                with stores(process.where) as kept:
                    for run in process.keeper.look(kept, everything=True):
                        taken.add(run)
                        progress.note(f"run {run}: taken over")
                    over = {run for run in taken if not process.executor.begun(run, kept.submissions.load(run).leg)}
                    for run in sorted(over):
                        progress.note(f"run {run}: {_ended(kept.submissions.load(run).run)}")
                    taken -= over
                    if once and not taken and not kept.promotions.open() and not kept.submissions.running():
                        return
            except StoreUnavailable as problem:
                if once:
                    raise
                progress.note(f"the record cannot be used at this moment: {problem}")
            time.sleep(_TICK)


def _ended(run: Run) -> str:
    """What became of a run, in a line: also what its target holds by now, where it came as far as that."""
    if run.decision is None:
        return "it goes on"
    word = (run.decision.ending or "held").replace("_", " ")
    back = f"; {run.target} is what it was before" if run.decision.ending is Ending.ROLLED_BACK else ""
    return f"{word}: {run.decision.reason}{back}"


class Voice:
    """What this process says of the runs that it carries: of its own plainly, of those that it took over with their names."""

    def __init__(self, progress: Progress, mine: str) -> None:
        self.mine = mine
        self._progress = progress

    def __call__(self, run: str) -> Progress:
        """Where to say what happens to a run."""
        return self._progress if run == self.mine else _Named(run, self._progress)


class _Named:
    """Says what happens to one run of many."""

    def __init__(self, run: str, progress: Progress) -> None:
        self._run, self._progress = run, progress

    def stage(self, name: str) -> None:
        self._progress.note(f"run {self._run}: {name}")

    def note(self, text: str) -> None:
        self._progress.note(f"run {self._run}: {text}")

    def tests(self, side: str, done: int, total: int | None) -> None:
        """Too much where there are many."""

    def probe(self, name: str, said: str) -> None:
        self._progress.probe(f"{name} of run {self._run}", said)
