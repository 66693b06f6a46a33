"""Log records of this package and of its libraries: one printable line each on stderr with `-v`, else nowhere."""

import logging
import sys
import traceback
from contextlib import suppress

from runner.model.text import cut, printable
from runner.store.address import scrubbed

_LONGEST = 1000


class Told(logging.Handler):
    """Whatever a record carries, hostile names and texts among it, is one line without any control character."""

    def __init__(self, *, verbose: bool) -> None:
        super().__init__()
        self._verbose = verbose

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line; a record that cannot be told must not disturb the work."""
        with suppress(Exception):
            if self._verbose and sys.stderr is not None:
                sys.stderr.write(_line(record).encode("ascii", "backslashreplace").decode() + "\n")
                sys.stderr.flush()


def install(*, verbose: bool) -> None:
    """From now on every record goes here, and none to Python's last resort, which writes tracebacks as they are."""
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler, Told)]:
        root.removeHandler(old)
    root.addHandler(Told(verbose=verbose))


def _line(record: logging.LogRecord) -> str:
    return cut(printable(scrubbed(f"{record.levelname.lower()}: {record.getMessage()}{_problem(record)}")), _LONGEST)


def _problem(record: logging.LogRecord) -> str:
    """What was raised, and where."""
    problem = record.exc_info[1] if record.exc_info else None
    if problem is None:
        return ""
    *_, last = traceback.extract_tb(problem.__traceback__) or [None]
    place = f" at {last.filename}:{last.lineno}" if last else ""
    return f" ({type(problem).__name__}{place}: {problem})"
