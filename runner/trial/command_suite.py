"""Any command as a test suite: read by its JUnit file, its TAP stream, or no more than its exit status."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runner.model.names_of_tests import COMMAND_TEST_FILES
from runner.model.sandbox import Execution
from runner.model.suite import Stop, SuiteRun, TestOutcome, TestRecord
from runner.ports import Plan, Plugin, Trees
from runner.trial import junit, records, tap
from runner.trial.options import Tests
from runner.trial.records import Told

ONLY_TEST = "command"
"""The id of the one test that `report: exit` knows."""
_NOT_STARTED = (126, 127)


@dataclass
class CommandSuite:
    """The policy's own command, run without a shell in the working copy.

    It cannot show which modules it imported, and it cannot run single tests: `plan(only=…)` is the whole command again.
    """

    options: Tests
    env: Mapping[str, str] = field(default_factory=dict)
    kind: str = "command"
    tells_modules: bool = False
    patterns: tuple[str, ...] = COMMAND_TEST_FILES

    def plan(  # the whole command, whatever is asked for
        self,
        *,
        only: Sequence[str] = (),  # noqa: ARG002
        files: Sequence[str] = (),  # noqa: ARG002
        plugin: Plugin | None = None,  # noqa: ARG002
    ) -> Plan:
        """The command."""
        return Plan(argv=self.options.command, env=dict(self.env), report_file=self.options.report_path)

    def reader(self, children: Sequence[str] = ()) -> "CommandReader":  # noqa: ARG002  it has none
        """A fresh reader for one run."""
        return CommandReader(self.options)

    def divided(self, run: SuiteRun) -> tuple[str, ...]:  # noqa: ARG002
        """A command is one."""
        return ()

    def importer(self) -> None:
        """Nobody can tell which interpreter a command uses, if any."""


class CommandReader:
    """Reads what a command left behind once it has ended."""

    def __init__(self, options: Tests) -> None:
        self._options = options

    def record(self, record: Mapping[str, Any], child: int = 0) -> None:
        """A command has no records; what it writes to the report stream says nothing."""

    def running(self) -> tuple[str, float] | None:
        """Nobody can tell which test of a command runs."""
        return None

    def finish(self, execution: Execution) -> SuiteRun:
        """What the run showed, once everything in the sandbox is dead."""
        told = _READ[self._options.report](execution, self._options)
        notes = records.Notes()
        records.note_channels(notes, execution, None)
        if execution.stop is Stop.EXITED:
            if told.problem:
                notes.add("report", told.problem)
            self._compare_status(notes, execution, told)
        return SuiteRun(
            stop=execution.stop,
            exit_code=execution.exit_code,
            collected=tuple(test.id for test in told.tests),
            records=told.tests,
            ended=not notes,
            disagreement=str(notes),
            runner=f"command, {self._options.report}",
            log=execution.log,
            log_truncated=execution.log_truncated,
            usage=records.with_disk_full(execution.usage, (test.text for test in told.tests)),
        )

    @staticmethod
    def _compare_status(notes: records.Notes, execution: Execution, told: Told) -> None:
        failing = sum(test.outcome.failed for test in told.tests)
        if execution.exit_code in _NOT_STARTED:
            notes.add("status", f"the command could not be started (exit status {execution.exit_code})")
        elif execution.exit_code == 0 and failing:
            notes.add("status", f"exit status 0, and {failing} tests failed by the report")
        elif execution.exit_code and not failing:
            notes.add("status", f"exit status {execution.exit_code}, and no test failed by the report")


def _junit(execution: Execution, _: Tests) -> Told:
    return junit.read(execution.report_file)


def _tap(execution: Execution, options: Tests) -> Told:
    if options.report_path is None:
        return tap.read(execution.log, truncated=execution.log_truncated)
    if execution.report_file is None:
        return Told(problem="the command left no TAP file")
    if len(execution.report_file) > junit.LARGEST:
        return Told(problem=f"the TAP file is larger than {junit.LARGEST // 2**20} MiB")
    return tap.read(execution.report_file.decode("utf-8", "replace"))


def _exit(execution: Execution, _: Tests) -> Told:
    """One test that stands for the whole command: weak evidence, since a command that ends early looks the same."""
    if execution.stop is not Stop.EXITED or execution.exit_code is None:
        return Told()
    passed = execution.exit_code == 0
    text = "" if passed else records.text(execution.log)
    return Told((TestRecord(id=ONLY_TEST, outcome=TestOutcome.PASSED if passed else TestOutcome.FAILED, text=text),))


_READ: dict[str, Callable[[Execution, Tests], Told]] = {"junit": _junit, "tap": _tap, "exit": _exit}


def build(options: Tests, trees: Trees, base_tree: str, env: Mapping[str, str]) -> CommandSuite:  # noqa: ARG001  nothing to read there
    """The suite for the policy's command."""
    return CommandSuite(options=options, env=dict(env))
