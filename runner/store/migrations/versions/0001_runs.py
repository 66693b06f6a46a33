"""One row per run."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of runs."""
    op.create_table(
        "runs",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("id", sa.String(64), nullable=False, unique=True),
        sa.Column("change_id", sa.String(64), nullable=False, index=True),
        sa.Column("patch_id", sa.String(64), nullable=False, index=True),
        sa.Column("repository", sa.Text, nullable=False),
        sa.Column("base", sa.String(64), nullable=False),
        sa.Column("started", sa.String(32), nullable=False),
        sa.Column("ended", sa.String(32)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("ending", sa.String(16)),
        sa.Column("verdict", sa.String(16)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("policy_digest", sa.String(64), nullable=False),
        sa.Column("exit_code", sa.Integer),
        sa.Column("report", sa.Text),
    )


def downgrade() -> None:
    """Forget every run."""
    op.drop_table("runs")
