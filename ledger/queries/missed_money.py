"""Finds instalments that were not heard of, and refused refunds that nobody has made since."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from ledger.instants import beginning_of, read_instant
from ledger.ipn.kinds import Kind
from ledger.ipn.modes import Mode
from ledger.ipn.snapshots import CREATED
from ledger.projections.money_outcomes import COUNTED, NOT_MADE
from ledger.queries.activity import Scope
from ledger.queries.filter_declarations import SubscriptionFilter, TransactionFilter
from ledger.queries.lists import LIMIT_MAX, SUBSCRIPTIONS, TRANSACTIONS, Item, list_page
from ledger.queries.live_tables import live_table
from ledger.queries.look_at import LOOKED_BACK, OBJECTS_MAX, LookAt, LookAtCode, within
from ledger.queries.schedules import missed_months


def instalments_missed(connection: Connection, scope: Scope, now: datetime) -> LookAt:
    """Running plans, of the newest ones, with a month of which nothing was heard."""
    filters = within(scope, SubscriptionFilter, status=[CREATED])
    page = list_page(connection, SUBSCRIPTIONS, filters, limit=LIMIT_MAX)
    missed_by_plan = [
        (plan, missed)
        for plan in page.items
        if not plan["doubtful"] and (missed := _missed(plan, now.date()))
    ]
    first = min((missed[0] for _, missed in missed_by_plan), default=None)
    return LookAt(
        LookAtCode.INSTALMENTS_MISSED,
        sum(len(missed) for _, missed in missed_by_plan),
        page.next_cursor is not None,
        None if first is None else beginning_of(date(*first, 1)),
        filters,
        tuple(
            _object(Kind.SUBSCRIPTION, plan, "subscription_id")
            for plan, _ in missed_by_plan[:OBJECTS_MAX]
        ),
    )


def _missed(plan: Item, today: date) -> list[tuple[int, int]]:
    made = [instalment["created_at"] for instalment in plan["instalments"]]
    if not all(made):
        return []  # one without a day may be any
    days = (datetime.fromisoformat(at).date() for at in made)
    return missed_months(plan["schedule"], plan["effect_on"], days, today)


def refunds_to_retry(connection: Connection, scope: Scope, now: datetime) -> LookAt:
    """Refused refunds after which nothing as large was given back in the same order."""
    since = beginning_of(now.date() - LOOKED_BACK)
    statuses = [*NOT_MADE, "REFUND_TO_RETRY"]
    filters = within(
        scope,
        TransactionFilter,
        operation_type=["CREDIT"],
        status=statuses,
        first_seen_from=since,
    )
    page = list_page(connection, TRANSACTIONS, filters, sort="time", limit=LIMIT_MAX)
    made_by_order = _refunds_made(connection, {item["order_id"] for item in page.items})
    open_refunds = [
        item
        for item in page.items
        if not item["doubtful"]
        and not any(_stands_for(made, item) for made in made_by_order[_order_of(item)])
    ]
    return LookAt(
        LookAtCode.REFUNDS_TO_RETRY,
        len(open_refunds),
        page.next_cursor is not None,
        read_instant(open_refunds[0]["first_seen_at"]) if open_refunds else None,
        filters,
        tuple(_object(Kind.TRANSACTION, item, "reference") for item in open_refunds[:OBJECTS_MAX]),
    )


_Order = tuple[str, str, str | None]


def _order_of(item: Item) -> _Order:
    return item["shop_id"], Mode(item["mode"]).value, item["order_id"]


def _refunds_made(
    connection: Connection, order_ids: set[str | None]
) -> Mapping[_Order, list[Mapping[str, Any]]]:
    """Return the refunds of these orders that count as money, by order."""
    table, _, _ = live_table(connection, TRANSACTIONS.view, TRANSACTIONS.table)
    c = table.c
    query = select(
        *(c.shop_id, c.mode, c.order_id, c.currency, c.amount_minor, c.first_seen_at)
    ).where(
        c.order_id.in_(sorted(filter(None, order_ids))),
        c.operation_type == "CREDIT",
        c.status.in_(COUNTED),
        c.is_doubtful == 0,
    )
    by_order: dict[_Order, list[Mapping[str, Any]]] = defaultdict(list)
    for row in connection.execute(query):
        made = row._asdict()
        by_order[_order_of(made)].append(made)
    return by_order


def _stands_for(made: Mapping[str, Any], refund: Item) -> bool:
    """Return True if a refund was made after one that was refused, and gives back as much."""
    amounts = made["amount_minor"], refund["amount_minor"]
    is_as_large = None not in amounts and amounts[0] >= amounts[1]
    is_later = read_instant(made["first_seen_at"]) >= read_instant(refund["first_seen_at"])
    return is_as_large and is_later and made["currency"] == refund["currency"]


def _object(object_kind: Kind, item: Item, name: str) -> Item:
    alias = item.get("alias") if object_kind is Kind.SUBSCRIPTION else None
    names = {"shop_id": item["shop_id"], "mode": item["mode"], "alias": alias}
    return {"kind": object_kind.value, "reference": item[name], **names}
