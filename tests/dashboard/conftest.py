"""A browser, and a server with runs of every kind, for all tests of the dashboard together."""

from testing.windows import browser, look, shop, signed_in

__all__ = ["browser", "look", "shop", "signed_in"]
