"""What a sandbox is asked to do and what it answers."""

from pydantic import Field

from runner.model.suite import Errand, Stop, Usage
from runner.model.units import Duration, Size
from runner.model.value import Value


class Limits(Value):
    """What one suite run may use."""

    memory: Size = 2 * 2**30
    """Everything the sandbox holds in memory, its writable file systems included."""
    cpus: float = Field(default=2.0, gt=0)
    wall: Duration = 600.0
    """Wall time of one suite run by the host's clock."""
    pids: int = Field(default=512, gt=0)
    disk: Size = 512 * 2**20
    """What may be written into the working copy."""
    tmp: Size = 256 * 2**20
    """What may be written to /tmp, and again to HOME."""
    file: Size = 256 * 2**20
    """The largest single file."""
    output: Size = 16 * 2**20
    """What the suite may print before it is stopped."""
    report: Size = 64 * 2**20
    """What the report stream may carry before the suite is stopped."""


class Image(Value):
    """An image that is present on the engine."""

    reference: str
    id: str
    """The engine's content digest of the image, `sha256:…`."""
    notes: tuple[str, ...] = ()
    """How it was chosen or built, for people."""


class Errands(Value):
    """Commands to run one by one once the suite and all that it started is dead; each in a process group of its own."""

    argv: tuple[str, ...]
    """What all of them begin with."""
    each: tuple[tuple[str, ...], ...]
    """The further arguments of each."""
    envs: tuple[dict[str, str], ...] = ()
    """The further variables of each; empty: none."""
    turns: tuple[int, ...] = ()
    """Which of them to run, by their places, in this order; empty: each once."""
    env: dict[str, str] = {}
    seconds: float
    """Wall time of each; what runs longer is killed."""
    total: float
    """Wall time of all; those whose turn comes later are not run."""


class Job(Value):
    """One command in one fresh sandbox over one tree."""

    image: Image
    base_tree: str
    """The tree whose snapshot lies under the working copy."""
    tree: str
    """The tree that the working copy must equal; differences to `base_tree` are written in."""
    argv: tuple[str, ...]
    env: dict[str, str] = {}
    limits: Limits = Limits()
    runtime: str = ""
    """The OCI runtime by the name the engine knows it by; empty: the engine's own default."""
    parts: int = 0
    """In how many children the command runs, each with its number and a report of its own; 0: it runs as it is, once."""
    report_file: str | None = None
    """A file that the command writes inside and that is carried out in the report stream, e.g. a JUnit report."""
    errands: Errands | None = None
    """What to run after the command, in the same sandbox; their time comes on top of `limits.wall`."""
    elsewhere: bool = False
    """Whether it runs as another user than it would, on a host of another name."""
    purpose: str = "suite"
    """A word for labels and progress: `base`, `patched`, `own`, `rerun`."""


class Part(Value):
    """How one part of a job went, as the launcher inside saw it; nothing of the repository can write this."""

    status: int | None
    """Exit status of its process; `None` when that never got so far."""
    survivors: int = 0
    """Processes that were still alive when it had ended."""
    left: str = ""
    """Why what it left could not be removed; empty when all of it was."""
    seconds: float = 0.0


class Execution(Value):
    """How a job went, as the engine and the host's clock saw it."""

    stop: Stop
    exit_code: int | None
    """The container's exit status from the engine's API; `None` when it never gave one."""
    log: str = ""
    log_truncated: bool = False
    usage: Usage = Usage()
    working_copy: str = ""
    runtime: str = ""
    in_force: dict[str, str] = {}
    """Limits and restrictions as read from inside before anything of the repository ran."""
    child_status: int | None = None
    """Exit status of the suite's own process as the launcher inside saw it."""
    garbage: int = 0
    """Lines of the report stream that were no records."""
    survivors: int = 0
    """Processes that were still alive when the suite's process had ended."""
    report_file: bytes | None = None
    """Content of the job's `report_file`, bounded by `limits.report`; `None` when it was absent or no regular file."""
    parts: tuple[Part, ...] = ()
    """How the job's parts went, as many as ended, in order."""
    errands: tuple[Errand, ...] | None = None
    """How the job's errands went, as far as their turn came; `None` when none were asked for, or the launcher did not live to tell."""
