"""What a step or a run came to, as JSON text: what it returned or what it raised, to be told again after a crash."""

import json
import logging
from collections.abc import Callable
from typing import Final

from runner import errors
from runner.errors import SeatrialError

log = logging.getLogger(__name__)
_KINDS: Final[dict[str, type[SeatrialError]]] = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, SeatrialError) and kind.__init__ is SeatrialError.__init__
}
"""Errors that are made of a sentence and a hint."""


class Broke(Exception):
    """What was carried out broke in a way that nobody expected; says what was raised then, perhaps in another process."""


def told(step: Callable[[], str], problems: list[Exception] | None = None) -> str:
    """Carry `step` out, and tell what it came to; whatever it raised is put into `problems` as well."""
    try:
        return json.dumps({"returned": step()})
    except Exception as problem:  # that it failed is what it came to: told again, it fails again
        if not isinstance(problem, SeatrialError):
            log.exception("a run broke")
        if problems is not None:
            problems.append(problem)
        raised = {"kind": type(problem).__name__, "what": str(problem), "hint": getattr(problem, "hint", "")}
        return json.dumps({"raised": raised})


def heard(text: str) -> str:
    """What was returned then; raises what was raised then, as Broke where it was no error of ours."""
    came_to = json.loads(text)
    if "returned" in came_to:
        return str(came_to["returned"])
    raised = came_to["raised"]
    if raised["kind"] in _KINDS:
        raise _KINDS[raised["kind"]](raised["what"], hint=raised["hint"])
    raise Broke(f"{raised['kind']}: {raised['what']}")
