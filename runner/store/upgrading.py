"""Brings the record to the schema that this version needs, and says what it was."""

from runner.store.database import Database


class Upgrade(Database):
    """The database, to be brought up to date; every method raises StoreUnavailable when it cannot be used."""

    def found(self) -> str:
        """The revision of the schema that is there; nothing where there is none yet."""
        with self._translated():
            if not self.server.present():
                return ""
            with self._view() as connection:
                return self._revision(connection) or ""

    def bring(self) -> str:
        """Make or alter the tables, unless that was done; the revision that is there now."""
        with self.writing():
            pass
        return self.found()
