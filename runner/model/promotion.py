"""A promotion: what a target was, what it was made, and how far that has come."""

from enum import StrEnum
from typing import Any

from runner.model.value import Value


class Step(StrEnum):
    """How far a promotion has come; each is on disk before the next begins."""

    INTENDED = "intended"
    """It may be prepared beside the target; the target has not been touched."""
    PREPARED = "prepared"
    """Everything lies beside the target, synced; the target may be old or new from here on."""
    PROMOTED = "promoted"
    """The target is new, and nobody has confirmed it."""
    CONFIRMED = "confirmed"
    TAKING_BACK = "taking_back"
    """The target may be new or old."""
    ROLLED_BACK = "rolled_back"
    ABANDONED = "abandoned"
    """It ended before the target was touched."""
    STUCK = "stuck"
    """A person must act."""

    @property
    def open(self) -> bool:
        """Whether something is left to do: no other promotion of the target may begin."""
        return self in (Step.INTENDED, Step.PREPARED, Step.PROMOTED, Step.TAKING_BACK)


class Promotion(Value):
    """One change on its way into one target; named by its run. Times are seconds since 1970 by the database's clock."""

    run: str
    target: str
    """The key of the target, e.g. `dir:/srv/app` or `git:/srv/app.git#refs/heads/main`."""
    before: str
    """The tree that the target was, by git's id."""
    after: str
    """The tree that was tried, and that the target becomes."""
    base: str
    """The commit that the new one is put upon; where the target is no ref, the commit that the change is based on."""
    step: Step = Step.INTENDED
    fence: int = 1
    """Counts who has worked on it: whoever takes over adds one, and then nobody with a smaller number may touch anything."""
    patch_id: str = ""
    attempts: int = 0
    """How often it was tried to take it back."""
    backup: str = ""
    """The id of the backup of what the target was."""
    method: str = ""
    """How it is made: `ref`, `exchange`, `symlink`, or `journal`, with which readers may see a mix."""
    intended: float = 0.0
    promoted: float | None = None
    deadline: float | None = None
    """When it is taken back unless it was confirmed; on disk before the target is touched."""
    message: str = ""
    """What a commit of it says."""
    when: int = 0
    """Seconds since 1970 that a commit of it is dated with, so that the same promotion makes the same commit."""
    details: dict[str, Any] = {}
    """What the target noted to find its way back: plain JSON, made by `Target.prepare`."""
    baseline: dict[str, tuple[float, ...]] = {}
    """What probes measured before it, by their names: seconds that the answers took."""
    stopped: bool = False
    """Whether it is taken back only because somebody asked for the run's end: that says nothing against the patch."""
    decided: float | None = None
    """When it was decided to take it back."""
    note: str = ""
    """Why it is where it is, for people."""


class Look(Value):
    """What a target holds at this moment."""

    tree: str = ""
    """The tree that it holds, by git's id; empty when it is none of those that were asked about."""
    commit: str = ""
    """The commit that it is at, where it is a ref."""
    absent: bool = False
    """A ref that is not there yet."""
    edited: tuple[str, ...] = ()
    """Managed paths that are as in none of the trees asked about, for people, at most 20; as compared with the first."""
    reason: str = ""
    """A sentence on that."""


class Place(StrEnum):
    """Where a target stands with one promotion."""

    OLD = "old"
    NEW = "new"
    OTHER = "other"
    """Somebody else has changed it."""


class Standing(Value):
    """The same with what a person needs to know."""

    place: Place
    reason: str = ""
    tree: str = ""
    """The tree that was found and verified; empty for OTHER."""
