"""What the stages need from the world, as small Protocols, and the bundle that carries them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runner.model.promotion import Promotion
from runner.model.run import Run
from runner.ports.backups import Backup, BackupRecord, Backups, Staying, Vault
from runner.ports.gating import FALSE_FUTURE, Entry, Gate, Ledger, Moment
from runner.ports.landing import Item, Promotions, Ran, Target, Watched
from runner.ports.progress import Progress
from runner.ports.remembering import FlakyTests, NothingKnown
from runner.ports.trees import History, TreeEntry, Trees
from runner.ports.trying import Baselines, Images, Importer, Keepsakes, Plan, Plugin, Reader, Sandbox, Suite
from runner.ports.validating import Validator

__all__ = [
    "FALSE_FUTURE",
    "Backup",
    "BackupRecord",
    "Backups",
    "Baselines",
    "Entry",
    "FlakyTests",
    "Gate",
    "History",
    "Images",
    "Importer",
    "Item",
    "Keepsakes",
    "LandingPorts",
    "Ledger",
    "Moment",
    "NothingKnown",
    "Plan",
    "Plugin",
    "Ports",
    "Progress",
    "Promotions",
    "Ran",
    "Reader",
    "Sandbox",
    "Staying",
    "Suite",
    "Target",
    "TreeEntry",
    "Trees",
    "Validator",
    "Vault",
    "Watched",
]


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
    keepsakes: Keepsakes
    progress: Progress
    monotonic: Callable[[], float]
    cores: int
    version: Callable[[], str]
    """Tells the release that the base commit is described as, for projects that take their version from tags."""
    folders: Mapping[str, Path] = field(default_factory=dict)
    """The folders that a run writes to, by what they are called."""
    flaky: FlakyTests = field(default_factory=NothingKnown)
    """What is remembered of the repository's tests."""


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
    watch: Callable[[Run, Promotion], Watched]
    """Probe what was promoted until that is decided, or the deadline has passed."""
    baseline: Callable[[], Mapping[str, tuple[float, ...]]]
    """What the probes measure before the promotion."""
