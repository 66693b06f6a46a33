"""This machine, as the gate sees it before a change."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from runner.api.binding import targets_of
from runner.api.dashboard.pages import Page, page
from runner.api.dashboard.served import Served
from runner.api.dashboard.visit import Looking
from runner.api.judging import policy_for
from runner.gates.health import told
from runner.gates.health.assess import Assessed
from runner.wiring.health import DAY, Checkup, checkup_by
from runner.wiring.health_told import history, number, state, unit

router = APIRouter(route_class=Page, include_in_schema=False)
TONES: Final = {"good": "good", "soft": "hold", "hard": "bad", "unknown": "hold", "-": "dull"}
_WIDE, _HIGH = 160.0, 28.0
_NARROW: Final = 4.0
"""Of the width: a history that is shorter shows nothing."""


@router.get("/health")
def health(request: Request, service: Served, visitor: Looking, target: Annotated[str, Query(max_length=64)] = "") -> Response:
    """A fresh sample beside its limits and its last 24 hours, by the policy of a target or by the built-in one."""
    found = checkup_by(policy_for(visitor.token, "", target, service))
    absent = [one for one in found.signals if one.reading.status.value == "absent"]
    given: dict[str, Any] = {
        "found": found,
        "rows": [_row(found, one) for one in found.signals if one not in absent],
        "absent": [(told.NAMES[one.name], one.reading.why) for one in absent],
        "outlooks": [(one.source, told.forecast(one), one.sure or one.full is None) for one in found.outlooks],
        "tones": TONES,
        "targets": sorted(targets_of(visitor.token, service)),
        "target": target,
    }
    return page(request, visitor, "health.html", **given)


def _row(found: Checkup, one: Assessed) -> dict[str, object]:
    points = history(found.past, one)
    if one.value is not None:
        points.append((found.facts.taken, number(one)))
    return {
        "name": told.NAMES[one.name],
        "state": state(one),
        "value": told.measured(one),
        "soft": str(one.limits.soft),
        "hard": str(one.limits.hard),
        "whose": one.value.source if one.value is not None else one.reading.why,
        "line": _line(points, found.facts.taken, 1.0 if unit(one) == "share" else 0.001),
        "points": len(points),
    }


def _line(points: Sequence[tuple[float, float]], now: float, least: float) -> str:
    """The points of a line over the last day; none where that says nothing. From nothing to the whole, or to the highest value."""
    if not points or (now - points[0][0]) / DAY * _WIDE < _NARROW:
        return ""
    top = max([least, *(value for _, value in points)])
    placed = ((_WIDE * (1 - min(1.0, max(0.0, (now - at) / DAY))), _HIGH * (1 - max(0.0, value) / top)) for at, value in points)
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
