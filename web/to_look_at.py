"""What the caller should look at, for pages and the API alike."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from ledger.queries.activity import Scope
from ledger.queries.look_at import Gaps, LookAt
from ledger.queries.to_look_at import to_look_at
from ledger.reconciliation.standing import Standing, standings
from web.context import context, ledger


def entries_of(scope: Scope) -> list[LookAt]:
    """Return what there is to look at in these shops of a mode."""
    now = context().clock()
    with ledger().database.connect() as connection:
        return entries_beside(connection, scope, now, standings_of(connection, scope, now))


def entries_beside(
    connection: Connection, scope: Scope, now: datetime, compared: Sequence[Standing]
) -> list[LookAt]:
    """Return the same where it was read already how these shops stand."""
    days = [day for each in compared for day in each.days_with_gaps]
    gaps = Gaps(sum(each.gaps for each in compared), min(days, default=None))
    return to_look_at(connection, scope, now, gaps)


def standings_of(connection: Connection, scope: Scope, now: datetime) -> list[Standing]:
    """Return how these shops stand in this mode, as far as files of them came."""
    return [
        each
        for each in standings(connection, now)
        if each.mode == scope.mode and each.shop_id in scope.shops
    ]
