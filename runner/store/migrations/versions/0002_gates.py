"""The gates' log and what it folds to."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the gates' tables."""
    op.create_table(
        "gate_log",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("gate", sa.String(32), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("run", sa.String(64), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("gate_log_at", "gate_log", ["gate", "key", "at"])
    once = sa.text("run <> ''")
    op.create_index("gate_log_once", "gate_log", ["gate", "key", "kind", "run"], unique=True, sqlite_where=once, postgresql_where=once)
    op.create_table(
        "gate_state",
        sa.Column("gate", sa.String(32), primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Forget what the gates know."""
    op.drop_table("gate_state")
    op.drop_table("gate_log")
