"""Runs that wait for a person, each with all that is needed to answer: why, who, until when, and whether this visitor may."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from runner.api.dashboard.names import Names
from runner.api.dashboard.visit import Visitor
from runner.errors import SeatrialError
from runner.model.change import Change
from runner.model.result import Outcome, Result
from runner.model.run import Author
from runner.store.attention import Awaited
from runner.store.browsing import SqlBrowsing
from runner.wiring.serving import Service

MOST: Final = 50


class Waiting(NamedTuple):
    """One such run. `verbs` are what a visitor with the right scope may say to it; `may` whether this one has it."""

    run: str
    reason: str
    target: str
    repository: str
    author: Author
    change: Change
    stopped: tuple[Result, ...]
    left: float | None
    """Seconds until it ends by itself."""
    promoted: bool
    verbs: tuple[str, ...]
    may: bool
    scope: str


def waiting(service: Service, browsing: SqlBrowsing, names: Names, visitor: Visitor) -> tuple[Waiting, ...]:
    """Those that wait longest first."""
    now = service.kept.promotions.now()
    return tuple(_each(service, browsing.awaited(MOST, reach=visitor.reach(service)), names, visitor, now))


def _each(service: Service, runs: tuple[tuple[str, Awaited], ...], names: Names, visitor: Visitor, now: float) -> Iterator[Waiting]:
    for name, asked in runs:
        with suppress(SeatrialError):  # one that this version cannot read must not keep a person from the others
            filed, promotion = service.kept.submissions.load(name), service.kept.promotions.find(name)
            run, target = filed.run, service.target_of(name)
            promoted = "confirm" in asked.verbs
            until = promotion.deadline if filed.expires is None and promotion is not None else filed.expires
            scope = "operate" if promoted else "approve"
            yield Waiting(
                run=name,
                reason=asked.reason,
                target=names.target(target),
                repository=names.repository(run.repository),
                author=run.author,
                change=run.change,
                stopped=tuple(result for result in run.results if result.outcome in (Outcome.HOLD, Outcome.UNKNOWN)),
                left=until - now if until is not None else None,
                promoted=promoted,
                verbs=asked.verbs,
                may=visitor.may_about(scope, name, service),
                scope=scope,
            )
