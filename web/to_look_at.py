"""What the caller should look at, for pages and the API alike."""

from ledger.queries.activity import Scope
from ledger.queries.look_at import Gaps, LookAt
from ledger.queries.to_look_at import to_look_at
from ledger.reconciliation.standing import Standing, standings
from web.context import context, ledger


def entries_of(scope: Scope) -> list[LookAt]:
    """Return what there is to look at in these shops of a mode."""
    now = context().clock()
    with ledger().database.connect() as connection:
        compared = standings_of(standings(connection, now), scope)
        days = [day for each in compared for day in each.days_with_gaps]
        gaps = Gaps(sum(each.gaps for each in compared), min(days, default=None))
        return to_look_at(connection, scope, now, gaps)


def standings_of(compared: list[Standing], scope: Scope) -> list[Standing]:
    """Return how those stand that are of these shops and this mode."""
    return [each for each in compared if each.mode == scope.mode and each.shop_id in scope.shops]
