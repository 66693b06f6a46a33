"""Short ways to make suite runs for tests."""

from runner.model.change import Change, FileChange, Status
from runner.model.suite import Module, Stop, SuiteRun, TestOutcome, TestRecord, Usage


def a_record(test: str, outcome: str = "passed", *, seconds: float = 0.01, text: str = "") -> TestRecord:
    return TestRecord(id=test, outcome=TestOutcome(outcome), seconds=seconds, path=test.partition("::")[0], text=text)


def a_run(
    outcomes: dict[str, str], *, ended: bool = True, stop: Stop = Stop.EXITED, modules: tuple[Module, ...] = (), **more: object
) -> SuiteRun:
    records = tuple(a_record(test, outcome) for test, outcome in outcomes.items())
    facts: dict[str, object] = {"origins_known": True, "exit_code": 0, "usage": Usage(seconds=1.0), **more}
    return SuiteRun(stop=stop, ended=ended, records=records, collected=tuple(outcomes), modules=modules, **facts)


def a_file(path: str, status: str = "M") -> FileChange:
    modes = {"old_mode": "100644", "new_mode": "100644"}
    return FileChange(name=path.encode(), path=path, status=Status(status), **modes, old_blob="a" * 40, new_blob="b" * 40)


def a_change(*paths: str | FileChange) -> Change:
    files = tuple(a_file(path) if isinstance(path, str) else path for path in paths)
    return Change(
        base_commit="1" * 40,
        base_tree="2" * 40,
        tree="3" * 40,
        patch_id="4" * 40,
        source="x.diff",
        kind="diff",
        base_label="main",
        files=files,
    )
