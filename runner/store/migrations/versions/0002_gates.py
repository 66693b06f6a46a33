"""The gates' log and what it folds to, the audit log, and where a run was."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the gates' tables, the audit log, and two columns of the runs."""
    op.create_table(
        "gate_log",
        sa.Column("seq", NUMBER, primary_key=True),
        sa.Column("gate", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("gate_log_at", "gate_log", ["gate", "key", "at"])
    op.create_index("gate_log_seq", "gate_log", ["gate", "key", "seq"])
    once = sa.text("run <> ''")
    op.create_index("gate_log_once", "gate_log", ["gate", "key", "kind", "run"], unique=True, sqlite_where=once, postgresql_where=once)
    op.create_table(
        "gate_state",
        sa.Column("gate", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("audit_kind", "audit", ["kind", "seq"])
    op.create_index("audit_subject", "audit", ["subject", "seq"])
    op.add_column("runs", sa.Column("host", sa.Text))
    op.add_column("runs", sa.Column("place", sa.String(64)))


def downgrade() -> None:
    """Forget what the gates know, and the audit log."""
    op.drop_column("runs", "place")
    op.drop_column("runs", "host")
    op.drop_table("audit")
    op.drop_table("gate_state")
    op.drop_table("gate_log")
