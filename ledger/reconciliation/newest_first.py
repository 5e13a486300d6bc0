"""Asks for a page of files, reports or questions, the newest first."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, Table


def newest_first(
    selected: Select[Any],
    table: Table,
    *,
    limit: int,
    before_id: str | None,
    shops: Sequence[str] | None,
) -> Select[Any]:
    """Narrow what is selected to a page, by the ids and shops of a table.

    Shape: `shops` None is every shop; `before_id` ends the page before.
    """
    c = table.c
    query = selected.order_by(c.id.desc()).limit(limit)
    if shops is not None:
        query = query.where(c.shop_id.in_(shops))
    return query if before_id is None else query.where(c.id < before_id)
