"""A client of one server: a method for each thing that can be asked of it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import ValidationError

from runner.client import calls, keys
from runner.client.answers import Accepted, Page, Shown, Summary
from runner.client.connection import Connection
from runner.client.events import Event, events
from runner.client.problems import Refused
from runner.client.wanted import Wanted
from runner.errors import InfrastructureError, UsageError
from runner.model.value import Value

LATEST: Final = "latest"
_RUN: Final = re.compile(r"[0-9a-f]{1,64}")
_SUITE: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_PAGE: Final = 200
_AGAIN: Final = 20
_NOTHING: Final = ("failed", "refused", "cancelled", "expired")
"""Endings that judged nothing: the same may be asked again, in the same job, too."""
_NO_SUITE: Final = "-"
"""What no suite is called: whoever asks for its log is told which there are."""
Told = TypeVar("Told", bound=Value)


class Client:
    """Asks a server. Every method raises as `Connection.ask` does, and InfrastructureError for an answer that cannot be understood."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.name = connection.address.name

    def close(self) -> None:
        """Let go of what is open."""
        self._connection.close()

    def submit(self, wanted: Wanted, key: str = "") -> Accepted:
        """Ask for a check, or for a change to be carried to its target; what was asked before, by the same key, is the same run.

        Where that run came to nothing meanwhile it is asked for once more, as another run.
        """
        key = key or keys.key(wanted.parts)
        for _ in range(_AGAIN):
            reply = self._connection.ask(calls.SUBMIT, key=key, **wanted.body)
            accepted = _told(Accepted, reply.body)
            if not reply.replayed or not self._came_to_nothing(accepted.run):
                return accepted
            key = keys.after(key, accepted.run)
        raise InfrastructureError(f"the same was tried {_AGAIN} times by this job, and came to nothing")

    def show(self, run: str) -> Shown:
        """One run: an id, the unique beginning of one, or `latest`."""
        return _told(Shown, self._connection.ask(calls.SHOW, run=_run(run)).body)

    def list(self, limit: int) -> tuple[Summary, ...]:
        """The newest runs, newest first."""
        found: list[Summary] = []
        after = ""
        while len(found) < limit:
            query = {"limit": str(min(_PAGE, limit - len(found))), **({"after": after} if after else {})}
            page = _told(Page, self._connection.ask(calls.LIST, query=query).body)
            found += page.runs
            after = _cursor(page.next)
            if not after or not page.runs:
                break
        return tuple(found[:limit])

    def logs(self, run: str) -> dict[str, str]:
        """The ends of the suites' logs of a run, by suite. Hostile text."""
        try:
            self._log(run, _NO_SUITE)
        except Refused as told:
            if told.kind != "log-unknown":
                raise
            suites = told.more.get("suites")
            names = [name for name in suites if isinstance(name, str) and _SUITE.fullmatch(name)] if isinstance(suites, list) else []
            return {name: self._log(run, name) for name in names}
        return {}

    def decide(self, run: str, verb: str, reason: str) -> Accepted:
        """Approve, deny, cancel, confirm or roll back a run, by the word of who has the token."""
        reply = self._connection.ask(calls.DECIDE[verb], run=_run(run), key=keys.fresh(), json={"reason": reason})
        return _told(Accepted, reply.body)

    def retry(self, run: str) -> Accepted:
        """Ask for the same as a run that has ended, as a new run."""
        return _told(Accepted, self._connection.ask(calls.RETRY, run=_run(run), key=keys.fresh()).body)

    @contextmanager
    def events(self, run: str, after: int | None, *, seconds: float) -> Iterator[Iterator[Event | None]]:
        """What happens to a run after the event of that number, or from now on; `None` in between is a sign of life.

        Not more than `seconds` lie between two. What is lost on the way raises ServerUnavailable, and is there again after the last number.
        """
        query = {"run": run, **({"after": str(after)} if after is not None else {})}
        with self._connection.listen(calls.EVENTS, query, seconds=seconds) as pieces:
            yield events(pieces)

    def _came_to_nothing(self, run: str) -> bool:
        earlier = self.show(run).summary
        return earlier.ending in _NOTHING and earlier.joined is None

    def _log(self, run: str, suite: str) -> str:
        body = self._connection.ask(calls.LOGS, run=_run(run), query={"suite": suite}).body
        return body.decode("utf-8", "replace")


def _run(name: str) -> str:
    """The name of a run as a part of a path. Raises UsageError for what names none."""
    if name != LATEST and _RUN.fullmatch(name) is None:
        raise UsageError(f"'{name}' is no run id", hint="Give an id, the beginning of one, or `latest`; see `seatrial run list`.")
    return name


def _told(model: type[Told], answer: bytes) -> Told:
    try:
        return model.model_validate_json(answer)
    except ValidationError as problem:
        fault = problem.errors()[0]
        where = ".".join(str(part) for part in fault["loc"]) or "all of it"
        raise InfrastructureError(
            f"the server's answer is not one that this version can read ({where}: {fault['type']})",
            hint="Is that the address of a Seatrial server, and of which version?",
        ) from problem


def _cursor(address: str | None) -> str:
    """The cursor in the address of the next page: the address itself is the server's, who may be behind a proxy, and is not followed."""
    try:
        return parse_qs(urlsplit(address or "").query).get("after", [""])[0]
    except ValueError:
        return ""
