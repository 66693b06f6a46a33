"""Real repositories."""

from testing.repositories import git_in

__all__ = ["git_in"]
