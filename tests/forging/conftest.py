"""The fixtures of changes that forge."""

from testing.whole import berth, diff, judged

__all__ = ["berth", "diff", "judged"]
