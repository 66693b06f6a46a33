"""The tables, and the revisions of them that this version knows."""

from typing import Final

from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, MetaData, String, Table, Text, text

REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005")
"""Every revision in order; the last is what this version needs. A database at any other is from a newer version."""

metadata = MetaData()
NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits everywhere; SQLite counts up by itself only in what is called INTEGER."""

ONCE: Final = text("run <> ''")
"""Which entries of the gates' log there is one of at most; a query that says so finds it without reading the log."""

runs = Table(
    "runs",
    metadata,
    Column("number", NUMBER, primary_key=True),
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
    Column("host", Text),
    Column("place", String(64)),
    Column("command", String(16), nullable=False, server_default="check"),
    Column("target", Text, nullable=False, server_default=""),
    Column("stage", String(32), nullable=False, server_default=""),
    Index("runs_state", "state", "number"),
)
"""One row per run, in the order they began (`number`); times are ISO 8601 in UTC, `report` is the JSON report.

`place` names the state folder that has the run's lock and logs (`runner.store.owners.place`), `host` the machine that it was on.
"""

gate_log = Table(
    "gate_log",
    metadata,
    Column("seq", NUMBER, primary_key=True),
    Column("gate", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("body", Text, nullable=False),
    Index("gate_log_at", "gate", "key", "at"),
    Index("gate_log_seq", "gate", "key", "seq"),
    Index(
        "gate_log_once", "gate", "key", "kind", "run", unique=True
    ),  # where ONCE; said in the migration, since to say it here loads all of Postgres
)
"""What the gates decided and saw, append-only: charges, permits, outcomes, samples. `at` is the database's clock, in seconds since 1970."""

gate_state = Table(
    "gate_state",
    metadata,
    Column("gate", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("seq", NUMBER, nullable=False),
    Column("state", Text, nullable=False),
)
"""What a gate's log folds to up to `seq`; only saves time, since the log says it all."""

audit = Table(
    "audit",
    metadata,
    Column("seq", NUMBER, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("host", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("audit_kind", "kind", "seq"),
    Index("audit_subject", "subject", "seq"),
)
"""What happened, append-only and chained: `seq` without gaps, `previous` the hash of the entry before (`runner.store.chain`)."""

submissions = Table(
    "submissions",
    metadata,
    Column("run", String(64), primary_key=True),
    Column("key", String(64), nullable=False, index=True),
    Column("leg", Integer, nullable=False),
    Column("wish", Text, nullable=False),
    Column("expires", Double),
    Column("body", Text, nullable=False),
    Column("snapshot", Text),
)
"""What was asked, so that any process can go on with it: `key` names (change, target, policy), `leg` counts how often it set out,
`wish` is what a person asked for meanwhile, `expires` when a hold ends, `snapshot` the run as its last stage left it."""

approvals = Table(
    "approvals",
    metadata,
    Column("number", NUMBER, primary_key=True),
    Column("run", String(64), nullable=False, index=True),
    Column("answer", String(16), nullable=False),
    Column("who", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("patch_id", String(64), nullable=False),
    Column("policy_digest", String(64), nullable=False),
    Column("checks", Text, nullable=False),
)
"""What people decided about held runs, and to what their word is bound."""

promotions = Table(
    "promotions",
    metadata,
    Column("number", NUMBER, primary_key=True),
    Column("run", String(64), nullable=False, unique=True),
    Column("target", Text, nullable=False),
    Column("patch_id", String(64), nullable=False),
    Column("step", String(16), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("deadline", Double),
    Column("ended", Double),
    Column("body", Text, nullable=False),
    Index("promotions_target", "target", "number"),
    Index("promotions_open", "target", unique=True),  # where the step is an open one; said in the migration
)
"""One row per run that came as far as its target; `body` is the `runner.model.promotion.Promotion`."""

backups = Table(
    "backups",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("target", Text, primary_key=True),
    Column("place", String(64), primary_key=True),
    Column("run", String(64), nullable=False),
    Column("made", Double, nullable=False),
    Column("verified", Double),
    Column("files", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("pinned", Text, nullable=False),
    Column("marked", Double),
)
"""One row per content, target and vault; `place` is the state folder whose vault has it, `pinned` the reason, `marked` when prune first found it spare."""

backup_uses = Table(
    "backup_uses",
    metadata,
    Column("run", String(64), primary_key=True),
    Column("id", String(64), primary_key=True),
)
"""Which runs may still need which backups."""

executors = Table(
    "executors",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("host", Text, nullable=False),
    Column("place", String(64), nullable=False),
    Column("at", Double, nullable=False),
    Column("slots", Integer, nullable=False, server_default="0"),
    Column("serves", Text, nullable=False, server_default="{}"),
    Column("runs", Integer, nullable=False, server_default="0"),
)
"""Who works: each process writes the time into its row now and then, and how many `runs` it carries; `serves` is JSON, what it says of itself."""

flaky_tests = Table(
    "flaky_tests",
    metadata,
    Column("repository", Text, primary_key=True),
    Column("test", Text, primary_key=True),
    Column("runs", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("seen", Double, nullable=False),
    Column("base", String(64), nullable=False),
)
"""Tests that wavered: their runs since, the failures among them that passed when run again, when and on which base tree that was last seen."""

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("targets", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Column("revoked", Double),
)
"""Who may ask a server for what: `hash` is the sha256 of the secret half, `name` is who asks by it, `scopes` and `targets` are JSON lists."""

requests = Table(
    "requests",
    metadata,
    Column("run", String(64), primary_key=True),
    Column("at", Double, nullable=False),
    Column("repo", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("joined", String(64), nullable=False),
    Column("wish", Text, nullable=False),
)
"""What was asked of a server, as `runner.model.request.Asked`; `repo` and `target` are the names that it was asked for, `token` is the id of
whose it was, `joined` the run that does the same, if one did, `wish` why a check is to end, if somebody asked for that."""

events = Table(
    "events",
    metadata,
    Column("seq", NUMBER, primary_key=True),
    Column("at", Double, nullable=False),
    Column("kind", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("events_run", "run", "seq"),
    sqlite_autoincrement=True,
)
"""What happened, for whoever listens: written in the transaction that did it, numbered in that order, removed after a while."""

replies = Table(
    "replies",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("asked", String(64), nullable=False),
    Column("at", Double, nullable=False),
    Column("status", Integer),
    Column("body", Text, nullable=False),
)
"""Answers to requests with a key, for whoever asks again: `asked` is what was asked, `status` absent while it is being done."""

log_tails = Table(
    "log_tails",
    metadata,
    Column("run", String(64), primary_key=True),
    Column("suite", String(64), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
"""The ends of the suites' logs for other machines, where the database is shared; bytes, since their text is anybody's."""

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("url", Text, nullable=False),
    Column("kinds", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("secret", String(100), nullable=False),
    Column("earlier", String(100)),
    Column("rotated", Double),
    Column("created", Double, nullable=False),
    Column("seq", NUMBER, nullable=False),
    Column("failing", Double),
    Column("rests", Double, nullable=False),
    Column("disabled", Double),
    Column("reason", Text, nullable=False),
    Column("holder", String(64), nullable=False),
    Column("lease", Double, nullable=False),
)
"""Who is told of events: `seq` is the last event that has become a delivery, `failing` the time since which nothing arrived, `rests` when
the next try may be; `holder` is who sends to it until `lease`, and `earlier` the secret before the last rotation."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("number", NUMBER, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("hook", String(32), nullable=False),
    Column("seq", NUMBER, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due", Double, nullable=False),
    Column("status", Integer),
    Column("problem", Text, nullable=False),
    Column("ended", Double),
    Index("deliveries_once", "hook", "seq", unique=True),
    Index("deliveries_due", "hook", "state", "due"),
)
"""One row per event and hook: `body` is what is sent, each time the same; `state` is pending, delivered or failed."""
