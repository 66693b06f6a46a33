"""Gate `breaker`: stops runs while this machine fails, while a target's promotions are taken back, or while an author's changes are rejected."""

import socket
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from runner.gates.breaker.admission import Admission, Refusal, ask, by_hand
from runner.gates.breaker.fold import State, Status, at_time
from runner.gates.breaker.log import GATE, Log, called
from runner.gates.breaker.options import NAMES, Breaker, faults, limits
from runner.gates.breaker.options import Options as Section
from runner.gates.breaker.scores import score_of
from runner.model.keys import key_of, parts_of
from runner.model.result import Outcome, Result
from runner.model.run import Run
from runner.model.units import show_duration
from runner.ports import Gate, Moment, Ports


class _Asked(NamedTuple):
    """One breaker, its state now, and what it answers to the run."""

    name: str
    options: Breaker
    state: State
    answer: Admission | Refusal
    claimed: bool = False


class BreakerGate(Gate):
    """Stops runs while this machine fails, while a target's promotions are taken back, or while an author's changes are rejected."""

    name = GATE
    Options = Section
    default = Section()

    def faults(self, options: Section) -> Iterable[tuple[tuple[str | int, ...], str]]:
        """Values that are right one by one and can never work."""
        return faults(options)

    def measure(self, run: Run, ports: Ports, options: Section) -> str:  # noqa: ARG002
        """The name of this host, which its breaker is kept by."""
        return socket.gethostname()

    def judge(self, run: Run, facts: str, moment: Moment, options: Section) -> Result:
        """Refuse for as long as the breaker says that has longest to wait."""
        asked = [*_asked(run, facts, moment, options), *_claimed(run, moment, options)]
        refused = [(one, one.answer) for one in asked if isinstance(one.answer, Refusal)]
        if not refused:
            return _let_in(asked)
        worst, answer = max(refused, key=lambda pair: pair[1].wait)
        claimed = ", whom git names as the author," if worst.claimed else ""
        return Result(
            check=GATE,
            outcome=Outcome.REFUSE,
            reason=f"the breaker {called(worst.state.key)}{claimed} is {answer.why}; try again in {show_duration(_whole(answer.wait))}",
            measured=measured(worst.state),
            limit=answer.limit,
            policy=f"preflight.{GATE}.{worst.name}",
            retry_after=answer.wait,
        )

    def charge(self, run: Run, facts: str, moment: Moment, options: Section) -> None:
        """Write the run down with the generation that it is let in by, and for a probe its permit."""
        for name, key in _keys(run, facts):
            log, section = Log(moment, key), options.of(name)
            if whole(moment, name).forced:
                continue
            log.under(section)
            answer = ask(log.seen(section), section, moment.now, run.id)
            if isinstance(answer, Admission):
                log.admit(run.id, answer.generation, answer.lease)

    def settle(self, run: Run, moment: Moment, options: Section) -> None:
        """Count the outcome where the run was let in, in the generation of that moment; a held one only gives its permit back."""
        if run.decision is None:
            return
        for name, key in _settled_keys(run, moment):
            log = Log(moment, key)
            admission = log.admission(run.id)
            if admission is None:
                continue
            log.under(options.of(name))
            if run.decision.ending is None:
                log.write("held", {}, run=run.id)
            else:
                log.end(run.id, admission.body["generation"], score_of(run, name), run.decision.ending.value)


gate = BreakerGate()


def whole(moment: Moment, name: str) -> State:
    """What was decided by hand for all keys of a breaker: it comes before what a key's own log says."""
    return at_time(Log(moment, key_of(name)).state, moment.now)


def measured(state: State) -> str:
    """What was counted, for people: `2 of 3 failed`."""
    return f"{state.failed} of {len(state.window)} failed"


def _keys(run: Run, host: str) -> tuple[tuple[str, str], ...]:
    """The breakers that a run is charged to, each with the key of its log."""
    of = {"host": (host,), "promotion": (run.target,), "author": (run.target, run.author.name)}
    return tuple((name, key_of(name, *of[name])) for name in NAMES)


def _settled_keys(run: Run, moment: Moment) -> Iterator[tuple[str, str]]:
    """The same when the run has ended, which another host than the one that let it in may be the one to tell."""
    host, *others = _keys(run, socket.gethostname())
    if moment.find(GATE, host[1], "admitted", run.id) is None:
        known = (key for key in moment.keys(GATE) if parts_of(key)[0] == "host")
        host = ("host", next((key for key in known if moment.find(GATE, key, "admitted", run.id)), host[1]))
    return iter((host, *others))


def _asked(run: Run, host: str, moment: Moment, options: Section) -> Iterator[_Asked]:
    for name, key in _keys(run, host):
        section, over = options.of(name), whole(moment, name)
        state = Log(moment, key).seen(section)
        if over.forced and not (over.forced.state == "disabled" and state.forced and state.forced.state == "open"):
            state = over
        yield _Asked(name, section, state, ask(state, section, moment.now, run.id))


def _claimed(run: Run, moment: Moment, options: Section) -> Iterator[_Asked]:
    """The breaker of whom git names as the author, where it is open: a claim is read and never charged, since anybody can make it."""
    if not run.author.claim or run.author.claim == run.author.name:
        return
    state = Log(moment, key_of("author", run.target, run.author.claim)).seen(options.author)
    answer = ask(state, options.author, moment.now, run.id)
    if isinstance(answer, Refusal) and (state.forced or state.status is Status.OPEN):
        yield _Asked("author", options.author, state, answer, claimed=True)


def _let_in(asked: list[_Asked]) -> Result:
    forced = [one for one in asked if one.state.forced]
    probing = [one for one in asked if isinstance(one.answer, Admission) and one.answer.lease is not None]
    worst = max(asked, key=lambda one: one.state.failed / max(1, len(one.state.window)))
    told = (
        f"the breaker {called(forced[0].state.key)} is {by_hand(forced[0].state)}"
        if forced
        else f"the breaker {called(probing[0].state.key)} is half-open, and this run probes"
        if probing
        else "no breaker is open"
    )
    return Result(
        check=GATE,
        outcome=Outcome.WARN if forced else Outcome.PASS,
        reason=f"{told} ({worst.name}: {measured(worst.state)})",
        measured=measured(worst.state),
        limit=limits(worst.options),
        policy=f"preflight.{GATE}.{worst.name}",
    )


def _whole(seconds: float) -> float:
    """Seconds as a person would say them."""
    return float(-(-seconds // 1))
