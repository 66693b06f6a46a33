"""What is remembered of tests that waver."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "flaky_tests",
        sa.Column("repository", sa.Text, primary_key=True),
        sa.Column("test", sa.Text, primary_key=True),
        sa.Column("runs", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("seen", sa.Double, nullable=False),
        sa.Column("base", sa.String(64), nullable=False),
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("flaky_tests")
