"""Probes: each asks one thing of what was promoted, again and again. One line here registers a kind."""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from runner.probes.probe import Probe

REGISTERED: tuple[str, ...] = ("http", "tcp", "command", "process", "host", "suite")
"""The kinds by module of this package with a `probe`; the kind is also the key that makes an item of `monitor.probes` one of it."""


@cache
def kinds() -> "dict[str, type[Probe]]":
    """The registered kinds by name; imported when they are first asked for."""
    return {name: cast("type[Probe]", import_module(f"{__name__}.{name}").probe) for name in REGISTERED}
