"""Finds the shops that are quiet for longer than they usually are, each by its own last calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection, select

from ledger.queries.activity import Scope
from ledger.storage.tables import notifications

SILENCE_MIN = timedelta(hours=3)
"""No shop is silent before that, however busy it was."""
LATEST_CALLS = 200
"""So many verified calls say what is usual."""
LATEST_CALLS_MIN = 20
"""Fewer say nothing yet: then a day without a call is not usual."""
UNKNOWN_PAUSE_MAX = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SilentShop:
    """One shop that nothing came from for more than twice its longest pause.

    Shape: `longest_pause` lies between two of its last 200 verified calls; None with few calls.
    """

    shop_id: str
    last_received_at: datetime
    longest_pause: timedelta | None


def find_silent_shops(
    connection: Connection, scope: Scope, last_by_shop: Mapping[str, datetime], now: datetime
) -> list[SilentShop]:
    """Return the shops that are silent, the longest first. Shape: `last_by_shop` when each called.

    A shop that never called is none of them: its rules are not set up yet.
    """
    silent_shops = []
    for shop_id, last in sorted(last_by_shop.items(), key=lambda item: item[1]):
        if now - last <= SILENCE_MIN:
            break
        pause = _longest_pause(connection, scope.mode, shop_id)
        if now - last > (2 * pause if pause is not None else UNKNOWN_PAUSE_MAX):
            silent_shops.append(SilentShop(shop_id, last, pause))
    return silent_shops


def _longest_pause(connection: Connection, mode: str, shop_id: str) -> timedelta | None:
    """Return the longest time between two successive ones of the last calls; None with few."""
    c = notifications.c
    query = select(c.received_at).where(c.shop_id == shop_id, c.mode == mode)
    arrivals: Sequence[datetime] = connection.scalars(
        query.order_by(c.id.desc()).limit(LATEST_CALLS)
    ).all()
    if len(arrivals) < LATEST_CALLS_MIN:
        return None
    return max(later - earlier for later, earlier in pairwise(arrivals))
