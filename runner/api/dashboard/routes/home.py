"""The first page: what waits for a person, then all runs."""

from typing import Annotated, Any, Final, Literal, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from runner.api import cursor
from runner.api.binding import repos_of, targets_of
from runner.api.dashboard.fates import fate
from runner.api.dashboard.pages import Page, page
from runner.api.dashboard.served import Looked, Lookout, Served
from runner.api.dashboard.visit import Looking, Visitor
from runner.api.dashboard.waiting import waiting
from runner.store.browsing import Wanted
from runner.store.reach import Reach
from runner.wiring.serving import Service

router = APIRouter(route_class=Page, include_in_schema=False)
_MOST: Final = 50


class Choice(NamedTuple):
    """What the form above the list says."""

    repository: str = ""
    target: str = ""
    who: str = ""
    state: str = ""
    rule: str = ""
    after: str = ""

    def query(self, after: str = "") -> str:
        """The same in an address; from a place in the list on."""
        return urlencode({name: value for name, value in self._replace(after=after)._asdict().items() if value})


def _choice(
    repository: Annotated[str, Query(max_length=500)] = "",
    target: Annotated[str, Query(max_length=500)] = "",
    who: Annotated[str, Query(max_length=200)] = "",
    state: Annotated[Literal["", "queued", "running", "held", "ended"], Query()] = "",
    rule: Annotated[str, Query(max_length=200)] = "",
    after: Annotated[str, Query(max_length=100)] = "",
) -> Choice:
    return Choice(repository, target, who.strip(), state, rule.strip(), after)


_Chosen = Annotated[Choice, Depends(_choice)]


@router.get("/")
def home(request: Request, service: Served, looked: Looked, visitor: Looking, choice: _Chosen) -> Response:
    """Both."""
    since = service.pulse.newest()  # before anything is read
    token, reach = visitor.token, visitor.reach(service)
    repositories, targets = looked.browsing.places(reach=reach)
    shown: dict[str, Any] = {
        "since": since,
        "repositories": sorted({*repos_of(token, service), *map(looked.names.repository, repositories)}),
        "targets": sorted({*targets_of(token, service), *map(looked.names.target, targets)}),
    }
    return page(request, visitor, "home.html", **_waiting(service, looked, visitor), **_runs(looked, choice, reach), **shown)


@router.get("/parts/waiting")
def part_waiting(request: Request, service: Served, looked: Looked, visitor: Looking) -> Response:
    """What waits, for a page that is open."""
    return page(request, visitor, "part_waiting.html", **_waiting(service, looked, visitor))


@router.get("/parts/runs")
def part_runs(request: Request, service: Served, looked: Looked, visitor: Looking, choice: _Chosen) -> Response:
    """The list, for a page that is open."""
    return page(request, visitor, "part_runs.html", **_runs(looked, choice, visitor.reach(service)))


def _waiting(service: Service, looked: Lookout, visitor: Visitor) -> dict[str, Any]:
    return {"waiting": waiting(service, looked.browsing, looked.names, visitor), "to": "/"}


def _runs(looked: Lookout, choice: Choice, reach: Reach | None) -> dict[str, Any]:
    before = cursor.read(choice.after) if choice.after else None
    wanted = Wanted(
        repositories=looked.names.repositories(choice.repository, looked.browsing.places(reach=reach)[0]) if choice.repository else (),
        targets=looked.names.targets(choice.target),
        who=choice.who,
        state=choice.state,
        rule=choice.rule,
        reach=reach,
    )
    found = looked.browsing.runs(wanted, _MOST + 1, before=before)
    rows = [(seen, fate(seen.record)) for seen in found[:_MOST]]
    more = choice.query(cursor.write(found[_MOST - 1].number)) if len(found) > _MOST else ""
    states = looked.browsing.states(reach=reach)
    return {"rows": rows, "more": more, "choice": choice, "names": looked.names, "states": states}
