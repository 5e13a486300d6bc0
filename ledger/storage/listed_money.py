"""The table of what files of the platform list about money; made anew from the files at will."""

from collections.abc import Collection

from sqlalchemy import JSON, Connection, Index, Integer, Table, Text, delete

from ledger.storage.columns import keys, metadata, optional, required
from ledger.storage.database import chunks, padded

listed_money = Table(
    "listed_money",
    metadata,
    *keys(Text, "file_id"),
    *keys(Integer, "line"),
    *required(Text, "shop_id", "mode", "kind", "moved_on"),
    *optional(Text, "trans_id", "order_id", "uuid"),
    *required(JSON, "claim"),
    Index("ix_listed_money_day", "shop_id", "mode", "kind", "moved_on"),
    Index("ix_listed_money_number", "shop_id", "mode", "trans_id"),
    Index("ix_listed_money_order", "shop_id", "mode", "order_id"),
    Index("ix_listed_money_uuid", "shop_id", "mode", "uuid"),
)
"""The rows of bank and unpaid journals, so that no file is opened to show a payment.

Shape: `claim` is the row as it was read; `trans_id` its short number in small letters; `moved_on`
the UTC day of the remittance or chargeback, or else of the file. No row outlives its file."""


def forget_listed(connection: Connection, file_ids: Collection[str]) -> None:
    """Remove what is listed by files of which nothing can be opened any more.

    Shape: within the transaction that destroys their secrets, so that none comes back.
    """
    for chunk in chunks(sorted(file_ids)):
        connection.execute(delete(listed_money).where(listed_money.c.file_id.in_(padded(chunk))))
