"""The fixtures of whole checks and submissions."""

from testing.landing import landing
from testing.whole import berth, diff, judged, seatrial, uncontrolled

__all__ = ["berth", "diff", "judged", "landing", "seatrial", "uncontrolled"]
