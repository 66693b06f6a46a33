"""The fixtures of the tests of CI files."""

from testing.servers import runner, server

__all__ = ["runner", "server"]
