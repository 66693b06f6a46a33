"""One run, as its page shows it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from runner.api.dashboard.fates import Fate, fate
from runner.api.dashboard.line import Stage, line
from runner.api.dashboard.names import Names
from runner.api.dashboard.visit import Visitor
from runner.errors import UsageError
from runner.model.promotion import Promotion, Step
from runner.model.result import Outcome, Result
from runner.model.run import Author
from runner.reports.remarks import ORDER
from runner.reports.report import Report, build, from_json
from runner.store.requests import Request
from runner.store.runs import Record
from runner.store.submissions import Filed
from runner.wiring.serving import Service

_GROUPS: Final = (
    ("Before anything ran", ("health", "anomaly", "breaker", "rate", "target")),
    ("The change itself", ("intake", "paths", "syntax", "static", "supply", "load")),
    ("Tests", ("base", "tests", "inventory", "origin", "channels", "own-tests", "examples", "isolation")),
    (
        "Controls against forged results",
        ("controls", "tripwires", "probe", "docstrings", "twins", "dead-body", "revert", "coverage", "mutants"),
    ),
)
_REST: Final = "On the way to the target"
_ELSEWHERE: Final = Path("/")


class Button(NamedTuple):
    """Something that this visitor may say to the run, and what comes of it."""

    verb: str
    label: str
    about: str


class Shown(NamedTuple):
    """One run. `report` is absent while there is nothing to tell; `author` and `agent` are what the record says of them."""

    record: Record
    fate: Fate
    report: Report | None
    filed: Filed | None
    request: Request | None
    promotion: Promotion | None
    target: str
    repository: str
    author: Author
    stages: tuple[Stage, ...]
    groups: tuple[tuple[str, tuple[Result, ...]], ...]
    buttons: tuple[Button, ...]
    missing: str
    """The scope that the visitor lacks to answer."""
    left: float | None
    """Seconds until the hold, or the promotion, ends by itself."""

    @property
    def over(self) -> bool:
        """Whether nothing changes any more unless somebody asks."""
        return self.record.state == "ended"


def shown(run: str, service: Service, names: Names, who: tuple[str, str], visitor: Visitor) -> Shown:
    """Everything but the change, the logs and the history. Raises UsageError where there is no such run."""
    record = service.kept.runs.show(run)
    filed, request, promotion = _filed(run, service), service.kept.requests.load(run), service.kept.promotions.find(run)
    report = _report(record, filed)
    every = tuple(_buttons(record, filed, promotion))
    scopes = {"approve": "approve", "deny": "approve"}
    buttons = tuple(
        button
        for button in every
        if visitor.may_about(scopes.get(button.verb, "operate"), run, service)
        or (button.verb == "cancel" and visitor.may_cancel(run, service))
    )
    return Shown(
        record=record,
        fate=fate(record),
        report=report,
        filed=filed,
        request=request,
        promotion=promotion,
        target=names.target(record.target),
        repository=names.repository(record.repository),
        author=filed.run.author if filed else Author(name=who[0], agent=who[1]),
        stages=line(record.command, record.state, report.timings if report else {}),
        groups=tuple(_groups(report.results if report else ())),
        buttons=buttons,
        missing=scopes.get(every[0].verb, "operate") if every and not buttons else "",
        left=_left(record, filed, promotion, service),
    )


def _filed(run: str, service: Service) -> Filed | None:
    try:
        return service.kept.submissions.load(run)
    except UsageError:  # it was only checked, or nobody has read its change yet
        return None


def _report(record: Record, filed: Filed | None) -> Report | None:
    """The report, or while there is none what the last stage left."""
    if record.report is not None:
        try:
            return from_json(record.report)
        except ValueError:  # of a version that this one cannot read, or edited
            return None
    return build(filed.run, here=_ELSEWHERE) if filed else None


def _groups(results: tuple[Result, ...]) -> Iterator[tuple[str, tuple[Result, ...]]]:
    """Results by what they are about; in each group those first that did not pass."""
    left = list(results)
    for title, names in _GROUPS:
        mine = [result for result in left if _base(result.check) in names]
        left = [result for result in left if result not in mine]
        if mine:
            yield title, _ordered(mine)
    if left:
        yield _REST, _ordered(left)


def _base(check: str) -> str:
    """`twins` of `twins.3`; a probe of the target has a colon, and is no control."""
    return check.partition(".")[0]


def _ordered(results: list[Result]) -> tuple[Result, ...]:
    order = (*ORDER, Outcome.PASS)
    return tuple(sorted(results, key=lambda result: order.index(result.outcome)))


def _buttons(record: Record, filed: Filed | None, promotion: Promotion | None) -> Iterator[Button]:
    step = promotion.step if promotion else None
    going = record.state in ("queued", "running", "held")
    if record.state == "held" and filed is not None and not (promotion and promotion.step.open):
        yield Button("approve", "Approve", "It goes on; who made the change cannot approve it.")
        yield Button("deny", "Deny", "It is rejected.")
    if step in (Step.PROMOTED, Step.STUCK):
        yield Button("confirm", "Confirm", "The change stays in its target.")
    if step in (Step.PROMOTED, Step.CONFIRMED, Step.STUCK):
        yield Button("rollback", "Roll back", "The target becomes what it was before.")
    if going and (filed is not None or record.state == "queued"):
        yield Button("cancel", "Cancel", "It ends; what it promoted and nobody confirmed is taken back.")


def _left(record: Record, filed: Filed | None, promotion: Promotion | None, service: Service) -> float | None:
    until: Any = None
    if promotion is not None and promotion.step is Step.PROMOTED:
        until = promotion.deadline
    elif record.state == "held" and filed is not None:
        until = filed.expires
    return None if until is None else until - service.kept.promotions.now()
