"""Which berth a ship gets."""

BERTHS = {"A": 40, "B": 80, "C": 160}
"""Lengths in metres."""


def assign(length):
    """The name of the smallest berth that a ship of this length fits into, or None."""
    fitting = [(room, name) for name, room in BERTHS.items() if length <= room]
    return min(fitting)[1] if fitting else None
