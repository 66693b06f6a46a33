"""The book of arrivals: one table in an SQLite file."""

import sqlite3

from harbour.berths import assign


class Book:
    """The book in the file `path`."""

    def __init__(self, path):
        self.path = path
        with self.connection() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS arrivals (ship TEXT NOT NULL, berth TEXT)")

    def connection(self):
        return sqlite3.connect(self.path, timeout=10)

    def arrive(self, ship, length):
        """Write a ship down; the berth it gets."""
        berth = assign(length)
        connection = self.connection()
        with connection:
            connection.execute("INSERT INTO arrivals VALUES (?, ?)", (ship, berth))
        return berth

    def count(self):
        return self.connection().execute("SELECT count(*) FROM arrivals").fetchone()[0]
