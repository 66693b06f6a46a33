"""A run: one attempt to judge one change under one policy."""

from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from runner.model.change import Change
from runner.model.result import Decision, Result
from runner.model.suite import Comparison
from runner.model.value import Value


class State(StrEnum):
    """Where a run is."""

    RUNNING = "running"
    HELD = "held"
    ENDED = "ended"


class SandboxFacts(Value):
    """The sandbox as it was in force, read from inside and from the engine."""

    image: str = ""
    digest: str = ""
    runtime: str = ""
    working_copy: str = ""
    """`overlay` or `stream`."""
    limits: dict[str, str] = {}
    in_force: dict[str, str] = {}


class Author(Value):
    """Who made a change. `name` is the word of a trusted caller, empty when nobody vouched; `claim` is what git says, and may tighten only."""

    name: str = ""
    claim: str = ""


class Gates(StrEnum):
    """What pre-flight gates may do: say what they would, or stop a run and charge for it."""

    INFORM = "inform"
    ENFORCE = "enforce"


class PolicyFacts(Value):
    """Which policy judged: where it came from, and the sha256 of its resolved form."""

    source: str
    digest: str


class Run(Value):
    """Everything known of one run; each stage returns a new one."""

    id: str
    started: datetime
    repository: str
    policy: PolicyFacts
    change: Change
    target: str = ""
    """What the gates count by: where the change would go, or for a check the repository that it is judged in."""
    author: Author = Author()
    gates: Gates = Gates.INFORM
    results: tuple[Result, ...] = ()
    tests: Comparison | None = None
    sandbox: SandboxFacts | None = None
    level: str = ""
    timings: dict[str, float] = {}
    """Seconds per stage."""
    logs: dict[str, str] = {}
    """The ends of the suites' logs, by run; hostile text."""
    notes: tuple[str, ...] = ()
    """Choices made on the way that a reader should know of."""
    decision: Decision | None = None

    @property
    def state(self) -> State:
        """Running until there is a decision; held when it names no ending."""
        if self.decision is None:
            return State.RUNNING
        return State.ENDED if self.decision.ending else State.HELD

    def with_(self, **changes: object) -> "Run":
        """This run with some fields replaced, validated again."""
        return Run(**{**{name: getattr(self, name) for name in type(self).model_fields}, **changes})


def run_id(change: Change, target: str, policy_digest: str, attempt: str) -> str:
    """Twelve hexadecimal digits that name (change, target, policy, attempt)."""
    return sha256(f"{change.id}\0{target}\0{policy_digest}\0{attempt}".encode()).hexdigest()[:12]
