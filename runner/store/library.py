"""Loads the library behind the record, and the tables with it, for one thread at a time."""

from threading import Lock

ONE_AT_A_TIME = Lock()


def loaded() -> None:
    """Return once it is loaded. Two threads that import a package of circular imports at once may each find half of it."""
    with ONE_AT_A_TIME:
        import runner.store.schema  # noqa: F401  it imports more of the library
