"""Lists what calls did otherwise than before: by shop and day, and how much of it there is."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, func, select

from ledger.drift.readings import reading_of
from ledger.instants import write_public_instant
from ledger.ipn.modes import Mode
from ledger.storage.drift_tables import SCOPE, drift_findings

DAYS_LOOKED_AT = 7
"""So long news is news where nobody says since when."""
LISTED_MAX = 1_000

DriftRow = dict[str, Any]
"""A finding, a name or a difference under its public names."""


class DriftStanding(NamedTuple):
    """How much of each kind of drift a shop and mode had lately. Shape: count by word."""

    shop_id: str
    mode: str
    count_by_drift: dict[str, int]


def listed_news(
    connection: Connection,
    since: datetime,
    *,
    shops: Collection[str] | None = None,
    mode: str | None = None,
    limit: int = LISTED_MAX,
) -> list[DriftRow]:
    """Return what was noticed in calls since then, newest first, under its public names.

    Shape: of these shops, of all without any; `delivery_id` is the first delivery that showed it.
    """
    c = drift_findings.c
    query = select(drift_findings).where(
        c.noticed_at >= since, *within(drift_findings, shops, mode)
    )
    order = (c.noticed_at.desc(), c.delivery_id.desc(), *(c[name] for name in SCOPE))
    query = query.order_by(*order, c.drift, c.name, c.value, c.kind)
    rows = connection.execute(query.limit(limit))
    return [
        {
            "noticed_at": write_public_instant(row.noticed_at),
            "shop_id": row.shop_id,
            "mode": Mode(row.mode).public,
            "format": row.format,
            "drift": row.drift,
            "name": row.name,
            "value": row.value or None,
            "kind": row.kind,
            "reading": str(reading_of(row.format, row.name)),
            "delivery_id": row.delivery_id,
        }
        for row in rows
    ]


def drift_standings(connection: Connection, now: datetime) -> list[DriftStanding]:
    """Return how much was noticed in the last seven days, of shops and modes with any."""
    c = drift_findings.c
    columns = (c.shop_id, c.mode, c.drift)
    since = now - timedelta(days=DAYS_LOOKED_AT)
    query = select(*columns, func.count()).where(c.noticed_at >= since).group_by(*columns)
    counts_by_shop: dict[tuple[str, str], dict[str, int]] = {}
    for shop_id, mode, drift, count in connection.execute(query.order_by(*columns)):
        counts_by_shop.setdefault((shop_id, mode), {})[drift] = count
    return [DriftStanding(*shop, by_drift) for shop, by_drift in counts_by_shop.items()]


def within(
    table: Table, shops: Collection[str] | None, mode: str | None
) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions that narrow a table to shops and a mode, each where it is given."""
    if shops is not None:
        yield table.c.shop_id.in_(sorted(shops))
    if mode is not None:
        yield table.c.mode == Mode(mode).value
