"""What one run of a test suite showed, and the comparison of two."""

from enum import StrEnum

from runner.model.value import Value

_FROM_BEST_TO_WORST = ("passed", "xpassed", "xfailed", "skipped", "error", "failed", "hung", "crashed")


class TestOutcome(StrEnum):
    """The explicit result of one test."""

    __test__ = False

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    XPASSED = "xpassed"
    HUNG = "hung"
    """It was still running, alone, when its time was up."""
    CRASHED = "crashed"
    """It ended the process, alone, before it had a result."""

    @property
    def held(self) -> bool:
        """Whether the test ran and its expectation was met."""
        return self in (TestOutcome.PASSED, TestOutcome.XFAILED, TestOutcome.XPASSED)

    @property
    def failed(self) -> bool:
        """Whether the test ran, or tried to, and its expectation was not met."""
        return self in (TestOutcome.FAILED, TestOutcome.ERROR, TestOutcome.HUNG, TestOutcome.CRASHED)

    @property
    def rank(self) -> int:
        """How bad the outcome is, from 0 for the best; of two records for one test the worse one counts."""
        return _FROM_BEST_TO_WORST.index(self.value)


class TestRecord(Value):
    """One test of one run; `seconds` is its duration as the suite told it, `text` the end of its failure text."""

    __test__ = False

    id: str
    outcome: TestOutcome
    seconds: float = 0.0
    text: str = ""
    path: str = ""
    """The file that holds the test, relative to the working copy; empty when the adapter cannot tell."""


class Stop(StrEnum):
    """Why a sandbox stopped, as seen from outside."""

    EXITED = "exited"
    TIMED_OUT = "timed out"
    STALLED = "stalled"
    """One test ran far longer than it ever did on the base."""
    OUT_OF_MEMORY = "out of memory"
    FLOODED = "too much output"
    REPORT_TOO_LARGE = "report too large"


class Module(Value):
    """A module that the suite had imported, and its file as the interpreter knew it."""

    name: str
    file: str


class Usage(Value):
    """What a sandbox used; `None` where nothing could be measured."""

    seconds: float = 0.0
    """Wall time by the host's clock."""
    cpu_seconds: float | None = None
    memory_peak: int | None = None
    """Bytes."""
    pids_denied: int | None = None
    """How often a new process or thread was refused by the pid limit."""
    disk_full: str | None = None
    """The path that ran out of room, if one did."""


class Errand(Value):
    """How one errand after the suite went: a command with a report of its own, in the sandbox whose suite was dead by then."""

    status: int | None
    """Exit status; `None` when its time was up, or when it said too much."""
    seconds: float
    """Wall time by the launcher's clock."""
    told: str = ""
    """What it wrote to its report; hostile text."""
    cut: bool = False
    """Whether it was ended because the time of all errands was up, before its own was."""


class SuiteRun(Value):
    """One suite run in one sandbox, as read from the bounded report stream and from the engine."""

    stop: Stop
    exit_code: int | None
    collected: tuple[str, ...] = ()
    """Every id the suite said it would run, in order."""
    deselected: int = 0
    records: tuple[TestRecord, ...] = ()
    collect_errors: tuple[TestRecord, ...] = ()
    in_flight: str | None = None
    """The test that had started and not ended when the report stopped."""
    ended: bool = False
    """Whether the session said that it ended, and said the same totals and exit status as its records and the engine."""
    disagreement: str = ""
    """How the channels differ, when they do."""
    modules: tuple[Module, ...] = ()
    origins_known: bool = False
    """Whether `modules` was reported: only then can the origin control answer."""
    runner: str = ""
    """Name and version of what ran, e.g. `pytest 8.3.5, python 3.11.2`."""
    log: str = ""
    """The end of what the suite printed; hostile text."""
    log_truncated: bool = False
    usage: Usage = Usage()
    parts: int = 0
    """In how many children it ran, a test file each; 0: one process for all."""
    errands: tuple[Errand, ...] | None = None
    """What was run after the suite; `None` when nothing was, or the sandbox did not live to tell."""


class Pair(Value):
    """One test on both sides."""

    id: str
    base: TestOutcome | None
    patched: TestOutcome | None
    path: str = ""
    text: str = ""
    note: str = ""
    """What came of running it again, and what is known of it from earlier trials."""


class Made(StrEnum):
    """What a change made of a test of the base."""

    REMOVED = "removed"
    """Its function, or its file, is gone."""
    MOVED = "moved"
    """Another changed file has its function now, word for word."""
    EDITED = "edited"
    """Its function says something else."""
    FILE_EDITED = "file edited"
    """Its function is as it was, but not what stands around it in its file; or the file cannot be read as Python."""
    HELPERS_EDITED = "helpers edited"
    """Its file is as it was, but not a conftest, helper, data or settings file near it."""


class Touched(Value):
    """A test of the base that the change touches: the base's test on both sides, and the change's version of it."""

    id: str
    path: str
    made: Made
    base: TestOutcome | None
    """Of the base's test on the base."""
    patched: TestOutcome | None
    """Of the base's test over the verdict tree."""
    own: TestOutcome | None
    """Of the change's version over the patched tree; `None` where there is none."""
    terms: tuple[str, ...] = ()
    """What the gate `anomaly` says of it."""

    @property
    def differs(self) -> bool:
        """Whether the outcomes are not all the same."""
        return not self.base == self.patched == self.own

    @property
    def tells(self) -> bool:
        """Whether there is more to say than that something near it was edited."""
        return bool(self.terms) or self.differs or self.made not in (Made.FILE_EDITED, Made.HELPERS_EDITED)

    @property
    def rank(self) -> tuple[bool, int]:
        """The smaller, the sooner a person should see it: terms and differing outcomes first, then what became of its own text."""
        return not (self.terms or self.differs), tuple(Made).index(self.made)


class SuiteSummary(Value):
    """Totals of one suite run for the report."""

    tests: int = 0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    cached: bool = False
    runner: str = ""
    stop: Stop = Stop.EXITED
    usage: Usage = Usage()


class Comparison(Value):
    """Base against verdict tree, per test (DESIGN §6)."""

    base: SuiteSummary = SuiteSummary()
    patched: SuiteSummary = SuiteSummary()
    own: SuiteSummary | None = None
    """The suite with the change's own tests, when it brings any."""
    broken: tuple[Pair, ...] = ()
    fixed: tuple[Pair, ...] = ()
    missing: tuple[Pair, ...] = ()
    skipped: tuple[Pair, ...] = ()
    """Newly skipped: they ran on the base."""
    still_failing: tuple[Pair, ...] = ()
    flaky: tuple[Pair, ...] = ()
    new: tuple[Pair, ...] = ()
    """Tests of the change that the base does not have, from the own suite."""
    tests_side: tuple[str, ...] = ()
    """Changed paths that were taken from the base in the verdict tree."""
    source_side: tuple[str, ...] = ()
    """Changed paths that were taken from the change."""
    touched: tuple[Touched, ...] = ()
    """Tests of the base that the change touches, at most 200, those that a person should see first in front."""
