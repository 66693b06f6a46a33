"""The breakers: which are open and why, and deciding over their heads."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Form, Request, Response

from runner.api.binding import bound_at, targets_of, unbound
from runner.api.dashboard.pages import Page, back, page
from runner.api.dashboard.served import Looked, Served
from runner.api.dashboard.visit import Looking, Reason, Sending
from runner.api.seeing import breakers_seen
from runner.errors import SeatrialError
from runner.gates.breaker.fold import State
from runner.gates.breaker.options import NAMES
from runner.model.keys import parts_of
from runner.reports.breakers import as_json
from runner.wiring.breakers import force, listed, reset
from runner.wiring.naming import key_of_target
from runner.wiring.serving import Service

router = APIRouter(route_class=Page, include_in_schema=False)
TONES: Final = {"closed": "good", "open": "bad", "half-open": "hold", "forced open": "bad", "disabled": "hold"}
_TIMES: Final = {"": None, "30m": 1800.0, "2h": 7200.0, "1d": 86400.0}
_Key = Annotated[str, Form(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]


@router.get("/breakers")
def breakers(request: Request, service: Served, looked: Looked, visitor: Looking) -> Response:
    """The list, and the form."""
    seen = breakers_seen(visitor.token, listed(service.where.state), service)
    rows = [_row(one, seen.now) for one in seen.breakers]
    targets = sorted(targets_of(visitor.token, service))
    given: dict[str, Any] = {"rows": rows, "tones": TONES, "kinds": NAMES, "targets": targets, "names": looked.names, "now": seen.now}
    return page(request, visitor, "breakers.html", **given)


@router.post("/breakers")
def decide(
    service: Served,
    visitor: Sending,
    reason: Reason,
    kind: Annotated[Literal["host", "promotion", "author"], Form()],
    to: Annotated[Literal["open", "disabled", "reset"], Form()],
    key: _Key = "",
    author: _Key = "",
    time: Annotated[Literal["", "30m", "2h", "1d"], Form()] = "",
) -> Response:
    """Open, disable or reset one, or those of all keys."""
    visitor.needs("operate")
    keys = _keys(kind, key, author, service)
    if kind == "host" or not keys:
        unbound(visitor.token)
    else:
        bound_at(visitor.token, keys[0], service)
    try:
        if to == "reset":
            reset(service.where.state, kind, keys, reason, visitor.token.name)
        else:
            force(service.where.state, kind, keys, to, reason, visitor.token.name, _TIMES[time])
    except SeatrialError as problem:
        visitor.session.say(f"{problem}. {problem.hint}", failed=True)
    else:
        visitor.session.say(f"The breaker {' '.join((kind, *keys))} is {'reset' if to == 'reset' else to + ' by hand'}.")
    return back("/breakers")


def _keys(kind: str, key: str, author: str, service: Service) -> tuple[str, ...]:
    """The parts of a key, a target by its name here or as it is listed."""
    if not key:
        return ()
    if kind != "host" and key in service.configuration.targets:
        key = key_of_target(key, service.configuration)
    return (key, author) if kind == "author" else (key,)


def _row(state: State, now: float) -> dict[str, Any]:
    name, *key = parts_of(state.key)
    failed = [outcome.failed for outcome in state.window]
    return {**as_json(state, now), "called": state.called, "name": name, "key": key, "outcomes": failed[-20:], "counted": len(failed)}
