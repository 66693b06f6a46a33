"""What the stages need from the world, as small Protocols, and the bundle that carries them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from runner.model.change import Change, FileChange
from runner.model.history import Past
from runner.model.promotion import Look, Promotion, Standing
from runner.model.result import Result
from runner.model.run import Course, Run
from runner.model.sandbox import Execution, Image, Job
from runner.model.suite import SuiteRun
from runner.model.value import Value


class TreeEntry(NamedTuple):
    """One line of `git ls-tree`: light, since a tree may have 100 000 of them."""

    mode: str
    blob: str
    path: bytes


class Trees(Protocol):
    """Git trees and blobs in a private object store; the user's repository is only read.

    A path given as text spells bytes that are not UTF-8 as lone surrogates (`FileChange.spelling`).
    """

    def read(self, tree: str, path: str) -> bytes | None:
        """Content of a file or symlink of a tree; `None` when there is none."""

    def blobs(self, ids: Iterable[str]) -> Mapping[str, bytes]:
        """Contents by blob id, in one process."""

    def listing(self, tree: str, directory: str = "") -> tuple[TreeEntry, ...]:
        """The entries of one directory, not recursive; mode `040000` for directories; paths are names within it."""

    def entries(self, tree: str) -> Iterator[TreeEntry]:
        """Every file, symlink and gitlink of a tree, recursive; paths from its root."""

    def diff(self, old: str, new: str) -> tuple[FileChange, ...]:
        """What `git diff-tree -r --raw --no-renames` says, with sizes and line counts."""

    def raw_diff(self, old: str, new: str) -> tuple[tuple[TreeEntry | None, TreeEntry | None], ...]:
        """Old and new entry of every path that differs; `None` where the path is absent on that side."""

    def with_paths(self, tree: str, paths: Iterable[bytes], source: str) -> str:
        """The id of `tree` with each of `paths` as it is in `source`, absent where `source` has none."""


class History(Protocol):
    """The commits behind a base, in numbers."""

    def past(self, commit: str, paths: Iterable[bytes], most: int) -> Past:
        """What the last `most` commits up to `commit` say, and what they say of each of these paths; empty where there is no history.

        Raises InfrastructureError when git cannot be started.
        """


class Validator(Protocol):
    """One validation layer: reads trees, runs nothing; a module is one when it offers these."""

    name: str
    Options: type[Value]
    """The keys of its section of the policy."""

    def judge(self, change: Change, trees: Trees, options: Any) -> Result:
        """The layer's answer; findings are only what the base does not have already."""


FALSE_FUTURE: Final = 3600.0
"""Seconds by which an entry may be ahead of the clock and be believed: the clock was set back. Further ahead, the entry is the mistake."""


class Entry(NamedTuple):
    """One line of a gate's log, never changed once written. `at` is in seconds since 1970 by the database's clock."""

    seq: int
    at: float
    kind: str
    run: str
    body: Mapping[str, Any]


class Moment(Protocol):
    """One decision: a transaction of the gates' ledger that nobody else writes beside, at one time of the database's clock.

    A gate's log is kept per `key`, which the gate chooses. Every method raises StoreUnavailable.
    """

    now: float
    """Seconds since 1970 by the database's clock, read once the lock was had."""

    def entries(self, gate: str, key: str, *, after: int = 0, since: float = 0.0, kind: str | None = None) -> tuple[Entry, ...]:
        """The log of a key in order: entries with `seq` > `after` and `at` > `since`, of one kind or of all."""

    def find(self, gate: str, key: str, kind: str, run: str) -> Entry | None:
        """The entry that a run has of this kind; it has one at most."""

    def append(self, gate: str, key: str, kind: str, *, run: str = "", body: Mapping[str, Any] | None = None) -> Entry | None:
        """Write an entry at `now`; `None`, and nothing is written, when the run has one of this kind already."""

    def keys(self, gate: str) -> tuple[str, ...]:
        """Every key that the gate has a log or a state of."""

    def state(self, gate: str, key: str) -> tuple[int, str] | None:
        """What the log was last folded to, and the `seq` it was folded up to."""

    def keep(self, gate: str, key: str, seq: int, state: str) -> None:
        """Keep what the log up to `seq` folds to, so that the next fold starts there."""

    def forget(self, gate: str, key: str, before: float) -> None:
        """Drop entries older than `before` (seconds since 1970) that no decision needs any more."""

    def audit(self, kind: str, subject: str, body: Mapping[str, Any]) -> None:
        """Write an entry of the audit log, in this very transaction."""


class Ledger(Protocol):
    """The durable state of the gates."""

    def writing(self) -> AbstractContextManager[Moment]:
        """A moment that holds the write lock from its start; all of it is kept, or nothing when the block raises."""

    def reading(self) -> AbstractContextManager[Moment]:
        """A consistent view that blocks nobody; empty where nothing was ever recorded. Writing to it is a bug."""


class Gate(Protocol):
    """One pre-flight gate; a class that names this one as its base need only say what differs."""

    name: str
    Options: Any
    """The type of its section under `preflight` of the policy."""
    default: Any
    """That section when a policy does not give it."""

    def faults(self, options: Any) -> Iterable[tuple[tuple[str | int, ...], str]]:  # noqa: ARG002
        """What is wrong with options that are right key by key: the path below the gate's section, and what is to be said."""
        return ()

    def measure(self, run: Run, ports: "Ports", options: Any) -> Any:  # noqa: ARG002
        """The facts that the judgement needs from outside the ledger; may take its time."""
        return None

    def judge(self, run: Run, facts: Any, moment: Moment, options: Any) -> Result:
        """The gate's answer, `refuse` always with `retry_after`. Reads only; `policy` of the Result may be a key path of the policy."""

    def observe(self, run: Run, facts: Any, moment: Moment, options: Any) -> None:  # noqa: ARG002
        """Keep what was measured, whether or not the gates are enforced."""
        return

    def charge(self, run: Run, facts: Any, moment: Moment, options: Any) -> None:  # noqa: ARG002
        """The run was admitted by every gate: charge for it, in the transaction that judged. A second time is free."""
        return

    def settle(self, run: Run, moment: Moment, options: Any) -> None:  # noqa: ARG002
        """The run that was charged has its decision: record the outcome. A second time counts nothing."""
        return


class Images(Protocol):
    """Images that the sandbox can start."""

    def ensure(self, options: Any, trees: Trees, base_tree: str, version: Callable[[], str]) -> Image:
        """The image that `options` (policy `sandbox`) names or describes, built when needed from the base tree's files.

        `version` tells the release that `git describe` gives for the base commit, for projects versioned by tags.
        Raises PolicyInvalid, ImageUnavailable, EngineUnavailable.
        """


class Reader(Protocol):
    """Reads one suite run while it goes on."""

    def record(self, record: Mapping[str, Any]) -> None:
        """Take one JSON object of the report stream; hostile data."""

    def running(self) -> tuple[str, float] | None:
        """The test in flight and the host's monotonic time at which it started."""

    def finish(self, execution: Execution) -> SuiteRun:
        """What the run showed, once everything in the sandbox is dead."""


class Sandbox(Protocol):
    """Disposable containers."""

    def run(self, job: Job, trees: Trees, reader: Reader, *, stalled: Callable[[], bool] = lambda: False) -> Execution:
        """Run one job to its end in a fresh container and feed its report records to `reader`.

        `stalled` is asked about once a second and stops the job when it says so. Raises EngineUnavailable,
        ImageUnavailable, InfrastructureError when the hardening asked for is not in force.
        """

    def cancel(self) -> None:
        """Kill everything that runs now; may be called from any thread, and more than once."""

    def ping(self) -> float:
        """Seconds that the engine takes to answer; raises EngineUnavailable when it has not within five."""

    def storage(self) -> Path | None:
        """Where the engine keeps images and containers, if this process can see that; told at once, by what is known so far."""


class Plan(NamedTuple):
    """How a suite is started inside."""

    argv: tuple[str, ...]
    env: dict[str, str]
    report_file: str | None


class Importer(NamedTuple):
    """How a bare interpreter is started inside that finds modules where the suite finds them."""

    argv: tuple[str, ...]
    """Ends where the program's text follows."""
    env: dict[str, str]
    work: str
    """The working copy."""
    roots: tuple[str, ...]
    """Folders of the tree on the import path, beside its root."""
    path: str
    """What comes first on the import path, with colons between; relative to the working copy."""


class Suite(Protocol):
    """One kind of test suite: how it is started, and how its report is read."""

    kind: str
    tells_modules: bool
    """Whether its runs say which modules they imported, and from where."""

    @property
    def patterns(self) -> tuple[str, ...]:
        """The names of test modules, as globs."""

    def plan(self, *, only: Sequence[str] = ()) -> Plan:
        """The command for the whole suite, or for the test ids `only`."""

    def reader(self) -> Reader:
        """A fresh reader for one run."""

    def importer(self) -> Importer | None:
        """How modules are imported as this suite would; `None` where nobody can tell."""


class Baselines(Protocol):
    """Base results, kept between runs; safe to delete."""

    def load(self, key: str) -> tuple[SuiteRun, ...] | None:
        """What `save` kept under this key, or `None`."""

    def save(self, key: str, runs: tuple[SuiteRun, ...]) -> None:
        """Keep base runs for the next change."""


class Item(NamedTuple):
    """One thing that a target holds, as the vault keeps it."""

    path: bytes
    """Below the root of the target, without a leading slash; of a folder, its name without a trailing one; of the root itself, empty."""
    kind: str
    """`file`, `link` or `folder`."""
    mode: int
    """Permission bits (12 of them); 0 for links."""
    read: Callable[[], bytes]
    """Content of a file, where a link leads to; empty for folders. Raises OSError."""
    owner: tuple[int, int] | None = None
    """User and group by number; `None` where the target has none."""
    attributes: tuple[tuple[str, bytes], ...] = ()
    """Extended attributes worth keeping, by name in order."""


class Target(Protocol):
    """Where an accepted change goes. One object per promotion or question; every method may be called again after a crash.

    Whoever calls `swap`, `take_back` or `tidy` owns the promotion by its `fence`; what was begun with a smaller one can do nothing
    any more once `recover` has returned. All raise InfrastructureError when the machine is at fault, and nothing of the target is
    changed but by `swap` and `take_back`.
    """

    key: str
    kind: str
    """`git` or `dir`."""

    def look(self, trees: Trees, candidates: Sequence[str]) -> Look:
        """Which of these trees it holds now. Raises UsageError when there is no such target, or it cannot be one."""

    def obstacle(self, trees: Trees, before: str, after: str) -> str:
        """Why it cannot take that step, in a sentence for a person; empty when it can. Reads only."""

    def items(self, trees: Trees, tree: str) -> Iterator[Item]:
        """What it holds of `tree`, which `look` found there: each folder before what is in it."""

    def prepare(self, promotion: Promotion, trees: Trees) -> Promotion:
        """Lay everything beside the target and sync it; the promotion with `method` and `details`. Leftovers of the same run are removed first."""

    def swap(self, promotion: Promotion, trees: Trees) -> None:
        """The atomic step; raises TargetMoved, and has done nothing, when the target is not `before` any more."""

    def recover(self, promotion: Promotion, trees: Trees) -> Standing:
        """Take over from whoever had a smaller fence, who can do nothing any more; where the target stands. Also for asking again."""

    def take_back(self, promotion: Promotion, trees: Trees) -> Standing:
        """Make the target what it was if it still is what was made of it, else undo by a further step where it can; OTHER when it cannot."""

    def verify(self, promotion: Promotion, trees: Trees, tree: str) -> str:
        """Re-read it: empty when it holds exactly `tree`, else what differs, in a sentence."""

    def tidy(self, promotion: Promotion, trees: Trees) -> None:
        """Remove what lies beside the target and is not needed any more: the promotion has ended. What the service wrote is kept."""


class Backup(NamedTuple):
    """A verified backup."""

    id: str
    """The digest of the tree: two backups of the same content are one."""
    files: int
    size: int
    """Bytes of all contents."""
    added: int
    """Bytes that this one added to the vault."""


class Vault(Protocol):
    """Copies of what targets were, by their digests."""

    def keep(self, target: str, run: str, items: Iterable[Item]) -> Backup:
        """Write, sync, read back and verify; in use by `run` until it is released.

        Raises InfrastructureError when it does not fit the quota or the disk, or what was read back is not what was written.
        """

    def verify(self, backup: str) -> str:
        """Re-read a backup whole: empty when all of it is as it was, else what is wrong."""

    def release(self, run: str) -> None:
        """The run has ended: its backups may be pruned by the rules."""


class BackupRecord(NamedTuple):
    """That a target once was what a backup holds. Times are seconds since 1970 by the database's clock."""

    id: str
    target: str
    run: str
    """The last run that made it."""
    made: float
    """When it was made last."""
    verified: float | None
    """When it was last found to be as it was made; `None` once it was found damaged."""
    files: int
    size: int
    """Bytes of all contents."""
    pinned: str
    """Why it must stay; empty when it need not."""
    marked: float | None
    """When it was first found to be spare."""
    used: bool
    """Whether a run that has not ended may need it."""


Staying = Callable[[Sequence[BackupRecord], float], frozenset[tuple[str, str]]]
"""Which backups must stay, by id and target, of all that there are at a time; a pure function."""


class Backups(Protocol):
    """The durable record of one vault. Every method raises StoreUnavailable."""

    def all(self) -> tuple[tuple[BackupRecord, ...], float]:
        """The newest first, and the time at which that was so."""

    def made(self, target: str, run: str, backup: Backup) -> None:
        """It was made, read back and verified, and is in use by `run`."""

    def checked(self, backup: str, problem: str) -> None:
        """It was read again: as it was made, or damaged, and then it is no verified backup any more."""

    def restored(self, backup: str, place: str, run: str = "") -> None:
        """It was restored to `place`, for a run or by a person."""

    def release(self, run: str) -> None:
        """The run does not need its backups any more."""

    def mark(self, staying: Staying, grace: float) -> tuple[BackupRecord, ...]:
        """Mark what need not stay, unmark what must; what may be deleted now: marked earlier than this, and for at least `grace` seconds."""

    def forget(self, due: Sequence[BackupRecord], staying: Staying) -> tuple[BackupRecord, ...]:
        """Strike those of `due` from the record that are still marked as they were and still need not stay; these are given."""


class Promotions(Protocol):
    """The durable record of promotions. Every method raises StoreUnavailable."""

    def now(self) -> float:
        """Seconds since 1970 by the database's clock."""

    def find(self, run: str) -> Promotion | None:
        """The promotion of a run."""

    def begin(self, promotion: Promotion) -> Promotion:
        """Write the intent down, dated now, over an earlier one of the same run that had been abandoned.

        When the open promotion of another run stands in the way that one is given, and nothing is written.
        """

    def take(self, promotion: Promotion) -> Promotion:
        """Take over: the promotion with its fence raised by one. Raises Fenced when somebody else has since it was read."""

    def owns(self, promotion: Promotion) -> bool:
        """Whether it was this very process, by this object, that raised the fence to where it is."""

    def step(self, promotion: Promotion, **changes: Any) -> Promotion:
        """Write down how far it has come; raises Fenced, and writes nothing, when somebody else has taken over."""

    def check(self, promotion: Promotion) -> None:
        """Right before anything outside is touched: raises Fenced when somebody else has taken over."""

    def last(self, target: str) -> Promotion | None:
        """The last promotion of a target that is or was live: promoted, confirmed, rolled back or stuck."""

    def taken_back(self, target: str, patch_id: str, since: float) -> Promotion | None:
        """The last promotion by which this patch came to the target and was taken back, or got stuck, after `since`."""


class Progress(Protocol):
    """What a person sees while a run goes on."""

    def stage(self, name: str) -> None:
        """A stage began."""

    def note(self, text: str) -> None:
        """One sentence worth saying."""

    def tests(self, side: str, done: int, total: int | None) -> None:
        """How far a suite run is."""

    def probe(self, name: str, said: str) -> None:
        """What a probe of a promotion has just read."""


class Ran(NamedTuple):
    """How a command of the operator ended; `said` is the end of its output, hostile text."""

    ok: bool
    reason: str
    """A sentence: how it ended."""
    said: str
    seconds: float


@dataclass(frozen=True)
class Ports:
    """Everything a stage may touch."""

    trees: Trees
    history: History
    gates: tuple[Gate, ...]
    ledger: Ledger
    validators: tuple[Validator, ...]
    images: Images
    sandbox: Sandbox
    suite: Suite
    baselines: Baselines
    progress: Progress
    monotonic: Callable[[], float]
    cores: int
    version: Callable[[], str]
    """Tells the release that the base commit is described as, for projects that take their version from tags."""
    folders: Mapping[str, Path] = field(default_factory=dict)
    """The folders that a run writes to, by what they are called."""


@dataclass(frozen=True, kw_only=True)
class LandingPorts(Ports):
    """What the stages of a submission may touch besides."""

    target: Target
    vault: Vault
    promotions: Promotions
    command: Callable[[Sequence[str], float, Mapping[str, str]], Ran]
    """Runs a command of the operator on this host: arguments, seconds, variables to add. Never raises; a time-out is a failure."""
    wish: Callable[[], str]
    """What a person asked for meanwhile: `cancel`, `confirm`, `rollback` or nothing."""
    pause: Callable[[float], None]
    """Wait so many seconds, less when a person asks for something."""
    blocked: Callable[[Promotion], None]
    """Told of the promotion that stands in the way, so that it is carried on where its process has died."""
    watch: Callable[[Run, Promotion], "Watched"]
    """Probe what was promoted until that is decided, or the deadline has passed."""
    baseline: Callable[[], Mapping[str, tuple[float, ...]]]
    """What the probes measure before the promotion."""


class Watched(NamedTuple):
    """What watching came to."""

    course: Course
    reason: str
    results: tuple[Result, ...]
    asked: str = ""
    """What a person asked for, where that decided."""
