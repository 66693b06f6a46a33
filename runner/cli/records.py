"""Log records of a process that serves or works: structured, a line of JSON each where nobody reads them on a terminal."""

import json
import logging
import sys
import threading
import traceback
from collections.abc import MutableMapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TextIO

from runner.cli.logs import Told
from runner.model.text import cut, inert, printable
from runner.store.address import scrubbed

log = logging.getLogger("runner.serving")

_LONGEST: Final = 1000
_LONGEST_TRACE: Final = 8000
_FIELDS: Final = "seatrial"
"""The attribute of a record that holds its fields."""

if TYPE_CHECKING:
    from structlog.typing import Processor

Fields = MutableMapping[str, Any]


class Structured(Told):
    """Whatever a record carries is one line: JSON, or for a terminal the time, the level, what happened, and the fields."""

    def __init__(self, stream: TextIO, *, verbose: bool) -> None:
        super().__init__(verbose=verbose)
        import structlog

        self._stream = stream
        rendered: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _as_line if stream.isatty() else _as_json]
        before: list[Processor] = [
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            _of_record,
            _safe,
        ]
        self.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=rendered))

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line; a record that cannot be told must not disturb the work."""
        with suppress(Exception):
            line = self.format(record).encode("ascii", "backslashreplace").decode()
            self._stream.write(line + "\n")
            self._stream.flush()


class Logged:
    """Progress as log records, for a process that nobody watches."""

    def __init__(self) -> None:
        self._heard: dict[str, str] = {}
        self._lock = threading.Lock()

    def stage(self, name: str) -> None:
        """A record."""
        log.info("%s", name)

    def note(self, text: str) -> None:
        """A record."""
        log.info("%s", text)

    def tests(self, side: str, done: int, total: int | None) -> None:
        """Too much for a log."""

    def probe(self, name: str, said: str) -> None:
        """A record when its answer is another one."""
        answer = said.partition(":")[0]
        with self._lock:
            changed = self._heard.get(name) != answer
            self._heard[name] = answer
        if changed:
            log.info("probe %s: %s", name, said)


def serving(*, verbose: bool, stream: TextIO | None = None) -> Logged:
    """From now on every record of this process is structured; where to say what it does. Raises InfrastructureError without the library."""
    from runner.errors import InfrastructureError

    try:
        handler = Structured(stream or sys.stderr, verbose=verbose)
    except ImportError as problem:
        raise InfrastructureError("the server is not installed", hint="Install seatrial[server].") from problem
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, Told)]:
        root.removeHandler(old)
    root.addHandler(handler)
    logging.getLogger("runner").setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.captureWarnings(capture=True)  # both would else write to stderr as they like
    threading.excepthook = _thread_broke
    return Logged()


def _thread_broke(given: threading.ExceptHookArgs) -> None:
    if given.exc_value is not None:
        log.error("a thread broke", exc_info=given.exc_value)


def _of_record(_logger: Any, _method: str, event: Fields) -> Fields:
    """What the record itself carries: its fields, the run that it is about, and what was raised."""
    from runner.wiring.voice import subject

    record: logging.LogRecord = event["_record"]
    raised = event.pop("exc_info", None)
    event["logger"] = record.name
    if run := subject.get():
        event["run"] = run
    event.update(getattr(record, _FIELDS, {}))
    if isinstance(raised, tuple) and raised[1] is not None:
        problem = raised[1]
        event["problem"] = f"{type(problem).__name__}: {problem}"
        event["trace"] = "".join(traceback.format_exception(problem))
    return event


def _safe(_logger: Any, _method: str, event: Fields) -> Fields:
    """Texts that may be anybody's, without control characters, bounded, and without the password of the database."""
    for name, value in event.items():
        if isinstance(value, str):
            most = _LONGEST_TRACE if name == "trace" else _LONGEST
            event[name] = cut(printable(scrubbed(value), lines=name == "trace"), most)
    return event


def _as_json(_logger: Any, _method: str, event: Fields) -> str:
    return inert(json.dumps(event, default=str))


def _as_line(_logger: Any, _method: str, event: Fields) -> str:
    """For a person: without what only programs need."""
    at, level, what = event.pop("at", ""), event.pop("level", ""), event.pop("event", "")
    for name in ("logger", "trace"):
        event.pop(name, None)
    fields = "".join(f" {name}={value}" for name, value in event.items())
    return f"{at} {level}: {what}{fields}"
