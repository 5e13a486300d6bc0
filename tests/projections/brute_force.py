"""Every view computed again in plain Python: from the items of all streams, and nothing shared
with the projections but the documented meaning of their columns."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from ledger.application import Ledger
from ledger.items import item
from ledger.storage.event_store import RecordedEvent
from ledger.storage.mapper import write_moment
from tests.projections.helpers import Rows

HELD = {
    "AUTHORISED",
    "AUTHORISED_TO_VALIDATE",
    "PARTIALLY_AUTHORISED",
    "SUSPENDED",
    "CAPTURE_PENDING",
}
WAITING = {
    "INITIAL",
    "PENDING",
    "PRE_AUTHORISED",
    "WAITING_FOR_PAYMENT",
    "UNDER_VERIFICATION",
    "WAITING_AUTHORISATION",
    "WAITING_AUTHORISATION_TO_VALIDATE",
}
COUNTED = {"AUTHORISED", "CAPTURED", "SUSPENDED", "CAPTURE_PENDING", "PARTIALLY_AUTHORISED"}
REFUSED = {"REFUSED", "ERROR", "NOT_CREATED"}

Item = dict[str, Any]


def expected(ledger: Ledger, until: int | None = None) -> Rows:
    """The rows of every table of every view, in the order of their keys."""
    recorded = ledger.events.events_after(0, 100_000)
    recorded = [one for one in recorded if until is None or one.position <= until]
    streams: dict[Any, list[RecordedEvent]] = defaultdict(list)
    for one in recorded:
        streams[one.event.originator_id].append(one)
    items = {id_.hex: item(found) | _times(found) for id_, found in streams.items()}
    kinds: dict[str, dict[str, Item]] = defaultdict(dict)
    for id_, one in items.items():
        kinds[one["kind"]][id_] = one
    transactions = kinds["transaction"]
    tables = {
        "transactions": _transactions(transactions, streams),
        "aliases": _aliases(kinds["alias"]),
        "subscriptions": _subscriptions(kinds["subscription"]),
        "instalments": _instalments(kinds["subscription"]),
        "order_lines": _lines(transactions, _ORDER_LINE),
        "orders": _orders(transactions),
        "total_lines": _lines(transactions, _TOTAL_LINE),
        "daily_totals": _totals(transactions),
        "daily_refusals": _refusals(transactions),
        "coverage_lines": _coverage_lines(recorded),
        "rule_coverage": _coverage(recorded),
        "audit_trail": [_audited(one) for one in recorded],
    }
    order = {name: sorted(found, key=_order(name)) for name, found in tables.items()}
    return order


def _order(_name: str) -> Any:
    return lambda row: str(list(row.values()))


def _times(found: list[RecordedEvent]) -> Item:
    """Instants as the views write them, and the mode as it was told."""
    return {
        "mode": found[0].event.mode,
        "first_seen_at": write_moment(found[0].event.timestamp),
        "last_changed_at": write_moment(found[-1].event.timestamp),
    }


_TRANSACTION = [
    "shop_id",
    "mode",
    "reference",
    "uuid",
    "order_id",
    "operation_type",
    "status",
    "amount_minor",
    "currency",
    "requested_amount_minor",
    "requested_currency",
    "payment_method",
    "wallet",
    "alias",
    "subscription_id",
    "instalment_number",
    "sequence_number",
    "trans_id",
    "trans_date",
    "contract",
    "parent_uuid",
    "created_at",
    "capture_at",
    "captured_at",
    "first_seen_at",
    "last_changed_at",
    "version",
]
_ORDER_LINE = [
    "shop_id",
    "mode",
    "uuid",
    "parent_uuid",
    "order_id",
    "operation_type",
    "status",
    "amount_minor",
    "currency",
    "first_seen_at",
    "last_changed_at",
]
_TOTAL_LINE = [
    "shop_id",
    "mode",
    "created_at",
    "first_seen_at",
    "operation_type",
    "status",
    "amount_minor",
    "currency",
    "payment_method",
    "authorisation_result",
]
_ALIAS = [
    "shop_id",
    "mode",
    "alias",
    "status",
    "payment_method",
    "order_id",
    "transaction_uuid",
    "made_at",
    "first_seen_at",
    "last_changed_at",
    "version",
]
_PLAN = [
    "shop_id",
    "mode",
    "subscription_id",
    "alias",
    "status",
    "order_id",
    "effect_on",
    "schedule",
    "amount_minor",
    "currency",
    "initial_amount_minor",
    "initial_amount_number",
    "first_seen_at",
    "last_changed_at",
    "version",
]


def _picked(id_: str, one: Item, names: list[str]) -> Item:
    return {"id": id_} | {name: one[name] for name in names}


def _lines(items: dict[str, Item], names: list[str]) -> list[Item]:
    return [_picked(id_, one, names) for id_, one in items.items()]


def _transactions(items: dict[str, Item], streams: Any) -> list[Item]:
    late = {id_.hex: sum(one.event.late for one in found) for id_, found in streams.items()}
    return [
        _picked(id_, one, _TRANSACTION)
        | {"late_count": late[id_], "contradiction_count": one["contradictions"]}
        for id_, one in items.items()
    ]


def _aliases(items: dict[str, Item]) -> list[Item]:
    return _lines(items, _ALIAS)


def _subscriptions(items: dict[str, Item]) -> list[Item]:
    told = {id_: one | {"alias": one["alias"] or ""} for id_, one in items.items()}
    return _lines(told, _PLAN)


def _instalments(items: dict[str, Item]) -> list[Item]:
    names = ["transaction_uuid", "number", "status", "amount_minor", "currency", "created_at"]
    return [
        _picked(id_, attempt, names) for id_, one in items.items() for attempt in one["instalments"]
    ]


def _orders(items: dict[str, Item]) -> list[Item]:
    by_uuid = {(one["shop_id"], one["mode"], one["uuid"]): one for one in items.values()}
    groups: dict[tuple[str, ...], list[Item]] = defaultdict(list)
    for one in items.values():
        place = (one["shop_id"], one["mode"])
        order_id = one["order_id"]
        if order_id is None and one["parent_uuid"] is not None:
            parent = by_uuid.get((*place, one["parent_uuid"]))
            order_id = parent["order_id"] if parent else None
        if order_id is not None:
            groups[*place, order_id, one["currency"] or ""].append(one)
    return [
        dict(zip(("shop_id", "mode", "order_id", "currency"), key, strict=True))
        | {
            "transactions": len(found),
            "authorised_minor": _sum(found, "DEBIT", HELD | {"CAPTURED"}),
            "captured_minor": _sum(found, "DEBIT", {"CAPTURED"}),
            "refunded_minor": _sum(found, "CREDIT", COUNTED),
            "open_minor": _sum(found, "DEBIT", HELD | WAITING),
            "balance_minor": _sum(found, "DEBIT", COUNTED) - _sum(found, "CREDIT", COUNTED),
            "first_seen_at": min(one["first_seen_at"] for one in found),
            "last_changed_at": max(one["last_changed_at"] for one in found),
        }
        for key, found in groups.items()
    ]


def _sum(found: list[Item], operation: str, statuses: set[str]) -> int:
    return sum(
        one["amount_minor"] or 0
        for one in found
        if one["operation_type"] == operation and one["status"] in statuses
    )


def _totals(items: dict[str, Item]) -> list[Item]:
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for one in items.values():
        day = (one["created_at"] or one["first_seen_at"])[:10]
        place = (one["shop_id"], one["mode"], day, one["currency"] or "")
        groups[*place, one["payment_method"] or "", _outcome(one)].append(one["amount_minor"] or 0)
    names = ("shop_id", "mode", "day", "currency", "payment_method", "outcome")
    return [
        dict(zip(names, key, strict=True)) | {"count": len(found), "amount_minor": sum(found)}
        for key, found in groups.items()
    ]


def _refusals(items: dict[str, Item]) -> list[Item]:
    groups: dict[tuple[str, ...], int] = defaultdict(int)
    for one in items.values():
        if _outcome(one) == "refused":
            day = (one["created_at"] or one["first_seen_at"])[:10]
            groups[one["shop_id"], one["mode"], day, one["authorisation_result"] or ""] += 1
    names = ("shop_id", "mode", "day", "result")
    return [dict(zip(names, key, strict=True)) | {"count": n} for key, n in groups.items()]


def _outcome(one: Item) -> str:
    operation, status = one["operation_type"], one["status"]
    if status == "ABANDONED":
        return "abandoned"
    if operation == "VERIFICATION":
        if status == "ACCEPTED":
            return "verified"
        return "refused" if status in REFUSED else "unknown"
    is_credit = operation == "CREDIT"
    if operation not in ("DEBIT", "CREDIT"):
        return "unknown"
    if status in HELD | {"CAPTURED"}:
        return "refunded" if is_credit else "accepted"
    if status in WAITING or (is_credit and status == "REFUND_TO_RETRY"):
        return "refund-pending" if is_credit else "pending"
    if status in REFUSED:
        return "refund-refused" if is_credit else "refused"
    if status == "CANCELLED":
        return "refund-cancelled" if is_credit else "cancelled"
    ends = {} if is_credit else {"EXPIRED": "expired", "CAPTURE_FAILED": "failed"}
    return ends.get(status, "unknown")


def _coverage_lines(recorded: list[RecordedEvent]) -> list[Item]:
    lines = {}
    for one in recorded:
        event = one.event
        lines[event.notification_id, event.rule] = {
            "notification_id": event.notification_id,
            "rule": event.rule,
            "shop_id": event.shop_id,
            "mode": event.mode,
            "received_at": write_moment(event.received_at),
        }
    return list(lines.values())


def _coverage(recorded: list[RecordedEvent]) -> list[Item]:
    groups: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for line in _coverage_lines(recorded):
        groups[line["shop_id"], line["mode"], line["rule"]].append(line["received_at"])
    return [
        dict(zip(("shop_id", "mode", "rule"), key, strict=True))
        | {"count": len(found), "first_seen_at": min(found), "last_seen_at": max(found)}
        for key, found in groups.items()
    ]


def _audited(one: RecordedEvent) -> Item:
    event = one.event
    return {
        "position": one.position,
        "id": event.originator_id.hex,
        "version": event.originator_version,
        "shop_id": event.shop_id,
        "mode": event.mode,
        "kind": event.TOPIC.split(".")[0],
        "reference": event.reference,
        "type": event.TOPIC,
        "rule": event.rule,
        "rule_certainty": event.rule_certainty,
        "source": event.source,
        "notification_id": event.notification_id,
        "occurred_at": None if event.occurred_at is None else write_moment(event.occurred_at),
        "recorded_at": write_moment(event.timestamp),
        "late_seconds": _late_seconds(event.occurred_at, event.timestamp),
        "is_late": int(event.late),
        "is_contradiction": int(event.contradiction),
        "is_odd": int(bool(event.odd)),
    }


def _late_seconds(occurred_at: datetime | None, recorded_at: datetime) -> float | None:
    if occurred_at is None:
        return None
    return max(0.0, (recorded_at - occurred_at).total_seconds())
