"""Connections to a server's database that a process keeps for as long as anything in it uses that database."""

import os
import weakref
from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from runner.store.server import Server


class _Pools:
    """What a process has open, and how many use it."""

    def __init__(self) -> None:
        self._open: dict[object, tuple[Engine, int]] = {}
        self._lock = RLock()  # whatever is collected as garbage gives its share back, at any moment

    def share(self, server: "Server") -> "Engine":
        with self._lock:
            engine, users = self._open[server.key] if server.key in self._open else (server.engine(pooled=server.shared), 0)
            self._open[server.key] = engine, users + 1
        return engine

    def give_back(self, key: object) -> None:
        with self._lock:
            engine, users = self._open.pop(key)
            if users > 1:
                self._open[key] = engine, users - 1
            else:
                engine.dispose()

    def after_fork(self) -> None:
        """The connections are the parent's; its lock may have been another thread's."""
        self._lock = RLock()
        for engine, _ in self._open.values():
            engine.dispose(close=False)


_pools = _Pools()
os.register_at_fork(after_in_child=_pools.after_fork)


def share(server: "Server", holder: object) -> "tuple[Engine, Callable[[], object]]":
    """What speaks to the server, and how to give it back, which happens by itself when `holder` is gone.

    The last to give back closes the connections. Raises StoreUnavailable and UsageError, as `Server.engine` does.
    """
    return _pools.share(server), weakref.finalize(holder, _pools.give_back, server.key)
