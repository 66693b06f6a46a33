"""The run that a path names, and what the record calls a target."""

from contextlib import suppress
from typing import Annotated

from fastapi import Depends, Path

from runner.api.access import Reader, service_of
from runner.api.binding import reach_of
from runner.api.problems import Problem
from runner.errors import UsageError
from runner.model.configuration import Configuration
from runner.store.tokens import Token
from runner.wiring.naming import key_of_target
from runner.wiring.serving import Service

_Name = Annotated[str, Path(max_length=64, description="The id of a run, or the unique beginning of one.")]
_Served = Annotated[Service, Depends(service_of)]


def _found(run: _Name, service: _Served) -> str:
    try:
        return service.kept.runs.find(run)
    except UsageError as problem:
        raise Problem(404, "run-unknown", "there is no such run, or several") from problem


def _seen(run: _Name, token: Reader, service: _Served) -> str:
    return run_seen(run, token, service)


def run_seen(run: str, token: Token, service: Service) -> str:
    """The whole id of a run, of those alone that a token may see. Raises Problem where there is none, or several."""
    try:
        return service.kept.runs.find(run, reach=reach_of(token, service))
    except UsageError as problem:
        raise Problem(404, "run-unknown", "there is no such run, or several") from problem


def called(target: str, configuration: Configuration) -> tuple[str, ...]:
    """All that the record may call the target of that name; nothing where there is no name."""
    keys = set()
    with suppress(UsageError):  # it is none of ours, or another branch for each run
        keys = {key_of_target(target, configuration)}
    return (target, *keys) if target else ()


Run = Annotated[str, Depends(_found)]
"""The whole id of the run that the path names; the answer is 404 where there is none."""
SeenRun = Annotated[str, Depends(_seen)]
"""The same for whoever looks; the runs that the token may not see are not there."""
