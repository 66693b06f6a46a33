"""Sends events to webhooks, as the Standard Webhooks have it."""

import hmac
import logging
import random
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from threading import Event, Thread
from typing import Final

from runner.errors import StoreUnavailable
from runner.model.text import printable
from runner.store.deliveries import LEASE, Claimed, Sent, SqlDeliveries
from runner.wiring.posting import NotSent, post

log = logging.getLogger(__name__)

_TICK: Final = 0.5
"""Seconds between two looks for what is due."""
_SLOTS: Final = 4
"""Webhooks that one server sends to at once."""
_IN_A_ROW: Final = 100
"""What goes to one webhook before another gets its turn."""
_SECONDS: Final = 10.0
"""What one attempt may take, the look-up of the name included."""
_FAREWELL: Final = 20.0
"""Seconds to wait at the end for what is being sent; more than an attempt takes, less than a database that is silent."""
_STALE: Final = LEASE / 2
"""Seconds after its claim within which an attempt may begin: whoever was frozen meanwhile is not the one to send any more."""
_PREFIX: Final = "whsec_"


def signatures(secrets: Iterable[str], identity: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one signature for each secret."""
    signed = f"{identity}.{timestamp}.".encode() + body
    keys = (b64decode(secret.removeprefix(_PREFIX)) for secret in secrets)
    return " ".join(f"v1,{b64encode(hmac.new(key, signed, sha256).digest()).decode()}" for key in keys)


class Delivering:
    """Sends what is due, several webhooks at once and to each one delivery after the other; `networks` may be sent to beside the internet."""

    def __init__(self, deliveries: SqlDeliveries, networks: tuple[str, ...], clock: Callable[[], float] = time.time) -> None:
        self._deliveries, self._networks, self._clock = deliveries, networks, clock

    def run(self, ended: Event) -> None:
        """Until `ended` is set, and what is being sent by then was sent."""
        going: set[Future[None]] = set()
        with ThreadPoolExecutor(_SLOTS, thread_name_prefix="webhook") as pool:
            while not ended.wait(_TICK):
                going = {one for one in going if not one.done()}
                try:
                    self._deliveries.spread()
                    since = time.monotonic()
                    claimed = self._deliveries.claim(_SLOTS - len(going))
                except StoreUnavailable:
                    continue
                except Exception:
                    log.exception("the events of webhooks cannot be read")
                    continue
                going |= {pool.submit(self._all, one, since, ended) for one in claimed}

    def _all(self, claimed: Claimed, since: float, ended: Event) -> None:
        """Send one delivery, and what follows it there."""
        following: Claimed | None = claimed
        for number in range(_IN_A_ROW):
            if following is None or time.monotonic() - since > _STALE:
                return
            go_on = number + 1 < _IN_A_ROW and not ended.is_set()
            try:
                sent = self.send(following)
                since = time.monotonic()
                following = self._deliveries.settle(following, sent, jitter=random.random(), go_on=go_on)  # noqa: S311 - no secret
            except StoreUnavailable:  # the lease ends by itself, and it is sent again under the same id
                return
            except Exception:
                log.exception("delivery %s broke", claimed.id)
                return

    def send(self, claimed: Claimed) -> Sent:
        """One attempt."""
        body, at = claimed.body.encode(), int(self._clock())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": claimed.id,
            "webhook-timestamp": str(at),
            "webhook-signature": signatures(claimed.secrets, claimed.id, at, body),
        }
        try:
            return Sent(post(claimed.url, headers, body, networks=self._networks, seconds=_SECONDS))
        except NotSent as problem:
            return Sent(None, printable(str(problem)))


@contextmanager
def delivering(deliveries: SqlDeliveries, networks: tuple[str, ...]) -> Iterator[None]:
    """While the block lasts, events are sent to webhooks."""
    ended = Event()
    thread = Thread(target=Delivering(deliveries, networks).run, args=(ended,), name="seatrial-webhooks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_FAREWELL)
