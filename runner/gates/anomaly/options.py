"""The anomaly gate's section of the policy."""

from collections.abc import Iterator

from pydantic import Field

from runner.model.action import Action
from runner.model.units import Duration
from runner.model.value import Value


class Actions(Value):
    """What follows from each exact rule: allow, warn, hold (a person must look) or fail (rejected)."""

    deleted_tests: Action = "hold"
    """Tests of the base are gone (not renamed, moved, merged or turned into a case), and the change brings fewer new ones than that."""
    exchanged_tests: Action = "warn"
    """Tests of the base are gone, and the change brings as many new ones or more."""
    skipped_tests: Action = "hold"
    """A test is newly skipped, or expected to fail."""
    conditional_skips: Action = "warn"
    """A test is newly skipped, left or guarded where some condition holds."""
    cut_short: Action = "hold"
    """A test ends before what it asserts."""
    swallowed_assertions: Action = "hold"
    """What a test asserts may fail, and the test goes on."""
    fewer_assertions: Action = "warn"
    """A test, or what tests call to check, asserts less than it did."""
    looser_assertions: Action = "warn"
    """The same is asserted less strictly."""
    edited_expectations: Action = "warn"
    """The same is asserted to be something else."""
    fewer_cases: Action = "warn"
    """A parametrised test has fewer cases."""
    not_collected: Action = "hold"
    """A test is still there, and no longer collected."""
    hooks: Action = "hold"
    """A test file or conftest newly decides how tests run or what they report."""
    selection: Action = "hold"
    """Settings newly choose which tests run, or what counts as a failure."""
    startup: Action = "hold"
    """A file runs before any test, or stands in place of a test tool."""
    ignored_failures: Action = "hold"
    """CI or a build file goes on where tests fail."""
    patterns: Action = "warn"
    """An added line looks dangerous; layer `static` judges code for real."""
    oversize: Action = "warn"
    """Larger than `max_lines`, `max_files` or `max_dirs`, while the history is short."""
    frequency: Action = "warn"
    """More changes than `frequency` says, by one author or below one folder."""
    unread: Action = "hold"
    """A test file that could not be compared: too large, or too deeply nested."""


class Levels(Value):
    """The scores from which a risk is called medium, high and critical."""

    medium: int = Field(default=25, ge=1, le=100)
    """Below that it is low."""
    high: int = Field(default=50, ge=1, le=100)
    """From here on it is high."""
    critical: int = Field(default=75, ge=1, le=100)
    """From here on it is critical."""


class Risk(Value):
    """What follows from the level of the score alone: allow, warn, hold or fail."""

    medium: Action = "warn"
    """From a medium risk."""
    high: Action = "warn"
    """From a high risk."""
    critical: Action = "warn"
    """From a critical risk."""


class Frequency(Value):
    """How many admitted changes by one author, or below one top folder, are usual."""

    burst: int = Field(default=8, ge=1)
    """As many within `per`; changes that nobody vouched for count as one author's."""
    per: Duration = 600.0
    """The time that looks back."""


class Advanced(Value):
    """What the gate compares with, and what follows from what it finds."""

    commits: int = Field(default=500, ge=1, le=5000)
    """How many commits of the base's history are compared with, without merges and reverts."""
    min_commits: int = Field(default=50, ge=2)
    """With fewer, the caps stand in place of the comparison."""
    max_dirs: int = Field(default=8, ge=1)
    """Folders that a change may touch while the history is short."""
    robust_z: float = Field(default=3.5, gt=0)
    """From how many robust standard deviations above the median a feature is called unusual."""
    frequency: Frequency = Frequency()
    """How often changes may come."""
    levels: Levels = Levels()
    """Where the levels of the score begin."""
    risk: Risk = Risk()
    """What follows from the level alone."""
    actions: Actions = Actions()
    """What follows from each exact rule."""


class Options(Value):
    """How unusual a change is, beside the history of its repository, and whether it makes tests weaker."""

    max_lines: int = Field(default=400, ge=1)
    """Lines added and deleted that are usual while the history is too short to compare with."""
    max_files: int = Field(default=15, ge=1)
    """Files, likewise."""
    advanced: Advanced = Advanced()
    """What is compared, and what follows."""


def faults(options: Options) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong with options that are right key by key: the path below the section, and what is to be said."""
    advanced = options.advanced
    if advanced.min_commits > advanced.commits:
        what = f"no history is ever long enough: only the last {advanced.commits} commits are read (commits)"
        yield ("advanced", "min_commits"), what
    levels = advanced.levels
    if not levels.medium < levels.high < levels.critical:
        yield ("advanced", "levels"), f"the levels must ascend: medium {levels.medium}, high {levels.high}, critical {levels.critical}"
    if not advanced.frequency.per > 0:
        yield ("advanced", "frequency", "per"), "a time of nothing counts nothing; give more than 0"
