"""A run: one attempt to judge one change under one policy."""

from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from runner.model.change import Change
from runner.model.promotion import Step
from runner.model.result import Decision, Result, Verdict
from runner.model.suite import Comparison
from runner.model.value import Value


class State(StrEnum):
    """Where a run is."""

    QUEUED = "queued"
    """A server was asked for it, and nobody has read its change yet."""
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
    agent: str = ""
    """The program that wrote it, by the caller's word."""
    ticket: str = ""
    """What it is about, elsewhere."""


class Command(StrEnum):
    """What was asked of a run."""

    CHECK = "check"
    SUBMIT = "submit"
    RESTORE = "restore"
    """A backup is put into its target again: nothing is judged."""


class Kept(Value):
    """The backup of what the target was; `size` and `added` in bytes."""

    id: str
    files: int
    size: int
    added: int


class Course(StrEnum):
    """What is to become of a promotion."""

    CONFIRM = "confirm"
    TAKE_BACK = "take_back"
    UNDECIDED = "undecided"


class Landed(Value):
    """What became of a promotion, for a report; times are ISO 8601 in UTC."""

    target: str
    step: Step
    method: str = ""
    before: str
    after: str
    commit: str = ""
    promoted: str | None = None
    deadline: str | None = None
    mixed: bool = False
    """Whether readers could see a mix of both trees while it was made."""
    detection: float | None = None
    """Seconds from the promotion to the decision to take it back."""
    recovery: float | None = None
    """Seconds from that decision until the target was verified to be what it was."""
    note: str = ""


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
    command: Command = Command.CHECK
    attempt: int = 1
    """Which base this is tried upon: one more each time that the target moved meanwhile."""
    landing: bool = False
    """Whether this leg of the run begins with a promotion that is under way, or was: nothing is judged again."""
    moved: str = ""
    """Why this attempt ended without a decision: the target is not its base any more."""
    approved: tuple[str, ...] = ()
    """What a person has looked at and let pass, as `runner.model.result.sight` says it, for this patch and policy."""
    backup: Kept | None = None
    promotion: Landed | None = None
    course: Course | None = None
    """What the stages after the promotion found it to deserve; `because` says why."""
    because: str = ""
    wish: str = ""
    """What a person had asked for when this leg of the run began."""
    fence: int = 0
    """The fence of the promotion at that moment."""
    stopped: bool = False
    """Whether it is taken back only because its process was asked to end: that says nothing about the change."""
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
        """Running until there is a decision, and while what was accepted is on its way; held when a person must look."""
        if self.decision is None:
            return State.RUNNING
        if self.decision.ending:
            return State.ENDED
        return State.HELD if self.decision.verdict is Verdict.HOLD else State.RUNNING

    def with_(self, **changes: object) -> "Run":
        """This run with some fields replaced, validated again."""
        return Run(**{**{name: getattr(self, name) for name in type(self).model_fields}, **changes})


def run_id(change: Change, target: str, policy_digest: str, attempt: str) -> str:
    """Twelve hexadecimal digits that name (change, target, policy, attempt)."""
    return sha256(f"{change.id}\0{target}\0{policy_digest}\0{attempt}".encode()).hexdigest()[:12]
