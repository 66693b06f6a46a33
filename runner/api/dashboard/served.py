"""What the pages ask: the service, and what looks through its record."""

from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from runner.api.access import service_of
from runner.api.dashboard.names import Names
from runner.store.browsing import SqlBrowsing
from runner.store.trends import SqlTrends
from runner.wiring.serving import Service


class Lookout(NamedTuple):
    """What looks through the record for the pages."""

    browsing: SqlBrowsing
    trends: SqlTrends
    names: Names


def lookout(service: Service) -> Lookout:
    """The lookout of a service."""
    return Lookout(SqlBrowsing(service.where.state), SqlTrends(service.where.state), Names(service.configuration))


def _lookout_of(request: Request) -> Lookout:
    found: Lookout = request.app.state.lookout
    return found


Served = Annotated[Service, Depends(service_of)]
Looked = Annotated[Lookout, Depends(_lookout_of)]
