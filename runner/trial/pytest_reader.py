"""Reads what the pytest session inside tells; every record is hostile data until it agrees with the others."""

from collections.abc import Callable, Mapping
from typing import Any

from runner.model.sandbox import Execution
from runner.model.suite import Module, Stop, SuiteRun, TestOutcome, TestRecord
from runner.trial import records

MOST_MODULES = 25_000
MOST_COLLECT_ERRORS = 1000
_OUTCOMES = {outcome.value: outcome for outcome in TestOutcome if outcome not in (TestOutcome.HUNG, TestOutcome.CRASHED)}
_OK, _FAILED, _INTERRUPTED, _INTERNAL, _USAGE, _NOTHING = range(6)
"""pytest's exit statuses."""


class PytestReader:
    """Collects the records of one session into a SuiteRun."""

    def __init__(self, monotonic: Callable[[], float], *, expected_ini: str | None = None) -> None:
        self._monotonic, self._expected_ini = monotonic, expected_ini
        self._notes = records.Notes()
        self._runner = ""
        self._paths: dict[str, str] = {}
        self._results: dict[str, TestRecord] = {}
        self._collect_errors: list[TestRecord] = []
        self._modules: dict[tuple[str, str], Module] = {}
        self._origins_known = False
        self._totals: tuple[int | None, int | None] | None = None
        self._running: tuple[str, float] | None = None
        self._end: Mapping[str, Any] | None = None
        self._text_left = records.MOST_TEXT

    def record(self, record: Mapping[str, Any], child: int = 0) -> None:
        """Take one JSON object of the report stream."""
        del child  # there is one only
        kind = record.get("k")
        take = {
            "session": self._session,
            "collected": self._collected,
            "collection": self._collection,
            "collect_error": self._collect_error,
            "start": self._start,
            "test": self._test,
            "modules": self._module,
            "internal_error": self._internal_error,
            "broken": self._broken,
            "end": self._ended,
        }.get(kind if isinstance(kind, str) else "")
        if take is None:
            self._notes.add("unknown", "the report holds a record that no session writes")
        elif self._end is not None:
            self._notes.add("late", "the report goes on after the session's end")
        else:
            take(record)

    def running(self) -> tuple[str, float] | None:
        """The test in flight and the host's monotonic time at which it started."""
        return self._running

    def finish(self, execution: Execution) -> SuiteRun:
        """What the run showed, once everything in the sandbox is dead."""
        said = records.count(self._end.get("status")) if self._end else None
        records.note_channels(self._notes, execution, said)
        if self._end is None:
            if execution.stop is Stop.EXITED:
                self._notes.add("end", self._no_end(execution))
        else:
            self._compare_totals(self._end)
            self._judge_status(said)
        texts = [record.text for record in (*self._results.values(), *self._collect_errors)]
        return SuiteRun(
            stop=execution.stop,
            exit_code=execution.exit_code,
            collected=tuple(self._paths),
            deselected=(self._totals[1] or 0) if self._totals else 0,
            records=tuple(self._results.values()),
            collect_errors=tuple(self._collect_errors),
            in_flight=self._running[0] if self._running else None,
            ended=self._end is not None and not self._notes,
            disagreement=str(self._notes),
            modules=tuple(self._modules.values()),
            origins_known=self._origins_known,
            runner=self._runner,
            log=execution.log,
            log_truncated=execution.log_truncated,
            usage=records.with_disk_full(execution.usage, texts),
        )

    # records

    def _session(self, record: Mapping[str, Any]) -> None:
        if self._runner:
            self._notes.add("sessions", "the report holds two sessions")
            return
        versions = [records.word(record.get(name), 50) or "?" for name in ("pytest", "python")]
        self._runner = f"pytest {versions[0]}, python {versions[1]}"
        ini = records.word(record.get("ini"))
        if self._expected_ini is not None and ini != self._expected_ini:
            self._notes.add("ini", f"pytest took its configuration from {ini or 'no file'}, not from {self._expected_ini}")

    def _collected(self, record: Mapping[str, Any]) -> None:
        path, ids = records.relative(record.get("path")), records.words(record.get("ids"), records.MOST_TESTS)
        given = record.get("ids")
        if not isinstance(given, list) or len(ids) != len(given) or self._totals is not None:
            self._notes.add("inventory", "the inventory holds entries that no session writes")
        for name in ids:
            if name in self._paths:
                self._notes.add("repeated", f"{name} is in the inventory twice")
            elif len(self._paths) >= records.MOST_TESTS:
                self._notes.add("many", f"more than {records.MOST_TESTS} tests")
                return
            else:
                self._paths[name] = path

    def _collection(self, record: Mapping[str, Any]) -> None:
        if self._totals is not None:
            self._notes.add("totals", "the inventory was closed twice")
            return
        self._totals = records.count(record.get("collected")), records.count(record.get("deselected"))
        if self._totals[0] != len(self._paths):
            self._notes.add("collected", f"the session counted {self._totals[0]} tests and listed {len(self._paths)}")

    def _collect_error(self, record: Mapping[str, Any]) -> None:
        if len(self._collect_errors) < MOST_COLLECT_ERRORS:
            name = records.word(record.get("id")) or "collection"
            path = records.relative(record.get("path"))
            self._collect_errors.append(TestRecord(id=name, outcome=TestOutcome.ERROR, text=self._text(record), path=path))

    def _start(self, record: Mapping[str, Any]) -> None:
        name = records.word(record.get("id"))
        if name is None or name not in self._paths:
            self._notes.add("stranger", f"{name or 'a test without a name'} ran and is not in the inventory")
            return
        if self._running is not None:
            self._notes.add("overlap", f"{name} started before {self._running[0]} had a result")
        if name in self._results:
            self._notes.add("twice", f"{name} ran twice")
        self._running = name, self._monotonic()

    def _test(self, record: Mapping[str, Any]) -> None:
        name, outcome = records.word(record.get("id")), _OUTCOMES.get(str(record.get("outcome")))
        if name is None or outcome is None or name not in self._paths:
            self._notes.add("stranger", f"a result for {name or 'a test without a name'}, which is not in the inventory")
            return
        told = TestRecord(
            id=name, outcome=outcome, seconds=records.seconds(record.get("seconds")), text=self._text(record), path=self._paths[name]
        )
        if (before := self._results.get(name)) is not None:
            self._notes.add("double", f"{name} has two results: {before.outcome.value} and {outcome.value}")
            self._results[name] = records.worse(before, told)
            return
        if self._running is None or self._running[0] != name:
            self._notes.add("unstarted", f"{name} has a result and was not running")
        else:
            self._running = None
        self._results[name] = told

    def _module(self, record: Mapping[str, Any]) -> None:
        given = record.get("modules")
        for pair in given[:MOST_MODULES] if isinstance(given, list) else ():
            match records.words(pair, 3):
                case [name, file] if len(self._modules) < MOST_MODULES:
                    self._modules[name, file] = Module(name=name, file=file)
        if record.get("complete") is True:
            self._origins_known = records.count(record.get("total")) == len(self._modules)

    def _internal_error(self, record: Mapping[str, Any]) -> None:
        self._notes.add("internal", f"pytest broke: {_last_line(records.text(record.get('text')))}")

    def _broken(self, record: Mapping[str, Any]) -> None:
        self._notes.add("broken", f"the session broke off: {_last_line(records.text(record.get('text')))}")

    def _ended(self, record: Mapping[str, Any]) -> None:
        self._end = dict(record)

    def _text(self, record: Mapping[str, Any]) -> str:
        found = records.text(record.get("text"))[-self._text_left :] if self._text_left > 0 else ""
        self._text_left -= len(found)
        return found

    # the end

    def _no_end(self, execution: Execution) -> str:
        if not self._runner:
            return f"pytest did not start (exit status {execution.exit_code})"
        during = f" during {self._running[0]}" if self._running else ""
        return f"the process ended{during} before the session did: {len(self._results)} of {len(self._paths)} tests have a result"

    def _compare_totals(self, end: Mapping[str, Any]) -> None:
        totals = self._totals or (0, 0)
        for what, key, counted in (("collected", "collected", len(self._paths)), ("ran", "ran", len(self._results))):
            if records.count(end.get(key)) != counted:
                self._notes.add(f"end {key}", f"the session said that {end.get(key)!s:.20} tests {_WERE[what]}; its records say {counted}")
        if records.count(end.get("deselected")) != totals[1]:
            self._notes.add("deselected", "the number of deselected tests changed after the collection")

    def _judge_status(self, status: int | None) -> None:
        """Whether the session's status fits its records (status 2 is how pytest ends after collection errors)."""
        failing = sum(record.outcome.failed for record in self._results.values()) + len(self._collect_errors)
        missing = len(self._paths) - len(self._results)
        stopped = records.text(self._end.get("stopped"), 200) if self._end else ""
        if status in (_OK, _FAILED) and missing:
            because = f" ({stopped})" if stopped else ""
            self._notes.add("missing", f"the session ended with {missing} of {len(self._paths)} tests without a result{because}")
        elif status == _OK and failing:
            self._notes.add("status", f"exit status 0, and {failing} failed")
        elif status == _FAILED and not failing:
            self._notes.add("status", "exit status 1, and nothing failed")
        elif status == _INTERRUPTED and not self._collect_errors:
            self._notes.add("status", f"the session was interrupted with {missing} of {len(self._paths)} tests without a result")
        elif status == _INTERNAL:
            self._notes.add("internal", "pytest broke (exit status 3)")
        elif status == _USAGE:
            self._notes.add("status", "pytest refused its command line or configuration (exit status 4)")
        elif status == _NOTHING and self._paths:
            self._notes.add("status", "exit status 5 means no tests, and there are some")
        elif status not in range(6):
            self._notes.add("status", f"exit status {status} is none of pytest's")


_WERE = {"collected": "were collected", "ran": "ran"}


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it gave no reason"
