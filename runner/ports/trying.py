"""What a suite is run with: images, sandboxes, and the kinds of suites."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from runner.model.sandbox import Execution, Image, Job
from runner.model.suite import SuiteRun
from runner.ports.trees import Trees


class Images(Protocol):
    """Images that the sandbox can start."""

    def ensure(self, options: Any, trees: Trees, base_tree: str, version: Callable[[], str]) -> Image:
        """The image that `options` (policy `sandbox`) names or describes, built when needed from the base tree's files.

        `version` tells the release that `git describe` gives for the base commit, for projects versioned by tags.
        Raises PolicyInvalid, ImageUnavailable, EngineUnavailable.
        """


class Reader(Protocol):
    """Reads one suite run while it goes on."""

    def record(self, record: Mapping[str, Any], child: int = 0) -> None:
        """Take one JSON object of the report stream, written by this child (0 where there is one only); hostile data."""

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
    children: tuple[str, ...] = ()
    """Of which parts there is a child each, by name; empty: the command is all there is."""


class Plugin(NamedTuple):
    """A further plugin for the session inside, which tells records of its own."""

    source: str
    """Its text, which defines `plugin(report, settings)`; to `settings` the session adds `work` and `name`, which gives the id of an item."""
    settings: Mapping[str, Any]


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

    def plan(self, *, only: Sequence[str] = (), files: Sequence[str] = (), plugin: Plugin | None = None) -> Plan:
        """The command for the whole suite, or for the test ids `only`; with `files`, in a child of its own for each of these.

        `plugin` is for suites that tell modules; others leave it out.
        """

    def reader(self, children: Sequence[str] = ()) -> Reader:
        """A fresh reader for one run; `children`: those of its plan."""

    def divided(self, run: SuiteRun) -> tuple[str, ...]:
        """The files that could each have a child of their own, by a run on the base; empty where nobody can divide the suite."""

    def importer(self) -> Importer | None:
        """How modules are imported as this suite would; `None` where nobody can tell."""


class Keepsakes(Protocol):
    """What the base answered to controls, kept between runs; safe to delete."""

    def load(self, key: str) -> bytes | None:
        """What `save` kept under this key, or `None`."""

    def save(self, key: str, content: bytes) -> None:
        """Keep an answer of the base for the next change; a full disk is not an error."""


class Baselines(Protocol):
    """Base results, kept between runs; safe to delete."""

    def load(self, key: str) -> tuple[SuiteRun, ...] | None:
        """What `save` kept under this key, or `None`."""

    def save(self, key: str, runs: tuple[SuiteRun, ...]) -> None:
        """Keep base runs for the next change."""
