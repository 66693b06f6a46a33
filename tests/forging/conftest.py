"""The fixtures of changes that forge."""

from testing.whole import berth, diff, judged, uncontrolled

__all__ = ["berth", "diff", "judged", "uncontrolled"]
