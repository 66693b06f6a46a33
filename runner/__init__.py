"""Seatrial judges a code change in a disposable sandbox before anyone signs for it."""

__version__ = "0.1.0"
