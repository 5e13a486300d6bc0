"""Lists what was probably not told by now, with the news that is missing and what would bring it.

What is only a hint counts from the second month of a shop on: before that it is nearly always older
than the ledger.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, func, or_, select

from ledger.errors import ViewNotBuiltError
from ledger.instants import write_instant
from ledger.ipn.modes import Mode
from ledger.projections.suspect_rules import (
    SuspectRule,
    Suspicion,
)
from ledger.queries.filter_conditions import Filter, sql_conditions
from ledger.queries.filter_declarations import SuspectFilter
from ledger.queries.keyset import Row, SortOrder
from ledger.queries.lists import Item, Listing, all_items, as_item
from ledger.queries.live_tables import live_table
from ledger.storage.database import Database

RESEND, ASK, ORDER_FILE = "resend", "ask", "order-file"
REMEDIES: Mapping[str, str] = {
    RESEND: "send the notification again in the Back Office, by a right click on the payment",
    ASK: "ask the platform how it stands",
    ORDER_FILE: "order a file of the platform that lists it, and compare",
}
"""What brings the missing news, or shows that there is none."""

_REMEDIES_BY_RULE: Mapping[str, tuple[str, ...]] = {
    SuspectRule.AUTHORISATION_OVERDUE: (RESEND, ASK),
    SuspectRule.STATUS_OVERDUE: (RESEND, ASK),
    SuspectRule.VALIDATION_OVERDUE: (RESEND, ASK),
    SuspectRule.PARENT_NEVER_TOLD: (RESEND, ASK, ORDER_FILE),
    SuspectRule.REFUND_WITHOUT_PAYMENT: (RESEND, ASK, ORDER_FILE),
    SuspectRule.SEQUENCE_GAP: (ASK, ORDER_FILE),
    SuspectRule.INSTALMENT_GAP: (ORDER_FILE,),
    SuspectRule.ALIAS_NEVER_MADE: (RESEND,),
    SuspectRule.SUBSCRIPTION_NEVER_OPENED: (RESEND,),
    SuspectRule.HISTORY_WITHOUT_BEGINNING: (ORDER_FILE,),
}
_EXPECTED_BY_STATUS: Mapping[str, str] = {
    "WAITING_AUTHORISATION": "AUTHORISED or REFUSED",
    "WAITING_AUTHORISATION_TO_VALIDATE": "AUTHORISED_TO_VALIDATE or REFUSED",
    "AUTHORISED_TO_VALIDATE": "AUTHORISED, CANCELLED or EXPIRED",
    "UNDER_VERIFICATION": "AUTHORISED, CAPTURED or REFUSED",
    "SUSPENDED": "CAPTURED or CAPTURE_FAILED",
    "CAPTURE_FAILED": "CAPTURED or CANCELLED",
    "REFUND_TO_RETRY": "CAPTURED, REFUSED or CANCELLED",
}
_EXPECTED_BY_RULE: Mapping[str, str] = {
    SuspectRule.PARENT_NEVER_TOLD: "the payment that it refunds or repeats",
    SuspectRule.REFUND_WITHOUT_PAYMENT: "the payment that was refunded",
    SuspectRule.SEQUENCE_GAP: "the attempts or parts with the missing numbers",
    SuspectRule.INSTALMENT_GAP: "the instalments with the missing numbers",
    SuspectRule.ALIAS_NEVER_MADE: "that the alias was made",
    SuspectRule.SUBSCRIPTION_NEVER_OPENED: "that the subscription was opened",
    SuspectRule.HISTORY_WITHOUT_BEGINNING: "how the payment was made",
}
EXPECTED = (*dict.fromkeys(_EXPECTED_BY_STATUS.values()), *_EXPECTED_BY_RULE.values())


def _suspect(row: Row) -> Item:
    """Return a suspect as it is shown: its object under `kind` and `reference`."""
    expected = _EXPECTED_BY_RULE.get(row["rule"]) or _EXPECTED_BY_STATUS[row["status"]]
    remedies = list(_REMEDIES_BY_RULE[row["rule"]])
    return as_item(row, "id", "group_key") | {"expected": expected, "remedies": remedies}


def _is_due(table: Table) -> ColumnElement[bool]:
    """Return the condition that news is overdue by now, and that its shop is old enough."""
    shops = table.metadata.tables[table.name.replace("suspects", "suspect_shops")]
    is_older_shop = select(shops.c.shop_id).where(
        shops.c.shop_id == table.c.shop_id,
        shops.c.mode == table.c.mode,
        shops.c.first_month_until <= table.c.first_seen_at,
    )
    is_believed = or_(table.c.certainty != Suspicion.HINT.value, is_older_shop.exists())
    return and_(table.c.due_at <= bindparam("now"), is_believed)


SUSPECTS = Listing(
    "suspects",
    "suspects",
    SuspectFilter,
    {"time": SortOrder(("due_at", "id", "rule"))},
    _suspect,
    is_due=_is_due,
)


def all_suspects(database: Database, filters: Filter, now: datetime) -> Iterator[Item]:
    """Yield everything that is suspected by now, what is overdue longest first.

    Errors: ViewNotBuiltError.
    """
    return all_items(database, SUSPECTS, filters, now)


@dataclass(frozen=True, slots=True)
class SuspectCount:
    """How many suspects of one rule a shop and mode has."""

    shop_id: str
    mode: str
    rule: str
    certainty: str
    count: int


def count_suspects(
    connection: Connection, now: datetime, filters: SuspectFilter | None = None
) -> Sequence[SuspectCount] | None:
    """Count suspects by shop, mode, rule and certainty; None before the read model is built."""
    try:
        table, _, _ = live_table(connection, SUSPECTS.view, SUSPECTS.table)
    except ViewNotBuiltError:
        return None
    c = table.c
    by_rule = (c.shop_id, c.mode, c.rule, c.certainty)
    conditions = [*sql_conditions(filters or SuspectFilter(), table), _is_due(table)]
    query = select(*by_rule, func.count().label("count")).where(*conditions).group_by(*by_rule)
    parameters = {"now": write_instant(now)}
    return [
        SuspectCount(
            row.shop_id,
            Mode(row.mode).public,
            row.rule,
            row.certainty,
            int(row[-1]),
        )
        for row in connection.execute(query.order_by(*by_rule), parameters)
    ]


def count_by_certainty(suspect_counts: Collection[SuspectCount]) -> dict[Suspicion, int]:
    """Add up suspects by how sure they are."""
    return {
        certainty: sum(each.count for each in suspect_counts if each.certainty == certainty)
        for certainty in Suspicion
    }
