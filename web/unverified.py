"""What a search that finds nothing says of the calls that wait: one of them may name it."""

from contextlib import suppress
from dataclasses import dataclass

from ledger.errors import SettingsError
from ledger.ipn.modes import Mode
from ledger.queries.find_by_name import platform_uuid
from ledger.queries.quarantine_list import by_reason
from ledger.reconciliation.waiting import waiting_deliveries
from web.authentication import caller, scope_of
from web.context import ledger

LOOKED_AT_MAX = 1_000
"""Of more calls that wait a search opens none: it would take longer than anybody waits."""


@dataclass(frozen=True, slots=True)
class Unverified:
    """Calls in quarantine or undecided.

    Shape: `delivery_ids` are those that have the name, if one may know; all that wait are `count`.
    """

    delivery_ids: tuple[str, ...]
    count: int


def unverified(name: str, mode: str) -> Unverified:
    """Return which calls that wait name a payment, however its uuid is written, or an order so.

    Shape: bodies are opened for readers with personal data alone, unless too many wait, and the ids
    are of their shops.
    """
    scope = scope_of(Mode(mode))
    names = dict.fromkeys((name.strip(), platform_uuid(name.strip())))
    delivery_ids: list[str] = []
    with ledger().database.connect() as connection:
        count = sum(group.count for group in by_reason(connection, scope))
        if 0 < count <= LOOKED_AT_MAX and caller().sees_personal:
            with suppress(SettingsError):  # without the master keys nobody can look
                for shop_id in scope.shops:
                    waiting = waiting_deliveries(connection, ledger().sealing, shop_id, scope.mode)
                    delivery_ids += filter(None, map(waiting.named, names))
    return Unverified(tuple(dict.fromkeys(delivery_ids)), count)
