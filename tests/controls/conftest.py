"""Small real repositories."""

from testing.repositories import git_in, objects, repository

__all__ = ["git_in", "objects", "repository"]
