"""Deliveries can be counted by outcome, and those in quarantine by reason, from indexes alone.

Written out in full and never edited again: the tables of today are in `ledger/storage/tables.py`.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INDEX = "ix_notifications_shop"


def upgrade() -> None:
    op.drop_index(INDEX, "notifications")
    op.create_index(INDEX, "notifications", ["shop_id", "mode", "id", "outcome"])
    waiting = ["mode", "received_at", "reason", "shop_id"]
    op.create_index("ix_quarantine_mode", "quarantine", waiting)


def downgrade() -> None:
    raise NotImplementedError("migrations only go forward")
