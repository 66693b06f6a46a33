"""The tables, and the revisions of them that this version knows."""

from typing import Final

from sqlalchemy import Column, Integer, MetaData, String, Table, Text

REVISIONS: Final = ("0001",)
"""Every revision in order; the last is what this version needs. A database at any other is from a newer version."""

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("change_id", String(64), nullable=False, index=True),
    Column("patch_id", String(64), nullable=False, index=True),
    Column("repository", Text, nullable=False),
    Column("base", String(64), nullable=False),
    Column("started", String(32), nullable=False),
    Column("ended", String(32)),
    Column("state", String(16), nullable=False),
    Column("ending", String(16)),
    Column("verdict", String(16)),
    Column("reason", Text, nullable=False, default=""),
    Column("policy_digest", String(64), nullable=False),
    Column("exit_code", Integer),
    Column("report", Text),
)
"""One row per run, in the order they began (`number`); times are ISO 8601 in UTC, `report` is the JSON report."""
