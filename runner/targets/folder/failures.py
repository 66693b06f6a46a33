"""Turns what the operating system refuses into the error that a person may see."""

from collections.abc import Iterator
from contextlib import contextmanager

from runner.errors import InfrastructureError
from runner.model.text import printable
from runner.targets.folder.descent import Gone
from runner.targets.folder.foreign import Unlinkable


@contextmanager
def at_work(what: str) -> Iterator[None]:
    """Raises InfrastructureError for an OSError inside; `what` is the beginning of a sentence, such as "The folder cannot be read"."""
    try:
        yield
    except OSError as problem:
        name = f" ('{printable(str(problem.filename))}')" if isinstance(problem.filename, str | bytes) else ""
        raise InfrastructureError(f"{what}: {problem.strerror or problem}{name}.") from problem
    except Unlinkable as problem:
        raise InfrastructureError(f"{what}: {problem}, so it cannot be carried over.") from problem
    except Gone as problem:
        raise InfrastructureError(f"{what}: a folder vanished meanwhile.") from problem
