"""Where an accepted change goes, how that is recorded and watched."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from runner.model.promotion import Look, Promotion, Standing
from runner.model.result import Result
from runner.model.run import Course
from runner.ports.trees import Trees


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


class Ran(NamedTuple):
    """How a command of the operator ended; `said` is the end of its output, hostile text."""

    ok: bool
    reason: str
    """A sentence: how it ended."""
    said: str
    seconds: float


class Watched(NamedTuple):
    """What watching came to."""

    course: Course
    reason: str
    results: tuple[Result, ...]
    asked: str = ""
    """What a person asked for, where that decided."""
