"""Reads a suite that ran in parts, a test file each: what a part says counts for its own file, and only the launcher says how it ended."""

from collections.abc import Iterator, Mapping
from typing import Any

from runner.model.sandbox import Execution, Part
from runner.model.suite import Stop, SuiteRun
from runner.ports import Reader
from runner.trial import records


def file_of(test: str) -> str:
    """The file in which a test is, by its id."""
    return test.partition("::")[0]


class PartsReader:
    """One reader per part; `parts` in the order in which they run."""

    def __init__(self, parts: Mapping[str, Reader]) -> None:
        self._files, self._readers = tuple(parts), tuple(parts.values())
        self._current = 0
        self._notes = records.Notes()

    def record(self, record: Mapping[str, Any], child: int = 0) -> None:
        """Take one JSON object that this part wrote."""
        self._current = child
        if child < len(self._readers):
            self._readers[child].record(record)
        else:
            self._notes.add("stranger", "the report holds records of a part that nobody asked for")

    def running(self) -> tuple[str, float] | None:
        """The test in flight and the host's monotonic time at which it started."""
        return self._readers[self._current].running() if self._current < len(self._readers) else None

    def finish(self, execution: Execution) -> SuiteRun:
        """All parts as one run: complete when every part was, and each spoke of its own file."""
        runs = tuple(self._runs(execution))
        records.note_channels(self._notes, execution, None)
        for file, run in zip(self._files, runs, strict=False):
            self._judge(file, run)
        if execution.stop is Stop.EXITED and len(runs) < len(self._files):
            self._notes.add("parts", f"{len(runs)} of {len(self._files)} test files were run")
        full = next((run.usage.disk_full for run in runs if run.usage.disk_full), None)
        stopped = self.running()
        return SuiteRun(
            stop=execution.stop,
            exit_code=execution.exit_code,
            collected=tuple(test for run in runs for test in run.collected),
            deselected=sum(run.deselected for run in runs),
            records=tuple(record for run in runs for record in run.records),
            collect_errors=tuple(error for run in runs for error in run.collect_errors),
            in_flight=stopped[0] if stopped else next((run.in_flight for run in runs if run.in_flight), None),
            ended=not self._notes,
            disagreement=str(self._notes),
            modules=tuple(dict.fromkeys(module for run in runs for module in run.modules)),
            origins_known=bool(runs) and all(run.origins_known for run in runs),
            runner=next((run.runner for run in runs if run.runner), ""),
            log=execution.log,
            log_truncated=execution.log_truncated,
            usage=execution.usage if execution.usage.disk_full else execution.usage.model_copy(update={"disk_full": full}),
            parts=len(self._files),
        )

    def _runs(self, execution: Execution) -> Iterator[SuiteRun]:
        """What each part showed that began; the last may have been stopped."""
        ends: tuple[Part | None, ...] = execution.parts
        if execution.stop is not Stop.EXITED:
            ends = (*ends, None)
        for file, reader, end in zip(self._files, self._readers, ends, strict=False):
            if end is None:
                yield reader.finish(execution)
                continue
            if end.status is None:
                self._notes.add("began", f"the process for {file} never began, or nobody saw it end")
            if end.left:
                self._notes.add("left", f"what {file} left behind could not be removed: {end.left}")
            told = {"exit_code": end.status, "child_status": end.status, "survivors": end.survivors, "garbage": 0, "log": ""}
            yield reader.finish(execution.model_copy(update=told))

    def _judge(self, file: str, run: SuiteRun) -> None:
        foreign = next((test for test in run.collected if file_of(test) != file), None)
        if foreign is not None:
            self._notes.add("foreign", f"{file} reports {foreign}, which is a test of another file")
        if not run.ended:
            self._notes.add("part", f"{file}: {run.disagreement or 'no complete report'}")
