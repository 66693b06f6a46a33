"""The run that a path names."""

from typing import Annotated

from fastapi import Depends, Path

from runner.api.access import service_of
from runner.api.problems import Problem
from runner.errors import UsageError
from runner.wiring.serving import Service


def _found(
    run: Annotated[str, Path(max_length=64, description="The id of a run, or the unique beginning of one.")],
    service: Annotated[Service, Depends(service_of)],
) -> str:
    try:
        return service.kept.runs.find(run)
    except UsageError as problem:
        raise Problem(404, "run-unknown", "there is no such run, or several") from problem


Run = Annotated[str, Depends(_found)]
"""The whole id of the run that the path names; the answer is 404 where there is none."""
