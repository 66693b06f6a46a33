"""`/api/v1/webhooks`: who is told of events by HTTP, as the Standard Webhooks have it."""

import json
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from runner.api import cursor
from runner.api.access import needs, service_of
from runner.api.answers import Answer as Told
from runner.api.answers import time_of
from runner.api.binding import unbound
from runner.api.keys import Answer, IdempotencyKey, once
from runner.api.problems import Problem
from runner.errors import UsageError
from runner.store.deliveries import Delivery
from runner.store.tokens import Token
from runner.store.webhooks import Webhook
from runner.wiring.posting import MOST_URL, checked
from runner.wiring.serving import Service

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"])
Served = Annotated[Service, Depends(service_of)]
Kind = Annotated[str, Field(max_length=60, pattern=r"^[a-z][a-z_]*(\.[a-z_-]+)?(\.\*)?$", description="A kind of events, or `run.*`.")]


class NewWebhook(BaseModel):
    """Whom to tell, and of what."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(
        max_length=MOST_URL, description="By https; an address outside the open internet only where the server's configuration allows it."
    )
    kinds: list[Kind] = Field(default=[], max_length=50, description="Kinds of events, as in `/api/v1/events`; none: all.")


class Which(BaseModel):
    """A delivery."""

    model_config = ConfigDict(extra="forbid")

    delivery: str = Field(max_length=64, pattern=r"^msg_[0-9a-f]+$", description="Its `webhook-id`.")


class Hook(Told):
    """A webhook, without its secret."""

    id: str
    url: str
    kinds: list[str]
    name: str = Field(description="Who made it.")
    created: str
    failing: str | None = Field(description="Since when nothing arrived there.")
    disabled: str | None = Field(description="Since when it is not told anything any more.")
    reason: str = Field(description="Why it is disabled.")
    pending: int = Field(description="Deliveries on their way.")


class Hooks(Told):
    """All webhooks, newest first."""

    webhooks: list[Hook]


class Secret(Told):
    """A webhook and its secret, which is told this once: a repeated request is answered without it."""

    webhook: Hook
    secret: str | None
    earlier_until: str | None = Field(default=None, description="Until when the earlier secret signs, too.")


class Sending(Told):
    """One event on its way to a webhook."""

    id: str = Field(description="Its `webhook-id`.")
    seq: int = Field(description="The number of the event.")
    kind: str
    at: str
    state: str = Field(description="`pending`, `delivered` or `failed`.")
    attempts: int
    due: str
    status: int | None = Field(description="The last answer.")
    problem: str = Field(description="Why the last attempt failed.")


class Sendings(Told):
    """Deliveries, newest first; `next` is where to go on."""

    deliveries: list[Sending]
    next: str | None = Field(description="The address of the next page.")


def _for_all(token: Annotated[Token, Depends(needs("operate"))]) -> Token:
    """Webhooks are told of every target."""
    unbound(token)
    return token


Operator = Annotated[Token, Depends(_for_all)]


def _found(webhook: Annotated[str, Path(max_length=32)], service: Served) -> Webhook:
    found = service.webhooks.find(webhook)
    if found is None:
        raise Problem(404, "webhook-unknown", "there is no such webhook")
    return found


Known = Annotated[Webhook, Depends(_found)]


@router.get("")
def list_(_token: Operator, service: Served) -> Hooks:
    """All webhooks. Their secrets are not told."""
    return Hooks(webhooks=[_hook(one) for one in service.webhooks.list()])


@router.post("", status_code=201, response_model=Secret)
def create(token: Operator, asked: NewWebhook, service: Served, key: IdempotencyKey = None) -> Response:
    """Tell a URL of events from now on. The answer has the secret that signs them, which is told this once."""
    try:
        url = checked(asked.url, service.configuration.webhooks.allow)
    except UsageError as problem:
        raise Problem(422, "url-refused", str(problem), hint=problem.hint) from problem
    secrets: list[str] = []

    def do() -> Answer:
        made, secret = service.webhooks.create(url, tuple(asked.kinds), by=token.name)
        secrets.append(secret)
        told = Secret(webhook=_hook(made), secret=None).model_dump(mode="json")
        return Answer(201, told, {"Location": f"{router.prefix}/{made.id}"})

    return _with(once(service, token, key, ("webhook", asked.model_dump_json()), do), secrets)


@router.delete("/{webhook}", status_code=204, response_class=Response)
def delete(token: Operator, webhook: Known, service: Served) -> None:
    """Tell it nothing any more."""
    service.webhooks.delete(webhook.id, by=token.name)


@router.post("/{webhook}/rotate", response_model=Secret)
def rotate(token: Operator, webhook: Known, service: Served, key: IdempotencyKey = None) -> Response:
    """Give it a new secret, which is told this once; the one before signs for a day beside it."""
    secrets: list[str] = []

    def do() -> Answer:
        secret, until = service.webhooks.rotate(webhook.id, by=token.name)
        secrets.append(secret)
        return Answer(200, Secret(webhook=_hook(webhook), secret=None, earlier_until=time_of(until)).model_dump(mode="json"))

    return _with(once(service, token, key, ("webhook.rotate", webhook.id), do), secrets)


@router.get("/{webhook}/deliveries")
def deliveries(
    _token: Operator,
    webhook: Known,
    request: Request,
    service: Served,
    state: Annotated[Literal["pending", "delivered", "failed"] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=100)] = "",
) -> Sendings:
    """What was sent there, and what is on its way."""
    found = service.deliveries.page(webhook.id, limit + 1, before=cursor.read(after) if after else None, state=state or "")
    more = str(request.url.include_query_params(after=cursor.write(found[limit - 1].number))) if len(found) > limit else None
    return Sendings(deliveries=[_sending(one) for one in found[:limit]], next=more)


@router.post("/{webhook}/redeliver", status_code=202, response_model=Sending)
def redeliver(token: Operator, webhook: Known, which: Which, service: Served, key: IdempotencyKey = None) -> Response:
    """Send a delivery once more, under the same `webhook-id`."""

    def do() -> Answer:
        again = service.deliveries.again(webhook.id, which.delivery)
        return Answer(202, _sending(again).model_dump(mode="json"))

    return once(service, token, key, ("webhook.redeliver", webhook.id, which.delivery), do)


def _with(response: Response, secrets: list[str]) -> Response:
    """The answer with the secret; what is kept of it for those who ask again is without."""
    if not secrets:
        return response
    told = {**json.loads(bytes(response.body)), "secret": secrets[0]}
    where = {name: response.headers[name] for name in ("location",) if name in response.headers}
    return Response(json.dumps(told), response.status_code, {**where, "Cache-Control": "no-store"}, "application/json")


def _hook(one: Webhook) -> Hook:
    return Hook(
        id=one.id,
        url=one.url,
        kinds=list(one.kinds),
        name=one.name,
        created=time_of(one.created),
        failing=time_of(one.failing) if one.failing is not None else None,
        disabled=time_of(one.disabled) if one.disabled is not None else None,
        reason=one.reason,
        pending=one.pending,
    )


def _sending(one: Delivery) -> Sending:
    told = one._asdict()
    del told["number"]
    return Sending(**{**told, "at": time_of(one.at), "due": time_of(one.due)})
