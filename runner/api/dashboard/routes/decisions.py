"""What people say to runs, by the buttons of a page."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Response

from runner.api.binding import bound_about
from runner.api.dashboard.pages import Page, back
from runner.api.dashboard.served import Served
from runner.api.dashboard.visit import Reason, Sending, is_local
from runner.api.named import Run
from runner.api.problems import Problem
from runner.errors import SeatrialError

router = APIRouter(route_class=Page, include_in_schema=False)
VERBS: Final = {
    "approve": ("approve", "approved: it goes on"),
    "deny": ("approve", "denied: it is rejected"),
    "cancel": ("operate", "asked to end"),
    "confirm": ("operate", "asked to be confirmed"),
    "rollback": ("operate", "asked to be taken back"),
}
"""The scope that each needs, and what is said then."""


@router.post("/runs/{run}/{verb}")
def decide(
    visitor: Sending, run: Run, verb: str, service: Served, reason: Reason, to: Annotated[str, Form(max_length=200)] = ""
) -> Response:
    """Do it, and go back to the page that it was asked on, which says what came of it."""
    if verb not in VERBS:
        raise Problem(404, "not-found", "there is no such page")
    scope, done = VERBS[verb]
    if verb != "cancel" or not visitor.may_cancel(run, service):
        visitor.needs(scope)
    bound_about(visitor.token, run, service)
    try:
        if scope == "approve":
            service.answer(run, verb, visitor.token.name, reason)
        else:
            service.ask(run, verb, visitor.token.name, reason)
    except SeatrialError as problem:
        visitor.session.say(f"{problem}. {problem.hint}", failed=True)
    else:
        visitor.session.say(f"Run {run} is {done}.")
    return back(to if is_local(to) else f"/runs/{run}")
