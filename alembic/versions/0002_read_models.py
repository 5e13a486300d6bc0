"""What is kept about read models; their own tables are derived data and made by the registry.

Written out in full and never edited again: the tables of today are in `ledger/storage/tables.py`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

IDENTITY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    op.create_table(
        "generations",
        sa.Column("id", IDENTITY, autoincrement=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("shards", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_generations"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "generation_positions",
        sa.Column("generation_id", sa.BigInteger()),
        sa.Column("shard", sa.Integer()),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("generation_id", "shard", name="pk_generation_positions"),
    )
    op.create_table(
        "poison_events",
        sa.Column("generation_id", sa.BigInteger()),
        sa.Column("position", sa.BigInteger()),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("generation_id", "position", name="pk_poison_events"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text()),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )


def downgrade() -> None:
    raise NotImplementedError("migrations only go forward")
