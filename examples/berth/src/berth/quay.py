"""Berths along the quay."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Berth:
    """A place to lie: its name, its length in metres, and whether a ship is there."""

    name: str
    length: float
    taken: bool = False


def assign(berths, ship_length):
    """The shortest free berth that is long enough, or None."""
    best = None
    for berth in berths:
        if berth.taken:
            continue
        if berth.length < ship_length:
            continue
        if best is None or berth.length < best.length:
            best = berth
    return best
