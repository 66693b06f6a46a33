"""What it means that a server does not do what it was asked."""

import json
from http import HTTPStatus
from typing import Any, Final

from runner.errors import ChangeRefused, InfrastructureError, PolicyInvalid, SeatrialError, UsageError
from runner.model.text import cut, printable

_LONGEST: Final = 1000
_MOST: Final = 50
_LONGEST_WAIT: Final = 60.0
"""Seconds that are waited for at once, whatever a server asks for."""
_WAITS: Final = (408, 425, 429, 500, 502, 503, 504)
_MACHINE: Final = ("infrastructure", "engine-unavailable", "image-unavailable", "store-unavailable", "target-moved", "fenced")
_TOKENS: Final = "`seatrial token create NAME --scope ...` on the server makes one; it goes into SEATRIAL_TOKEN or SEATRIAL_TOKEN_FILE."


class ServerUnavailable(InfrastructureError):
    """No server answers, or it cannot at this moment; `after` is the seconds that it asks to wait, `None` where it is not about to be better."""

    code = "server-unavailable"

    def __init__(self, what: str, *, hint: str = "", after: float | None = None) -> None:
        super().__init__(what, hint=hint)
        self.after = after


class Refused(UsageError):
    """A server understood and said no; `status` and `kind` are its own words for it, `more` its whole answer. All of it is hostile text."""

    def __init__(self, what: str, *, hint: str = "", status: int, kind: str = "", more: dict[str, Any] | None = None) -> None:
        super().__init__(what, hint=hint)
        self.status, self.kind, self.more = status, kind, more or {}


def error_of(status: int, body: bytes, retry_after: str, name: str) -> SeatrialError:
    """The error that an answer with this status stands for; `name` is what the server is called."""
    told = _problem(body)
    kind, detail = _text(told.get("code")), _text(told.get("detail"))
    if not detail:
        detail = f"{name} answers {status} {_phrase(status)}"
    hint = _text(told.get("hint"))
    if status in _WAITS or kind == "in-progress":
        soon = None if status == HTTPStatus.INTERNAL_SERVER_ERROR else 0.0
        after = _seconds(retry_after)
        said = f"the server cannot do it now: {detail}"
        return ServerUnavailable(said, hint=hint or "Try again later.", after=soon if after is None else after)
    if kind == PolicyInvalid.code:
        return PolicyInvalid(tuple(_texts(told.get("problems"))) or (detail,), hint=hint)
    if kind == ChangeRefused.code or status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return ChangeRefused(detail, hint=hint)
    if kind in _MACHINE:
        return InfrastructureError(detail, hint=hint)
    if not told and status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return InfrastructureError(
            f"{name} does not answer as a Seatrial server does: {status} {_phrase(status)}", hint="Is that the address?"
        )
    what = "\n".join((detail, *_faults(told.get("faults"))))
    return Refused(what, hint=hint or _advice(status, told), status=status, kind=kind, more=told)


def _advice(status: int, told: dict[str, Any]) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return _TOKENS
    if status == HTTPStatus.FORBIDDEN and (named := _texts(told.get("targets"))):
        return f"It may go to: {', '.join(named)}."
    if status == HTTPStatus.FORBIDDEN:
        return _TOKENS
    return "`seatrial run list` with the same server shows its runs." if status == HTTPStatus.NOT_FOUND else ""


def _problem(body: bytes) -> dict[str, Any]:
    """A problem of RFC 9457, or nothing where the answer is none."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) and isinstance(told.get("code"), str) else {}


def _faults(given: Any) -> list[str]:
    """What of a request is wrong, a line each."""
    faults = given if isinstance(given, list) else []
    return [f"{_text(one.get('where'))}: {_text(one.get('what'))}" for one in faults[:_MOST] if isinstance(one, dict)]


def _texts(given: Any) -> list[str]:
    return [_text(one) for one in given[:_MOST]] if isinstance(given, list) else []


def _text(given: Any) -> str:
    return cut(printable(given[:_LONGEST]), _LONGEST) if isinstance(given, str) else ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "(no status that is known)"


def _seconds(retry_after: str) -> float | None:
    return min(float(retry_after[:9]), _LONGEST_WAIT) if retry_after.isascii() and retry_after.isdigit() else None
