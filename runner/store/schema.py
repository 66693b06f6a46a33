"""The tables, and the revisions of them that this version knows."""

from typing import Final

from sqlalchemy import Column, Float, Index, Integer, MetaData, String, Table, Text, text

REVISIONS: Final = ("0001", "0002")
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

gate_log = Table(
    "gate_log",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("gate", String(32), nullable=False),
    Column("key", Text, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("run", String(64), nullable=False),
    Column("at", Float, nullable=False),
    Column("body", Text, nullable=False),
    Index("gate_log_at", "gate", "key", "at"),
    Index("gate_log_once", "gate", "key", "kind", "run", unique=True, sqlite_where=text("run <> ''"), postgresql_where=text("run <> ''")),
    sqlite_autoincrement=True,
)
"""What the gates decided and saw, append-only: charges, permits, outcomes, samples. `at` is the database's clock, in seconds since 1970."""

gate_state = Table(
    "gate_state",
    metadata,
    Column("gate", String(32), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("state", Text, nullable=False),
)
"""What a gate's log folds to up to `seq`; only saves time, since the log says it all."""
