"""What each way of making a step is given: the target, the promotion, and what is known of both trees."""

from pathlib import Path
from typing import Any, NamedTuple, Protocol

from runner.model import promotion as model
from runner.model.promotion import Promotion
from runner.ports import Trees
from runner.targets.folder.managed import Found, Known, Managed, Sides
from runner.targets.folder.place import Place


class Task(NamedTuple):
    """One promotion of one folder."""

    place: Place
    promotion: Promotion
    trees: Trees
    before: Managed
    after: Managed
    found: dict[bytes, Found]
    """The managed paths of the live folder as they were read last."""
    known: Known
    grace: float
    """Seconds that a folder is left alone after it has left."""

    @property
    def there(self) -> Sides:
        """The step to the new tree."""
        return Sides(self.before, self.after)

    @property
    def back(self) -> Sides:
        """The step to the old tree."""
        return Sides(self.after, self.before)


class Method(Protocol):
    """A way of making the step. All raise InfrastructureError, Fenced and OSError."""

    def prepare(self, task: Task) -> dict[str, Any]:
        """Lay everything beside and sync it; what is needed to find the way back. Raises TargetMoved, Unlinkable."""

    def swap(self, task: Task) -> None:
        """The step. Raises TargetMoved, and has done nothing then."""

    def claim(self, task: Task) -> None:
        """Take over whatever has a smaller fence."""

    def stands(self, task: Task) -> model.Place | None:
        """Where the target stands by what is cheap to see; `None` when that says nothing."""

    def resume(self, task: Task, stands: model.Place | None) -> model.Place | None:
        """Finish what somebody who died has begun, so that the target is old or new; which of them."""

    def take_back(self, task: Task) -> None:
        """The step back; the target is new. Raises TargetMoved."""

    def clear(self, task: Task) -> None:
        """Remove what was laid and never used."""

    def tidy(self, task: Task) -> None:
        """Remove what lies beside."""

    def leftovers(self, task: Task) -> tuple[Path, ...]:
        """What any run has discarded and nobody removed, since the disk failed or the process died: anybody may."""

    def old_copy(self, task: Task) -> Path:
        """Where the old content lies while the target is new."""
