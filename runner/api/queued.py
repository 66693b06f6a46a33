"""Requests that are put on record and carried by whoever knows their names."""

from hashlib import sha256
from typing import Final
from uuid import uuid4

from runner.api.access import among
from runner.api.binding import repos_of, targets_of
from runner.api.keys import REPLAYED, Answer, used
from runner.api.problems import Problem
from runner.model.request import Asked
from runner.model.run import State
from runner.store.requests import Queued
from runner.store.tokens import Token
from runner.wiring.serving import Service

RUNS: Final = "/api/v1/runs"
_DIGITS: Final = 12


def run_of(token: Token, key: str) -> str:
    """The id of the run that a request makes: the same whenever the same token asks with the same key."""
    return sha256(f"{token.id}\0{key}".encode()).hexdigest()[:_DIGITS]


def fresh_key() -> str:
    """A key for what nobody asks twice."""
    return uuid4().hex


def put(asked: Asked, token: Token, service: Service) -> Answer:
    """Put a request on record, once, and say where its run is. Raises Problem where its key made another run."""
    found = service.accept(asked, by=token.id)
    if found is Queued.OTHER:
        raise used()
    answer = _located(asked.run, State.QUEUED)
    return answer if found is Queued.NEW else answer._replace(headers={**answer.headers, **REPLAYED})


def moved(run: str, service: Service) -> Answer:
    """Where the run is of which something was asked."""
    return _located(run, service.kept.runs.show(run).state)


def _located(run: str, state: str) -> Answer:
    where = f"{RUNS}/{run}"
    return Answer(202, {"run": run, "state": state, "location": where}, {"Location": where})


def known_here(target: str, repo: str, token: Token, service: Service) -> None:
    """Raises Problem for names that the configuration does not have, with those that a token may use."""
    known = service.configuration
    if target and target not in known.targets:
        raise _unknown("target", target, targets_of(token, service))
    if repo and repo not in known.repos:
        raise _unknown("repo", repo, repos_of(token, service))


def _unknown(kind: str, name: str, may: frozenset[str]) -> Problem:
    what = "repository" if kind == "repo" else kind
    return Problem(422, f"{kind}-unknown", f"this server knows no {what} of that name", hint=among(name, may))
