"""The fixtures of whole checks."""

from testing.whole import berth, diff, judged, seatrial

__all__ = ["berth", "diff", "judged", "seatrial"]
