"""What people and programs decide about runs."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict

from runner.api.access import needs, service_of
from runner.api.answers import Accepted
from runner.api.binding import bound_about, may_cancel
from runner.api.keys import Answer, IdempotencyKey, once, required
from runner.api.named import Run
from runner.api.problems import Problem
from runner.api.queued import moved, put, run_of
from runner.api.texts import Said
from runner.model.run import State
from runner.store.tokens import Token
from runner.wiring.serving import Service

router = APIRouter(prefix="/api/v1/runs", tags=["decisions"])
Served = Annotated[Service, Depends(service_of)]
Approver = Annotated[Token, Depends(needs("approve"))]
Submitter = Annotated[Token, Depends(needs("submit"))]
Operator = Annotated[Token, Depends(needs("operate"))]
Canceller = Annotated[Token, Depends(needs("operate", "submit"))]


class Reason(BaseModel):
    """Why, for the record."""

    model_config = ConfigDict(extra="forbid")

    reason: Said


@router.post("/{run}/approve", status_code=202, response_model=Accepted)
def approve(token: Approver, run: Run, said: Reason, service: Served, key: IdempotencyKey = None) -> Response:
    """Let a held run go on. The author of a change cannot approve it."""
    return _decided("approve", run, said, service, token, key, lambda: service.answer(run, "approve", token.name, said.reason))


@router.post("/{run}/deny", status_code=202, response_model=Accepted)
def deny(token: Approver, run: Run, said: Reason, service: Served, key: IdempotencyKey = None) -> Response:
    """End a held run: it is rejected."""
    return _decided("deny", run, said, service, token, key, lambda: service.answer(run, "deny", token.name, said.reason))


@router.post("/{run}/cancel", status_code=202, response_model=Accepted)
def cancel(token: Canceller, run: Run, said: Reason, service: Served, key: IdempotencyKey = None) -> Response:
    """End a run that goes on; what it promoted and nobody confirmed is taken back. Who asked for a run needs no scope but `submit`."""
    if not may_cancel(token, run, service):
        raise Problem(403, "scope-missing", "the run is not yours: this needs a token with the scope operate", scope="operate")
    return _decided("cancel", run, said, service, token, key, lambda: service.ask(run, "cancel", token.name, said.reason))


@router.post("/{run}/confirm", status_code=202, response_model=Accepted)
def confirm(token: Operator, run: Run, said: Reason, service: Served, key: IdempotencyKey = None) -> Response:
    """Confirm what was promoted, before its probes do."""
    return _decided("confirm", run, said, service, token, key, lambda: service.ask(run, "confirm", token.name, said.reason))


@router.post("/{run}/rollback", status_code=202, response_model=Accepted)
def rollback(token: Operator, run: Run, said: Reason, service: Served, key: IdempotencyKey = None) -> Response:
    """Take back what was promoted."""
    return _decided("rollback", run, said, service, token, key, lambda: service.ask(run, "rollback", token.name, said.reason))


@router.post("/{run}/retry", status_code=202, response_model=Accepted)
def retry(token: Submitter, run: Run, service: Served, key: IdempotencyKey = None) -> Response:
    """Ask once more for what was asked as a run that has ended; a new run, of the same author. Only for what a server was asked for."""
    bound_about(token, run, service)
    request = service.kept.requests.load(run)

    def do() -> Answer:
        if request is None:
            hint = f"`seatrial run retry {run}` submits it again where it was submitted."
            raise Problem(409, "not-asked-here", f"run {run} was not asked of a server", hint=hint)
        if (state := service.kept.runs.show(run).state) != State.ENDED.value:
            raise Problem(409, "not-ended", f"run {run} has not ended: it is {state}")
        return put(request.asked.model_copy(update={"run": run_of(token, required(key))}), token, service)

    return once(service, token, key, ("retry", run), do)


def _decided(verb: str, run: str, said: Reason, service: Service, token: Token, key: str | None, decide: Callable[[], None]) -> Response:
    bound_about(token, run, service)

    def do() -> Answer:
        decide()
        return moved(run, service)

    return once(service, token, key, (verb, run, said.reason), do)
