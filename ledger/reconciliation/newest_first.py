"""Asks for a page of files or reports, the newest first."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, Table, select


def newest_first(
    table: Table, *, limit: int, before_id: str | None, shops: Sequence[str] | None
) -> Select[Any]:
    """Return the question. Shape: `shops` None is every shop; `before_id` ends the page before."""
    c = table.c
    query = select(table).order_by(c.id.desc()).limit(limit)
    if shops is not None:
        query = query.where(c.shop_id.in_(shops))
    return query if before_id is None else query.where(c.id < before_id)
