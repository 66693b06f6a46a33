"""Every call that this client makes of a server, by method and path: compared with the server's OpenAPI document by a test."""

from typing import Final, NamedTuple


class Call(NamedTuple):
    """One operation of `/openapi.json`."""

    method: str
    path: str

    def at(self, run: str) -> str:
        """The path for a run."""
        return self.path.replace("{run}", run)


_RUN: Final = "/api/v1/runs/{run}"

SUBMIT: Final = Call("POST", "/api/v1/runs")
LIST: Final = Call("GET", "/api/v1/runs")
SHOW: Final = Call("GET", _RUN)
LOGS: Final = Call("GET", f"{_RUN}/logs")
RETRY: Final = Call("POST", f"{_RUN}/retry")
EVENTS: Final = Call("GET", "/api/v1/events")
DECIDE: Final = {verb: Call("POST", f"{_RUN}/{verb}") for verb in ("approve", "deny", "cancel", "confirm", "rollback")}

ALL: Final = (SUBMIT, LIST, SHOW, LOGS, RETRY, EVENTS, *DECIDE.values())
