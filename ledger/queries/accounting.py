"""Transactions as an accountant files them: signed amounts, the clock of a zone, words, totals."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ledger.application import Ledger
from ledger.errors import BadFilterError
from ledger.instants import beginning_of, end_of, read_instant
from ledger.ipn.money import counted_minor
from ledger.projections.money_outcomes import CAPTURED, HELD
from ledger.queries.export import TRANSACTIONS, Export, rows
from ledger.queries.export_formats import ExportRow
from ledger.queries.file_names import plain_name, shop_in_name
from ledger.queries.filter_conditions import narrowing
from ledger.queries.filter_declarations import TransactionFilter
from ledger.queries.lists import TRANSACTIONS as LISTED
from ledger.queries.live_tables import live_table

AMOUNTS = ("amount", "counted")
INSTANTS = ("paid_at", "capture_at", "captured_at", "known_at")
COLUMNS = (
    *("paid_at", "order_id", "uuid", "trans_id", "operation_type", "status", *AMOUNTS, "currency"),
    *("payment_method", "authorisation_number", "capture_at", "captured_at"),
    *("shop", "shop_id", "mode", "basis", "known_at"),
)
"""The columns of the file, in order. Units: amounts are minor units of `currency`, a refund is
negative; `counted` has those alone that were authorised or captured, so that they add up."""
TOTAL_COLUMNS = ("currency", "payments", "paid", "refunds", "refunded", "net", "others")
"""The columns of the totals: how many payments and refunds count, what they are, and how many
transactions do not count. Units: `paid`, `refunded` and `net` are minor units of `currency`."""
TOTAL_AMOUNTS = ("paid", "refunded", "net")

_SIGNS = {"DEBIT": 1, "CREDIT": -1}
_SAME = ("order_id", "uuid", "trans_id", "operation_type", "status", "currency", "payment_method")


def transactions_in_days(
    transaction_filter: TransactionFilter, first_day: date | None, last_day: date | None, zone: str
) -> TransactionFilter:
    """Narrow a filter to what was made on some days of a zone, both included.

    Errors: BadFilterError when it is narrowed by instants already.
    """
    if first_day is None and last_day is None:
        return transaction_filter
    if transaction_filter.created_from or transaction_filter.created_until:
        raise BadFilterError("give days or instants of creation, not both")
    if first_day and last_day and first_day > last_day:
        raise BadFilterError("the first day is after the last one")
    return replace(
        transaction_filter,
        created_from=beginning_of(first_day, zone) if first_day else None,
        created_until=end_of(last_day, zone) if last_day else None,
    )


@dataclass(frozen=True, slots=True)
class AccountingExport:
    """What is to be filed. Shape: `zone` is that of all times; `has_personal` masks nothing."""

    filter: TransactionFilter
    zone: str
    has_personal: bool = False

    def rows(self, ledger: Ledger, added_up: "Totals") -> Iterator[ExportRow]:
        """Yield a row for each transaction, the first known first, and add all up on the way.

        Errors: ViewNotBuiltError, BadFilterError.
        """
        zone, shops = ZoneInfo(self.zone), ledger.shops.shop_by_id
        export = Export(TRANSACTIONS, self.filter, has_personal=self.has_personal)
        for transaction in rows(ledger, export):
            exported = _row(transaction, zone)
            shop = shops.get(transaction["shop_id"])
            exported["shop"] = shop.name if shop else None
            added_up.add(exported)
            yield exported

    def file_name(self, ledger: Ledger) -> str:
        """Return how its file is called, without an ending: shop, mode, days, zone, position.

        Shape: `boutique_production_2026-11_europe-paris_up-to-event-468`.
        Errors: ViewNotBuiltError.
        """
        with ledger.database.connect() as connection:
            _, position, _ = live_table(connection, LISTED.view, LISTED.table)
        parts = (
            *(_shop_name(ledger, self.filter), (self.filter.mode or "all-modes").lower()),
            *(self._period(), plain_name(self.zone), f"up-to-event-{position}"),
        )
        return "_".join(parts)

    def _period(self) -> str:
        """Return the days of the filter in few signs, and whether there is more of a filter."""
        first, until = self.filter.created_from, self.filter.created_until
        zone = ZoneInfo(self.zone)
        begin = first and _on_clock(first, zone).date()
        end = until and _on_clock(until - timedelta(microseconds=1), zone).date()
        known = ("shop_id", "mode", "created_from", "created_until")
        is_narrower = any(name not in known for name, _, _ in narrowing(self.filter))
        return _days_name(begin, end) + ("_filtered" if is_narrower else "")


class Totals:
    """What the rows of a file come to, by currency, once they have passed."""

    def __init__(self) -> None:
        self._figures: dict[str, Counter[str]] = {}

    def add(self, exported: ExportRow) -> None:
        """Count a row."""
        figures = self._figures.setdefault(exported["currency"] or "", Counter())
        counted, operation = exported["counted"], exported["operation_type"]
        if counted is None:
            figures["others"] += 1
            return
        numbers, sums = ("refunds", "refunded") if operation == "CREDIT" else ("payments", "paid")
        figures[numbers] += 1
        figures[sums] += counted
        figures["net"] += counted

    def rows(self) -> list[ExportRow]:
        """Return a row for each currency, by its letters."""
        return [
            {name: figures[name] for name in TOTAL_COLUMNS} | {"currency": currency or None}
            for currency, figures in sorted(self._figures.items())
        ]


def _row(listed_row: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    sign = _SIGNS.get(listed_row["operation_type"] or "", 0)
    amount_minor, currency = listed_row["amount_minor"], listed_row["currency"]
    is_known = amount_minor is not None and currency
    counted = counted_minor(amount_minor) if currency else None
    counts = listed_row["status"] in (*HELD, *CAPTURED)
    return {name: listed_row[name] for name in _SAME} | {
        "uuid": listed_row["uuid"] or listed_row["reference"],
        "paid_at": _local(listed_row["created_at"], zone),
        "amount": amount_minor * (sign or 1) if is_known else None,
        "counted": counted * sign if counts and sign and counted is not None else None,
        "authorisation_number": listed_row["authorisation_number"],
        "capture_at": _local(listed_row["capture_at"], zone),
        "captured_at": _local(listed_row["captured_at"], zone),
        "shop_id": listed_row["shop_id"],
        "mode": listed_row["mode"],
        "basis": listed_row["basis"],
        "known_at": _local(listed_row["first_seen_at"], zone),
    }


def _local(text: str | None, zone: ZoneInfo) -> datetime | None:
    """Return an instant as a clock of the zone shows it, to the second."""
    return _on_clock(read_instant(text), zone).replace(microsecond=0) if text else None


def _on_clock(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return an instant in a zone; where the calendar ends, in UTC."""
    try:
        return instant.astimezone(zone)
    except OverflowError:
        return instant


def _shop_name(ledger: Ledger, transaction_filter: TransactionFilter) -> str:
    ids: Iterable[str] = (
        ledger.shops.shop_by_id
        if transaction_filter.shop_id is None
        else transaction_filter.shop_id
    )
    only = list(ids)
    if len(only) != 1:
        return "all-shops" if transaction_filter.shop_id is None else f"{len(only)}-shops"
    return shop_in_name(ledger, only[0])


def _days_name(first: date | None, last_day: date | None) -> str:
    """Return days in few signs. Shape: `2026`, `2026-11`, `2026-11-03`, `2026-11-03_2026-11-09`."""
    if first is None or last_day is None:
        return f"from-{first}" if first else f"until-{last_day}" if last_day else "all-days"
    if last_day.year == date.max.year:  # whose next month no calendar has
        return f"{first}_{last_day}"
    after = last_day + timedelta(days=1)
    next_month = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
    if (first.month, first.day) == (1, 1) and after == date(first.year + 1, 1, 1):
        return f"{first.year:04}"
    if first.day == 1 and after == next_month:
        return f"{first:%Y-%m}"
    return f"{first}" if first == last_day else f"{first}_{last_day}"
