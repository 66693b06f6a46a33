"""By which policies this server judges, and where each of their values comes from."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from runner.api.binding import repos_of, targets_of
from runner.api.dashboard.pages import Page, page
from runner.api.dashboard.served import Served
from runner.api.dashboard.visit import Looking
from runner.policy.text import to_yaml
from runner.wiring.served_policies import Served as Judged
from runner.wiring.served_policies import served_policies

router = APIRouter(route_class=Page, include_in_schema=False)


@router.get("/policy")
def policy(
    request: Request,
    service: Served,
    visitor: Looking,
    kind: Annotated[Literal["", "repo", "target"], Query()] = "",
    name: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """The list, and one of them, resolved."""
    token = visitor.token
    found = tuple(served_policies(service.configuration, repos_of(token, service), targets_of(token, service)))
    chosen = next((one for one in found if (one.kind, one.name) == (kind, name)), _first(found))
    text = to_yaml(chosen.loaded) if chosen and chosen.loaded else ""
    return page(request, visitor, "policy.html", found=found, chosen=chosen, text=text)


def _first(found: tuple[Judged, ...]) -> Judged | None:
    """That of a target rather than that of a repository."""
    return next((one for one in found if one.kind == "target"), next(iter(found), None))
