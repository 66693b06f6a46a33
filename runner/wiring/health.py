"""What `seatrial health` asks: a fresh sample of this machine, judged and kept as the gate would."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from runner.errors import StoreUnavailable
from runner.gates.health import Facts, measure
from runner.gates.health.assess import Assessed, Outlook, assess, outlook
from runner.gates.health.history import GATE, Past, keep, known, recent, trend
from runner.gates.health.options import Options
from runner.gates.health.verdict import answer
from runner.model.result import Result
from runner.policy.load import Loaded
from runner.ports import Moment
from runner.sandbox.containers import DockerSandbox
from runner.sandbox.engine import Engine
from runner.store.ledger import SqlLedger
from runner.store.places import claim, places
from runner.wiring.policies import policy_here


class Checkup(NamedTuple):
    """The answer of the gate and all that it rests on. `past` is what the store has of the last `DAY` seconds, by the ledger's clock."""

    result: Result
    facts: Facts
    signals: tuple[Assessed, ...]
    outlooks: tuple[Outlook, ...]
    past: tuple[Past, ...]
    policy: Loaded
    problem: str
    """Why the sample could not be kept; empty when it was."""

    @property
    def options(self) -> Options:
        """The section of the policy that judged."""
        found: Options = getattr(self.policy.policy.preflight, GATE)
        return found


DAY = 86400.0


def checkup(file: Path | None, repo: Path) -> Checkup:
    """Take a sample, judge it, and keep it; by the policy in `file`, else of the last commit of `repo`, else the built-in default.

    Raises PolicyInvalid, StoreUnavailable.
    """
    return checkup_by(policy_here(file, repo))


def checkup_by(policy: Loaded, *, whole: bool = False) -> Checkup:
    """The same by a policy that is known; with `whole` the use of the CPU is told even where nothing judges it. Raises StoreUnavailable."""
    where = places()
    options: Options = getattr(policy.policy.preflight, GATE)
    ledger = SqlLedger(claim(where.state))
    with DockerSandbox(Engine(), claim(where.cache)) as sandbox:
        facts = measure(ledger, sandbox, where.folders, options, whole=whole)
    try:
        with ledger.writing() as moment:
            judged = _judged(moment, facts, policy, options)
            keep(moment, facts.host, facts.sample, options)
            return judged
    except StoreUnavailable as problem:  # a full disk above all: then the signals matter most
        with ledger.reading() as moment:
            return _judged(moment, facts, policy, options)._replace(problem=str(problem))
    finally:
        ledger.close()


def _judged(moment: Moment, facts: Facts, policy: Loaded, options: Options) -> Checkup:
    signals = assess(moment, facts.host, facts.sample, max(0.0, moment.now - facts.taken), options)
    outlooks = outlook(moment, facts.host, facts.sample, options)
    result = answer(signals, outlooks, first=not known(moment, facts.host), options=options)
    if result.policy is not None:
        result = result.model_copy(update={"policy": policy.where(result.policy)})
    past = {one.at: one for one in (*trend(moment, facts.host, DAY), *recent(moment, facts.host, DAY)) if one.at <= moment.now}
    return Checkup(result, facts, signals, outlooks, _ordered(past), policy, "")


def _ordered(past: Mapping[float, Past]) -> tuple[Past, ...]:
    return tuple(past[at] for at in sorted(past))
