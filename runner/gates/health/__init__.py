"""The gate `health`: whether the machine that would judge the change can bear it."""

import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from runner.gates.health import options as section
from runner.gates.health.assess import assess, outlook, room
from runner.gates.health.history import GATE, before, keep, known
from runner.gates.health.kernel import Roots
from runner.gates.health.options import Fault, faults
from runner.gates.health.sampling import LONGEST, take
from runner.gates.health.signals import Sample
from runner.gates.health.verdict import answer
from runner.model.change import Change
from runner.model.result import Result
from runner.model.run import Run
from runner.ports import Gate, Ledger, Moment, Ports, Sandbox

_COPIES = 2
"""How often the new contents of a change are held at once: in the object store, and in the layer of the working copy."""


class Facts(NamedTuple):
    """A sample of a host and when it was taken by the ledger's clock, and the bytes that the change needs."""

    host: str
    taken: float
    sample: Sample
    needed: int = 0


class Health(Gate):
    """Whether this machine can bear the change: what is free, what stands still, whether Docker answers. Limits are quoted comparisons."""

    name = GATE
    Options = section.Options
    default = section.Options()

    def faults(self, options: section.Options) -> Iterable[Fault]:
        """Limits that contradict one another, and limits that nothing can breach."""
        return faults(options)

    def measure(self, run: Run, ports: Ports, options: section.Options) -> Facts:
        """A fresh sample of this machine. Raises StoreUnavailable."""
        facts = measure(ports.ledger, ports.sandbox, ports.folders, options)
        return facts._replace(needed=need(run.change))

    def judge(self, run: Run, facts: Facts, moment: Moment, options: section.Options) -> Result:  # noqa: ARG002
        """Refuses beyond a hard limit; a signal that cannot be read is unknown; warns beyond a soft one, and without history."""
        signals = assess(moment, facts.host, facts.sample, max(0.0, moment.now - facts.taken), options)
        needs = room(facts.needed, facts.sample, options)
        outlooks = outlook(moment, facts.host, facts.sample, options)
        return answer((*signals, needs), outlooks, first=not known(moment, facts.host), options=options)

    def observe(self, run: Run, facts: Facts, moment: Moment, options: section.Options) -> None:  # noqa: ARG002
        """Keep the sample."""
        keep(moment, facts.host, facts.sample, options)

    def charge(self, run: Run, facts: Facts, moment: Moment, options: section.Options) -> None:
        """Nothing: a machine's health is not used up by asking."""

    def settle(self, run: Run, moment: Moment, options: section.Options) -> None:
        """Nothing: how a run ended says nothing of the machine."""


gate = Health()


def measure(
    ledger: Ledger,
    sandbox: Sandbox,
    folders: Mapping[str, Path],
    options: section.Options,
    roots: Roots | None = None,
    *,
    whole: bool = False,
) -> Facts:
    """A fresh sample of this machine, with the time of the ledger's clock. Raises StoreUnavailable.

    The use of the CPU, which may take a moment to tell, is waited for where it is judged, or with `whole`.
    """
    host = socket.gethostname()
    with ledger.reading() as moment:
        taken, earlier = moment.now, before(moment, host, LONGEST)
    storage = sandbox.storage()
    places = {**folders, "Docker": storage} if storage is not None else folders
    judged = bool(options.cpu.soft.parts or options.cpu.hard.parts)
    return Facts(host, taken, take(roots or Roots(), places, sandbox.ping, earlier=earlier, wait=judged or whole))


def need(change: Change) -> int:
    """Bytes that the new contents of a change take, on disk and in memory alike."""
    return _COPIES * sum(file.new_size for file in change.files)


def recheck(run: Run, ports: Ports, options: section.Options) -> Result:
    """The same question with a fresh sample, for right before a promotion. Raises StoreUnavailable."""
    facts = gate.measure(run, ports, options)
    with ports.ledger.writing() as moment:
        found = gate.judge(run, facts, moment, options)
        gate.observe(run, facts, moment, options)
    return found
