"""The JSON report, `seatrial.report/v1`: everything another program may want to know about a run."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import ConfigDict, Field

from runner.model.change import Change, Status
from runner.model.result import Ending, Outcome, Result, Verdict
from runner.model.run import Kept, Landed, PolicyFacts, Run, SandboxFacts, State
from runner.model.said import Said
from runner.model.suite import Comparison, Pair, SuiteSummary, TestOutcome, Touched
from runner.model.text import inert
from runner.model.value import Value
from runner.reports.exits import exit_of
from runner.reports.next_step import next_step
from runner.reports.touched import with_terms

SCHEMA: Final = "seatrial.report/v1"
_LISTS = ("broken", "missing", "skipped", "flaky", "still_failing", "fixed", "new")


class _Part(Value):
    """A part of a report; what a newer version added is left out when an older one reads it."""

    model_config = ConfigDict(frozen=True, extra="ignore", serialize_by_alias=True)


class PathReport(_Part):
    """One changed file; `added` and `deleted` in lines."""

    path: str
    status: Status
    added: int
    deleted: int


class ChangeReport(_Part):
    """The change; `base` is a commit, `tree` the patched tree, `files` a count, `added` and `deleted` in lines."""

    id: str
    patch_id: str
    base: str
    tree: str
    files: int
    added: int
    deleted: int
    source: str
    kind: str
    base_label: str
    head_label: str = ""
    paths: tuple[PathReport, ...]


class PairReport(_Part):
    """One test that differs, with the list it is in and the end of its failure text; `note` has what came of running it again, and its past."""

    id: str
    list: str
    base: TestOutcome | None
    patched: TestOutcome | None
    path: str
    text: str
    note: str = ""


class TouchedReport(Touched):
    """A test of the base that the change touches: what it made of it, how both versions came out, and what the gate `anomaly` says of it."""

    model_config = _Part.model_config


class TestsReport(_Part):
    """Base against verdict tree; the lists hold test ids and `pairs` their details. `base` is null when no suite ran."""

    __test__ = False

    base: SuiteSummary | None = None
    patched: SuiteSummary | None = None
    own: SuiteSummary | None = None
    broken: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    still_failing: tuple[str, ...] = ()
    flaky: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    pairs: tuple[PairReport, ...] = ()
    tests_side: tuple[str, ...] = ()
    source_side: tuple[str, ...] = ()
    touched: tuple[TouchedReport, ...] = ()


class PromotionReport(Landed):
    """What became of the promotion; times are ISO 8601 in UTC, `detection` and `recovery` seconds."""

    model_config = _Part.model_config


class BackupReport(Kept):
    """The backup of what the target was; `size` and `added` in bytes."""

    model_config = _Part.model_config


class SaidReport(Said):
    """What a person said to the run: `verb` is `approve`, `deny`, `cancel`, `confirm` or `rollback`, `at` ISO 8601 in UTC."""

    model_config = _Part.model_config


class Report(_Part):
    """One run; `exit_code` is that of the command and null while the run goes on, `next` the command to type.

    `decisions` has what people said to it, oldest first; it is told of a run that is looked up in the record.
    """

    schema_: Literal["seatrial.report/v1"] = Field(default=SCHEMA, alias="schema")
    run: str
    verdict: Verdict | None
    ending: Ending | None
    state: State
    reason: str
    next: str
    exit_code: int | None
    retry_after: float | None
    change: ChangeReport
    policy: PolicyFacts
    results: tuple[Result, ...]
    tests: TestsReport
    sandbox: SandboxFacts | None
    level: str
    timings: dict[str, float]
    notes: tuple[str, ...]
    promotion: PromotionReport | None = None
    backup: BackupReport | None = None
    decisions: tuple[SaidReport, ...] = ()


def build(run: Run, *, exit_code: int | None = None, here: Path | None = None) -> Report:
    """The report of a run as it stands.

    `exit_code` is given when the command ends with another one than the decision's, `here` when the next command will be typed
    elsewhere than in the repository.
    """
    decision = run.decision
    if exit_code is None and decision is not None and run.state is not State.RUNNING:
        exit_code = int(exit_of(decision))
    waits = [r.retry_after for r in run.results if r.outcome is Outcome.REFUSE and r.retry_after is not None]
    return Report(
        run=run.id,
        verdict=decision.verdict if decision else None,
        ending=decision.ending if decision else None,
        state=run.state,
        reason=decision.reason if decision else "the run goes on",
        next=next_step(run, here),
        exit_code=exit_code,
        retry_after=max(waits, default=None),
        change=_change(run.change),
        policy=run.policy,
        results=run.results,
        tests=_tests(run.tests, run.results),
        sandbox=run.sandbox,
        level=run.level,
        timings=run.timings,
        notes=run.notes,
        promotion=PromotionReport(**run.promotion.model_dump()) if run.promotion else None,
        backup=BackupReport(**run.backup.model_dump()) if run.backup else None,
    )


def with_decisions(report: Report, decisions: Iterable[Said]) -> Report:
    """The report with what people said to the run, as the record of runs has it."""
    return report.model_copy(update={"decisions": tuple(SaidReport(**said.model_dump()) for said in decisions)})


def to_json(report: Report) -> str:
    """The report as ASCII-only JSON: whatever a change put into it, a terminal shows it as escapes."""
    return inert(report.model_dump_json(indent=2, ensure_ascii=True)) + "\n"


def from_json(text: str) -> Report:
    """The report that `to_json` wrote, by this version or a newer one; raises ValueError when it is none."""
    return Report.model_validate_json(text)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a report; it allows fields that newer versions may add."""
    schema = _opened(Report.model_json_schema(mode="serialization"))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, **schema}


def schema_text() -> str:
    """The content of the shipped schema file."""
    return json.dumps(json_schema(), indent=2) + "\n"


def _opened(node: Any) -> Any:
    """The schema with every field of ours required, since all are always written, and fields of newer versions allowed."""
    if isinstance(node, list):
        return [_opened(item) for item in node]
    if not isinstance(node, dict):
        return node
    opened = {key: _opened(value) for key, value in node.items() if not (key == "additionalProperties" and value is False)}
    return opened | {"required": list(node["properties"])} if isinstance(node.get("properties"), dict) else opened


def _change(change: Change) -> ChangeReport:
    paths = tuple(PathReport(path=f.path, status=f.status, added=f.added, deleted=f.deleted) for f in change.files)
    return ChangeReport(
        id=change.id,
        patch_id=change.patch_id,
        base=change.base_commit,
        tree=change.tree,
        files=len(paths),
        added=change.lines_added,
        deleted=change.lines_deleted,
        source=change.source,
        kind=change.kind,
        base_label=change.base_label,
        head_label=change.head_label or change.source,
        paths=paths,
    )


def _tests(comparison: Comparison | None, results: tuple[Result, ...]) -> TestsReport:
    if comparison is None:
        return TestsReport()
    lists: dict[str, tuple[Pair, ...]] = {name: getattr(comparison, name) for name in _LISTS}
    new = frozenset(pair.id for pair in comparison.new)
    return TestsReport(
        base=comparison.base,
        patched=comparison.patched,
        own=comparison.own,
        **{name: tuple(pair.id for pair in pairs) for name, pairs in lists.items()},
        pairs=tuple(_pair(pair, name) for name, pairs in lists.items() for pair in pairs),
        tests_side=comparison.tests_side,
        source_side=comparison.source_side,
        touched=tuple(TouchedReport(**row.model_dump()) for row in with_terms(comparison.touched, results, new)),
    )


def _pair(pair: Pair, name: str) -> PairReport:
    return PairReport(id=pair.id, list=name, base=pair.base, patched=pair.patched, path=pair.path, text=pair.text, note=pair.note)
