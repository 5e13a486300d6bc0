"""Reads what kept files list about money, of some payments or of some days, and of which payments.

It is read beside what is known, and never becomes it: no event, state or total holds any of it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, false, or_, select

from ledger.ipn.modes import Mode
from ledger.projections.definition import CONTINUED, DOUBT
from ledger.queries.live_tables import live_table
from ledger.queries.state import State
from ledger.reconciliation.files import KeptFile, files_by_id
from ledger.reconciliation.journal_rows import JournalKind, JournalRow
from ledger.reconciliation.known_transactions import (
    TRANSACTION_COLUMNS,
    KnownTransaction,
    transaction_of,
)
from ledger.reconciliation.money_matching import MoneyMatch, match_money, place_of
from ledger.reconciliation.newest_money_rows import newest_money_rows
from ledger.reconciliation.report_store import Scope
from ledger.storage.columns import AsciiLower, lower_ascii
from ledger.storage.database import chunks, padded
from ledger.storage.listed_money import listed_money

TRANSACTIONS_MAX = 1_000
"""Of one order; what is listed of the rest is in the settlement."""


@dataclass(frozen=True, slots=True)
class Names:
    """By what rows and payments of one shop and mode are looked up.

    Shape: `mode` in capitals, `trans_ids` in small letters; `references` are those of the payments
    that are meant, though others may share a name with them; `is_order` says that they are those of
    an order.
    """

    shop_id: str
    mode: str
    trans_ids: frozenset[str] = frozenset()
    order_ids: frozenset[str] = frozenset()
    uuids: frozenset[str] = frozenset()
    references: frozenset[str] = frozenset()
    is_order: bool = False


def names_of_transaction(state: State) -> Names:
    """Return the names of one transaction, from its state."""
    return _names(state["shop_id"], Mode(state["mode"]), [state], state.get("order_id"))


def names_of_order(connection: Connection, shop_id: str, mode: str, order_id: str) -> Names:
    """Return the names of all transactions of an order, as its read model has them.

    Errors: ViewNotBuiltError.
    """
    table, _, _ = live_table(connection, "transactions", "transactions")
    c = table.c
    query = select(c.trans_id, c.uuid, c.reference).where(
        c.shop_id == shop_id, c.mode == Mode(mode), c.order_id == order_id
    )
    rows = map(dict, connection.execute(query.limit(TRANSACTIONS_MAX)).mappings())
    return replace(_names(shop_id, Mode(mode), list(rows), order_id), is_order=True)


def _names(
    shop_id: str, mode: Mode, states: Sequence[Mapping[str, Any]], order_id: str | None
) -> Names:
    trans_ids, uuids, references = (
        frozenset(str(each[name]) for each in states if each[name])
        for name in ("trans_id", "uuid", "reference")
    )
    order_ids = frozenset({order_id} if order_id else ())
    lowered = frozenset(map(lower_ascii, trans_ids))
    return Names(shop_id, mode.value, lowered, order_ids, uuids, references)


@dataclass(frozen=True, slots=True)
class ListedRow:
    """One row about money, where it stands, and which payment it is about.

    Shape: `moved_on` is the UTC day of the remittance or chargeback, or else of the file.
    """

    claim: JournalRow
    moved_on: date
    kept_file: KeptFile
    match: MoneyMatch


def listed_of_names(
    connection: Connection,
    payment_names: Names,
    journal_kind: JournalKind,
    *,
    recorded_until: datetime | None = None,
) -> list[ListedRow]:
    """Return the newest rows of one kind that may be about payments of these names.

    Shape: in the order of their days; with `recorded_until` of those files alone that were here by
    then. Errors: ViewNotBuiltError.
    """
    c = listed_money.c
    by_name = _any_name(c.trans_id, c.order_id, c.uuid, payment_names)
    return _listed(connection, payment_names, journal_kind, by_name, recorded_until)


def listed_of_days(
    connection: Connection, scope: Scope, journal_kind: JournalKind
) -> list[ListedRow]:
    """Return the newest rows of one kind whose money moved on these UTC days.

    Errors: ViewNotBuiltError.
    """
    first, last = scope.first_day.isoformat(), scope.last_day.isoformat()
    within = listed_money.c.moved_on.between(first, last)
    names = Names(scope.shop_id, scope.mode)
    return _listed(connection, names, journal_kind, within, None)


def _listed(
    connection: Connection,
    payment_names: Names,
    journal_kind: JournalKind,
    condition: ColumnElement[bool],
    recorded_until: datetime | None,
) -> list[ListedRow]:
    c = listed_money.c
    of_shop = and_(
        c.shop_id == payment_names.shop_id,
        c.mode == payment_names.mode,
        c.kind == journal_kind.value,
    )
    rows = connection.execute(select(listed_money).where(of_shop, condition)).all()
    if not rows:
        return []
    file_by_id = files_by_id(connection, {row.file_id for row in rows})
    if recorded_until is not None:
        rows = [row for row in rows if file_by_id[row.file_id].recorded_at <= recorded_until]
    claims = _newest(rows, file_by_id)
    matches = match_money(claims, _known(connection, payment_names, claims), journal_kind)
    days = {(row.file_id, row.line): date.fromisoformat(row.moved_on) for row in rows}
    listed = [
        ListedRow(claim, days[place], file_by_id[claim.file_id], matches[place])
        for claim in claims
        for place in [place_of(claim)]
    ]
    return sorted(listed, key=attrgetter("moved_on"))


def _newest(stored_rows: Sequence[Row[Any]], file_by_id: dict[str, KeptFile]) -> list[JournalRow]:
    claims_by_file: dict[str, list[JournalRow]] = {id_: [] for id_ in file_by_id}
    for row in sorted(stored_rows, key=attrgetter("line")):
        claim = JournalRow.from_json(row.claim, row.file_id, row.line)
        claims_by_file[row.file_id].append(claim)
    in_order = sorted(file_by_id.values(), key=attrgetter("made_at", "id"))
    return newest_money_rows(claims_by_file[each.id] for each in in_order)


def _known(
    connection: Connection, payment_names: Names, claims: Collection[JournalRow]
) -> list[KnownTransaction]:
    """Return every payment that rows may be about, with all that share its number or order."""
    table, _, _ = live_table(connection, "transactions", "transactions")
    c, known = table.c, {}
    columns = [c.id, *(c[name] for name in TRANSACTION_COLUMNS)]
    for chunk in chunks(list(claims)):
        wanted = Names(
            payment_names.shop_id,
            payment_names.mode,
            frozenset(lower_ascii(claim.trans_id) for claim in chunk if claim.trans_id),
            frozenset(claim.order_id for claim in chunk if claim.order_id and not claim.trans_id),
            frozenset(claim.uuid for claim in chunk if claim.uuid),
        )
        query = select(*columns).where(
            *(
                c.shop_id == payment_names.shop_id,
                c.mode == payment_names.mode,
                c[CONTINUED] == 0,
                c[DOUBT] == 0,
            ),
            _any_name(AsciiLower(c.trans_id), c.order_id, c.uuid, wanted),
        )
        for row in connection.execute(query):
            columns_of_row = {name: getattr(row, name) for name in TRANSACTION_COLUMNS}
            known[row.id] = transaction_of(columns_of_row)
    return list(known.values())


def _any_name(
    trans_id: ColumnElement[Any],
    order_id: ColumnElement[Any],
    uuid: ColumnElement[Any],
    payment_names: Names,
) -> ColumnElement[bool]:
    """Return the condition that any of the names is the same."""
    pairs = (
        (trans_id, payment_names.trans_ids),
        (order_id, payment_names.order_ids),
        (uuid, payment_names.uuids),
    )
    return or_(false(), *(column.in_(padded(sorted(words))) for column, words in pairs if words))
