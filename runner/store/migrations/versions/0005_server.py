"""What a server keeps: who may ask, what was asked and waits, what has happened, and answers that may be asked for again."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("targets", sa.Text, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("expires", sa.Double, nullable=False),
        sa.Column("revoked", sa.Double),
    )
    op.create_table(
        "requests",
        sa.Column("run", sa.String(64), primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("repo", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("joined", sa.String(64), nullable=False),
        sa.Column("wish", sa.Text, nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("seq", _NUMBER, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("events_run", "events", ["run", "seq"])
    op.create_index("runs_state", "runs", ["state", "number"])
    op.create_table(
        "replies",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("asked", sa.String(64), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "log_tails",
        sa.Column("run", sa.String(64), primary_key=True),
        sa.Column("suite", sa.String(64), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    _hooks()
    _workers()


def _hooks() -> None:
    """Who is told of events, and what is on its way to them."""
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("kinds", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("secret", sa.String(100), nullable=False),
        sa.Column("earlier", sa.String(100)),
        sa.Column("rotated", sa.Double),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("failing", sa.Double),
        sa.Column("rests", sa.Double, nullable=False),
        sa.Column("disabled", sa.Double),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("lease", sa.Double, nullable=False),
    )
    op.create_table(
        "deliveries",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("hook", sa.String(32), nullable=False),
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due", sa.Double, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("ended", sa.Double),
    )
    op.create_index("deliveries_once", "deliveries", ["hook", "seq"], unique=True)
    op.create_index("deliveries_due", "deliveries", ["hook", "state", "due"])


def _workers() -> None:
    """What a process says of itself."""
    op.add_column("executors", sa.Column("slots", sa.Integer, nullable=False, server_default="0"))
    op.add_column("executors", sa.Column("serves", sa.Text, nullable=False, server_default="{}"))
    op.add_column("executors", sa.Column("runs", sa.Integer, nullable=False, server_default="0"))


def downgrade() -> None:
    """Forget them."""
    op.drop_index("runs_state", "runs")
    for column in ("runs", "serves", "slots"):
        op.drop_column("executors", column)
    for table in ("deliveries", "webhooks", "log_tails", "replies", "events", "requests", "tokens"):
        op.drop_table(table)
