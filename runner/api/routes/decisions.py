"""What people and programs decide about runs."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from runner.api.access import allowed, needs, service_of
from runner.api.answers import Accepted
from runner.api.keys import Answer, IdempotencyKey, once
from runner.api.named import Run
from runner.store.tokens import Token
from runner.wiring.serving import Service

router = APIRouter(prefix="/api/v1/runs", tags=["decisions"])
Served = Annotated[Service, Depends(service_of)]
Approver = Annotated[Token, Depends(needs("approve"))]
Operator = Annotated[Token, Depends(needs("operate"))]


class Reason(BaseModel):
    """Why, for the record."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")


@router.post("/{run}/approve", status_code=202, response_model=Accepted)
def approve(run: Run, said: Reason, service: Served, token: Approver, key: IdempotencyKey = None) -> Response:
    """Let a held run go on. The author of a change cannot approve it."""
    return _decided("approve", run, said, service, token, key, lambda: service.answer(run, "approve", token.name, said.reason))


@router.post("/{run}/deny", status_code=202, response_model=Accepted)
def deny(run: Run, said: Reason, service: Served, token: Approver, key: IdempotencyKey = None) -> Response:
    """End a held run: it is rejected."""
    return _decided("deny", run, said, service, token, key, lambda: service.answer(run, "deny", token.name, said.reason))


@router.post("/{run}/cancel", status_code=202, response_model=Accepted)
def cancel(run: Run, said: Reason, service: Served, token: Operator, key: IdempotencyKey = None) -> Response:
    """End a run that goes on; what it promoted and nobody confirmed is taken back."""
    return _decided("cancel", run, said, service, token, key, lambda: service.ask(run, "cancel", token.name, said.reason))


@router.post("/{run}/confirm", status_code=202, response_model=Accepted)
def confirm(run: Run, said: Reason, service: Served, token: Operator, key: IdempotencyKey = None) -> Response:
    """Confirm what was promoted, before its probes do."""
    return _decided("confirm", run, said, service, token, key, lambda: service.ask(run, "confirm", token.name, said.reason))


@router.post("/{run}/rollback", status_code=202, response_model=Accepted)
def rollback(run: Run, said: Reason, service: Served, token: Operator, key: IdempotencyKey = None) -> Response:
    """Take back what was promoted."""
    return _decided("rollback", run, said, service, token, key, lambda: service.ask(run, "rollback", token.name, said.reason))


def _decided(verb: str, run: str, said: Reason, service: Service, token: Token, key: str | None, decide: Callable[[], None]) -> Response:
    allowed(token, service.target_of(run))

    def do() -> Answer:
        decide()
        where = f"{router.prefix}/{run}"
        return Answer(202, {"run": run, "state": service.kept.runs.show(run).state, "location": where}, {"Location": where})

    return once(service, token, key, (verb, run, said.reason), do)
