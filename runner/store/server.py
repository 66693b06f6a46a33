"""What differs from one kind of database to another; everything above it is the same code."""

from typing import TYPE_CHECKING, Protocol

from runner.errors import StoreUnavailable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


class Server(Protocol):
    """One database. `name` is what people are told it is, and holds no secret."""

    name: str
    checkpoints: str
    """The name of the file with the checkpoints of this database's audit log."""
    shared: bool
    """Whether processes of other machines may use it, too."""
    key: object
    """Equal for those that may share connections."""
    clock: str
    """The SQL expression of its clock at this instant, in seconds since 1970."""

    def present(self) -> bool:
        """Whether there can be anything to read; to ask makes nothing."""

    def engine(self, *, pooled: bool = False) -> "Engine":
        """Opens one connection per transaction, or keeps some; connects to nothing yet. Raises StoreUnavailable where the driver is missing."""

    def begin(self, connection: "Connection", *, writing: bool) -> None:
        """Begin the transaction: a consistent view that cannot write, or the lock that one process at a time has."""

    def prepare(self, connection: "Connection") -> None:
        """Make what the first table needs; called under the lock."""

    def version(self, connection: "Connection") -> str:
        """The program and its version."""

    def unavailable(self, problem: Exception) -> StoreUnavailable:
        """What a driver's error means, and what to do."""
