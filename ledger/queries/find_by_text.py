"""Finds what somebody may mean by what they typed, beside exact names: parts, amounts, days."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Table, literal_column, select

from ledger.application import Ledger
from ledger.instants import beginning_of, end_of
from ledger.ipn.modes import Mode
from ledger.ipn.shops_and_keys import Key
from ledger.ipn.storable import UNSTORABLE
from ledger.projections.definition import CONTINUED
from ledger.queries.filter_conditions import Words
from ledger.queries.filter_declarations import TransactionFilter
from ledger.queries.find_by_name import ALIAS, SUBSCRIPTION, Meaning
from ledger.queries.keyset import Row
from ledger.queries.lists import (
    ALIASES,
    SUBSCRIPTIONS,
    TRANSACTIONS,
    Item,
    Listing,
    list_page,
)
from ledger.queries.live_tables import live_table
from ledger.queries.typed_text import TypedText
from ledger.storage.columns import AsciiLower, lower_ascii

SHOWN_MAX = 10
"""So many things of each kind are shown; the lists have all."""
CURRENCIES_MAX = 8
"""In so many currencies an amount is shown."""
RELATED = ((SUBSCRIPTION, "subscription_id", SUBSCRIPTIONS), (ALIAS, "alias", ALIASES))
"""What is found beside payments. Shape: kind, the column of its name, its list."""
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class PaymentsMeant:
    """Payments of an amount, of a day, or of both, as somebody has typed them.

    Shape: at least one item, the newest first; `has_more` says that the list with these
    filters has more. `part` is part of a name. Units: minor units of `currency`; a day of the zone.
    """

    filters: TransactionFilter
    amount_minor: int | None
    currency: str | None
    day: date | None
    part: str | None
    items: list[Item]
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where something is looked for. Shape: `mode` in lower case; `shops` None is every shop."""

    mode: str
    shops: Words | None = None
    zone: str = "UTC"


# -- payments of an amount or a day ----------------------------------------------------------------


def payments_meant(ledger: Ledger, typed: TypedText, where: Where) -> list[PaymentsMeant]:
    """Return the payments of the amount and the day that a text names, by currency.

    Shape: of each currency, those whose amount is that in its decimals; the day is that on which
    the platform has created them. Errors: ViewNotBuiltError.
    """
    if not typed.has_more or UNSTORABLE.search(typed.text):
        return []
    with ledger.database.connect() as connection:
        if not typed.amounts:
            listed = [_payments(connection, typed, where)]
        else:
            sums = known_sums(connection, typed, where)
            listed = [_payments(connection, typed, where, *each) for each in sums]
    return [each for each in listed if each.items][:CURRENCIES_MAX]


def known_sums(connection: Connection, typed: TypedText, where: Where) -> Iterator[tuple[int, str]]:
    """Yield in which currencies there are payments of a typed amount at all. Units: minor."""
    table, _, _ = live_table(connection, TRANSACTIONS.view, TRANSACTIONS.table)
    c, minors = table.c, typed.minors()
    query = (
        select(c.amount_minor, c.currency)
        .where(*_within(table, where), c[CONTINUED] == 0)
        .where(c.amount_minor.in_(sorted({minor for minor, _ in minors})))
        .distinct()
    )
    known = sorted((row.currency, row.amount_minor) for row in connection.execute(query))
    yield from ((minor, letters) for letters, minor in known if (minor, letters) in minors)


def _payments(
    connection: Connection,
    typed: TypedText,
    where: Where,
    amount_minor: int | None = None,
    currency: str | None = None,
) -> PaymentsMeant:
    parameters: dict[str, Any] = {
        "mode": where.mode,
        "shop_id": where.shops,
        "search": typed.part,
        "currency": currency,
        "amount_min": amount_minor,
        "amount_max": amount_minor,
    }
    if typed.day is not None:
        parameters["created_from"] = beginning_of(typed.day, where.zone)
        parameters["created_until"] = end_of(typed.day, where.zone)
    filters = TransactionFilter.of(parameters)
    page = list_page(connection, TRANSACTIONS, filters, sort="-created", limit=SHOWN_MAX)
    has_more = page.next_cursor is not None
    return PaymentsMeant(
        filters, amount_minor, currency, typed.day, typed.part, page.items, has_more
    )


# -- parts of names --------------------------------------------------------------------------------


def parts_of_names(ledger: Ledger, text: str, where: Where) -> list[Meaning]:
    """Return the newest subscriptions and aliases with this text in their name, in any case of A
    to Z; payments have a list of their own. Errors: ViewNotBuiltError."""
    part = text.strip()
    if not part or UNSTORABLE.search(part):
        return []
    with ledger.database.connect() as connection:
        return [
            meaning_of(kind, name, row)
            for kind, name, listing in RELATED
            for row in _rows_with_part(connection, listing, name, part, where)
        ]


def _rows_with_part(
    connection: Connection, listing: Listing, name: str, part: str, where: Where
) -> list[Row]:
    table, _, _ = live_table(connection, listing.view, listing.table)
    has_part = AsciiLower(table.c[name]).contains(lower_ascii(part), autoescape=True)
    query = (
        select(*(table.c[column] for column in dict.fromkeys((name, "alias", "shop_id", "mode"))))
        .where(*_within(table, where), has_part)
        .order_by(table.c.first_seen_at.desc(), table.c.id.desc())
        .limit(SHOWN_MAX)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def meaning_of(kind: str, name: str, row: Row) -> Meaning:
    """Return what a row of one of the related lists means, which has this name."""
    alias = row["alias"] if kind == SUBSCRIPTION else None
    return Meaning(kind, row[name], row["shop_id"], Mode(row["mode"]).public, alias)


def _within(table: Table, where: Where) -> list[Any]:
    # a mode that is written out lets an index of this mode be used
    conditions = [table.c.mode == literal_column(f"'{Mode(where.mode).value}'")]
    if where.shops is not None:
        conditions.append(table.c.shop_id.in_(sorted(where.shops)))
    return conditions


# -- keys ------------------------------------------------------------------------------------------


def key_named(ledger: Ledger, text: str, where: Where) -> Key | None:
    """Return the key with this fingerprint, if it is of these shops and this mode."""
    fingerprint = text.strip().lower()
    if not _FINGERPRINT.fullmatch(fingerprint):
        return None
    key = ledger.shops.key_by_fingerprint(fingerprint)
    if key is None or key.mode != Mode(where.mode):
        return None
    return key if where.shops is None or key.shop_id in where.shops else None
