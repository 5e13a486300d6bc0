"""Show what was probably not told, as far as what was told gives it away, without any file.

A suspect has the instant from which it is one; nothing here reads a clock. Who reads the rows
compares that instant with now.
"""

from datetime import date, timedelta

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

from ledger.instants import end_of, read_instant, write_instant
from ledger.ipn.kinds import Kind
from ledger.ipn.notification_rules import ACQUIRER_STATUS, BACK_OFFICE, RETRY_WINDOW
from ledger.ipn.snapshots import Fact
from ledger.projections.definition import (
    CONTINUED,
    DOUBT,
    FIRST,
    MAX,
    MIN,
    EventRecord,
    Projection,
    Regrouped,
    Row,
    Rows,
    continued_column,
    doubt_column,
    key_columns,
    merged,
)
from ledger.projections.suspicion import INSTALMENT, select_suspects, select_touched_keys

_metadata = MetaData()
_FACTS = (
    *("order_id", "parent_uuid", "operation_type", "status"),
    *("trans_id", "sequence_number"),
)
_BEGINNINGS = frozenset(
    f"transaction.{word}"
    for word in (
        *("payment-accepted", "payment-refused", "payment-abandoned", "payment-duplicated"),
        *("verification-accepted", "verification-refused", "refund-issued", "refund-refused"),
        *("manual-payment-accepted", "manual-payment-refused", "joined"),
    )
) | {
    *("alias.registered", "alias.renewed", "alias.recognised"),
    *("subscription.opened", "subscription.refused"),
}
_OF_LATER_LIFE = (BACK_OFFICE, ACQUIRER_STATUS)
"""Rules of what happens to a payment that exists already, unless it is a beginning all the same."""

STATUS_WAIT = timedelta(days=10)
AUTHORISATION_WAIT = timedelta(days=2)
FIRST_MONTH = timedelta(days=30)

suspect_lines = Table(
    "suspect_lines",
    _metadata,
    Column("id", Text, primary_key=True),
    merged(FIRST, "stream_id", Text, nullable=False),
    merged(FIRST, "kind", Text, nullable=False),
    merged(FIRST, "shop_id", Text, nullable=False),
    merged(FIRST, "mode", Text, nullable=False),
    merged(FIRST, "reference", Text, nullable=False),
    merged(FIRST, "alias", Text),
    Column("uuid", Text),
    Column("order_id", Text),
    Column("parent_uuid", Text),
    Column("operation_type", Text),
    Column("status", Text),
    Column("trans_id", Text),
    Column("sequence_number", BigInteger),
    merged(FIRST, "instalment_number", BigInteger),
    doubt_column(),
    continued_column(),
    merged(MAX, "has_beginning", Integer, nullable=False),
    merged(MIN, "first_seen_at", Text, nullable=False),
    merged(MIN, "news_due_at", Text, nullable=False),
    Column("status_due_at", Text),
    Column("validation_due_at", Text),
    Column("authorisation_due_at", Text),
    info={
        "indexes": (("uuid",), ("stream_id",)),
        "partial_indexes": {
            "order_id IS NOT NULL": (("order_id",),),
            "parent_uuid IS NOT NULL": (("parent_uuid",),),
        },
    },
)
"""One row per transaction, alias and subscription, and per number of a subscription's instalments.

Shape: each `_due_at` is the instant by which other news should have come: by `news_due_at` what was
told at the same time, by the others another status.
"""

suspect_shops = Table(
    "suspect_shops",
    _metadata,
    *key_columns("shop_id", "mode"),
    merged(MIN, "first_month_until", Text, nullable=False),
)
"""Until when the first month of a shop lasts: what is older than the ledger has no beginning here.
"""

suspects = Table(
    "suspects",
    _metadata,
    *key_columns("id", "rule"),
    Column("group_key", Text, nullable=False),
    Column("certainty", Text, nullable=False),
    Column("shop_id", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("alias", Text),
    Column("parent_uuid", Text),
    Column("status", Text),
    Column("missing_count", BigInteger),
    Column("first_seen_at", Text, nullable=False),
    Column("due_at", Text, nullable=False),
    info={
        "indexes": (
            ("group_key",),
            ("shop_id", "mode", "due_at", "id", "rule"),
            ("mode", "due_at", "id", "rule"),
        )
    },
)
"""Shape: `reference` names the object of this `kind`; `id` is the row of `suspect_lines` that
stands for it. `group_key` is what the rule looks at: a stream, an order, or the uuid of a parent.
`missing_count` is of numbers, where the rule is about a gap."""


def rows(event: EventRecord) -> Rows:
    """Produce the line of the object, that of an instalment, and how long its shop is new."""
    kind = event.topic.partition(".")[0]
    common = _common(event, kind)
    yield suspect_lines, common | (_of_transaction(event) if kind == Kind.TRANSACTION else {})
    if event.is_doubtful:
        return
    number = event.facts.get("number") if ".instalment-" in event.topic else None
    if number is not None:
        own = {"id": f"{event.originator_id}-{number}", "kind": INSTALMENT}
        yield suspect_lines, common | own | {"instalment_number": number}
    first_month_until = _later(event.timestamp, FIRST_MONTH)
    yield (
        suspect_shops,
        {
            "shop_id": event.shop_id,
            "mode": event.mode,
            "first_month_until": first_month_until,
        },
    )


def _common(event: EventRecord, kind: str) -> Row:
    is_plan = kind == Kind.SUBSCRIPTION
    return {
        "id": event.originator_id,
        "stream_id": event.originator_id,
        "kind": kind,
        "shop_id": event.shop_id,
        "mode": event.mode,
        "reference": event.subscription_id if is_plan else event.reference,
        "alias": event.alias or None if is_plan else None,
        DOUBT: event.is_doubtful,
        CONTINUED: event.is_continued,
        "has_beginning": int(_begins(event, kind)),
        "first_seen_at": event.first_seen_at,
        "news_due_at": _later(event.first_seen_at, RETRY_WINDOW),
    }


def _begins(event: EventRecord, kind: str) -> bool:
    """Return True if an event may be the first that happened to its object."""
    is_later_life = kind != Kind.TRANSACTION or event.rule in _OF_LATER_LIFE
    return event.topic in _BEGINNINGS or not is_later_life


def _of_transaction(event: EventRecord) -> Row:
    taken = event.taken()
    capture_at = taken.get("capture_at")
    has_new_status = "status" in taken
    row: Row = {name: taken.get(name) for name in _FACTS}
    return row | {
        "uuid": event.uuid,
        "status_due_at": _later(event.timestamp, STATUS_WAIT) if has_new_status else None,
        "validation_due_at": _after_day(capture_at, timedelta()),
        "authorisation_due_at": _after_day(capture_at, AUTHORISATION_WAIT),
    }


def _later(moment: str, wait: timedelta) -> str:
    """Return an instant some time after another; the calendar's last one where it would end."""
    try:
        return write_instant(read_instant(moment) + wait)
    except OverflowError:
        return write_instant(end_of(date.max))


def _after_day(planned_at: Fact | None, wait: timedelta) -> str | None:
    """Return the end of the UTC day of an instant, some days later; None for none."""
    if planned_at is None:
        return None
    day = read_instant(str(planned_at)).date()
    return write_instant(end_of(day + wait))


PROJECTION = Projection(
    "suspects",
    (suspect_lines, suspect_shops),
    rows,
    groupings=(
        Regrouped(suspects, suspect_lines, "group_key", select_suspects, select_touched_keys),
    ),
)
