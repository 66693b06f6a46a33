"""What is promoted, what was approved, what the vault holds, and who works."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = "step IN ('intended', 'prepared', 'promoted', 'taking_back')"


def upgrade() -> None:
    """Make the tables, and three columns of the runs."""
    op.add_column("runs", sa.Column("command", sa.String(16), nullable=False, server_default="check"))
    op.add_column("runs", sa.Column("target", sa.Text, nullable=False, server_default=""))
    op.add_column("runs", sa.Column("stage", sa.String(32), nullable=False, server_default=""))
    op.create_table(
        "submissions",
        sa.Column("run", sa.String(64), primary_key=True),
        sa.Column("key", sa.String(64), nullable=False, index=True),
        sa.Column("leg", sa.Integer, nullable=False),
        sa.Column("wish", sa.Text, nullable=False),
        sa.Column("expires", sa.Double),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("snapshot", sa.Text),
    )
    op.create_table(
        "approvals",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("run", sa.String(64), nullable=False, index=True),
        sa.Column("answer", sa.String(16), nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("patch_id", sa.String(64), nullable=False),
        sa.Column("policy_digest", sa.String(64), nullable=False),
        sa.Column("checks", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "promotions",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("run", sa.String(64), nullable=False, unique=True),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("patch_id", sa.String(64), nullable=False),
        sa.Column("step", sa.String(16), nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("deadline", sa.Double),
        sa.Column("ended", sa.Double),
        sa.Column("body", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("promotions_target", "promotions", ["target", "number"])
    one = sa.text(OPEN)
    op.create_index("promotions_open", "promotions", ["target"], unique=True, sqlite_where=one, postgresql_where=one)
    op.create_table(
        "backups",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("place", sa.String(64), primary_key=True),
        sa.Column("run", sa.String(64), nullable=False),
        sa.Column("made", sa.Double, nullable=False),
        sa.Column("verified", sa.Double),
        sa.Column("files", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("pinned", sa.Text, nullable=False),
        sa.Column("marked", sa.Double),
    )
    op.create_table(
        "backup_uses",
        sa.Column("run", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
    )
    op.create_table(
        "executors",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("place", sa.String(64), nullable=False),
        sa.Column("at", sa.Double, nullable=False),
    )


def downgrade() -> None:
    """Forget what was promoted, approved and kept."""
    for table in ("executors", "backup_uses", "backups", "promotions", "approvals", "submissions"):
        op.drop_table(table)
    for column in ("stage", "target", "command"):
        op.drop_column("runs", column)
