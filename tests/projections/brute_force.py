"""Compute every read model again in plain Python, from the states of all streams.

Nothing is shared with the projections but the documented meaning of their columns.
"""

from collections import defaultdict
from collections.abc import Mapping, Set
from datetime import datetime
from typing import Any

from ledger.application import Ledger
from ledger.instants import write_instant
from ledger.queries.state import current_state
from ledger.storage.event_store import RecordedEvent
from tests.projections.brute_force_outcomes import (
    CAPTURED,
    COUNTED,
    DATA,
    HELD,
    WAITING,
    State,
    is_abandoned,
)
from tests.projections.brute_force_suspects import suspect_tables
from tests.projections.brute_force_totals import daily_totals, grouped, slot_refusals, slot_totals
from tests.projections.helpers import Rows

States = dict[str, State]
"""The id of a stream -> the current state of what it is about."""
Streams = Mapping[str, list[RecordedEvent]]


def expected(ledger: Ledger, until: int | None = None) -> Rows:
    """Return the rows of every table of every read model, in the order of their keys."""
    log = [
        recorded
        for recorded in ledger.events.events_after(0, 100_000)
        if until is None or recorded.position <= until
    ]
    streams: dict[str, list[RecordedEvent]] = defaultdict(list)
    for recorded in log:
        streams[recorded.event.originator_id.hex].append(recorded)
    histories = {id_: _with_joined(stream, streams) for id_, stream in streams.items()}
    states_by_kind: dict[str, States] = defaultdict(dict)
    for id_, stream in histories.items():
        state = current_state(stream) | _times(stream) | _of_rows(streams[id_], len(stream))
        states_by_kind[state["kind"]][id_] = state
    all_states = {id_: each for states in states_by_kind.values() for id_, each in states.items()}
    transactions, subscriptions = states_by_kind["transaction"], states_by_kind["subscription"]
    shown = {id_: each for id_, each in transactions.items() if not each["is_continued"]}
    counted = {id_: each for id_, each in transactions.items() if not each["is_doubtful"]}
    totalled = {id_: each | {"first_seen_at": each["counted_at"]} for id_, each in counted.items()}
    tables = {
        "transactions": _transactions(transactions, histories),
        "aliases": _lines(states_by_kind["alias"], "aliases"),
        "subscriptions": _subscriptions(subscriptions),
        "instalments": _instalments(subscriptions),
        "order_lines": _lines(transactions, "order_lines"),
        "orders": _orders(shown),
        "total_lines": _lines(totalled, "total_lines"),
        "daily_totals": daily_totals({id_: totalled[id_] for id_ in totalled if id_ in shown}),
        "slot_totals": slot_totals({id_: totalled[id_] for id_ in totalled if id_ in shown}),
        "slot_refusals": slot_refusals({id_: totalled[id_] for id_ in totalled if id_ in shown}),
        "coverage_lines": _coverage_lines(log),
        "rule_coverage": _coverage(log),
        "audit_trail": [_audited(recorded) for recorded in log],
        **suspect_tables(log, streams, all_states),
    }
    return {name: sorted(rows, key=_order) for name, rows in tables.items()}


def _order(row: Mapping[str, Any]) -> str:
    return str(list(row.values()))


def _with_joined(stream: list[RecordedEvent], streams: Streams) -> list[RecordedEvent]:
    """Return the events of a stream, and of the one that has joined it, in their order."""
    joined = [
        recorded
        for own in stream
        if own.event.TOPIC == "transaction.joined"
        for recorded in streams[own.event.other_id]
    ]
    return sorted([*stream, *joined], key=lambda recorded: recorded.position)


def _of_rows(stream: list[RecordedEvent], count: int) -> State:
    """Return what rows have that no state shows."""
    return {
        "reference": stream[0].event.reference,
        "version": count,
        "is_continued": int(stream[-1].event.TOPIC == "transaction.continued"),
    }


def _times(stream: list[RecordedEvent]) -> State:
    """Return instants as read models write them, and the mode as it was received."""
    certain = [each.event.timestamp for each in stream if not each.event.doubtful]
    return {
        "mode": stream[0].event.mode,
        "counted_at": write_instant(certain[0]) if certain else None,
        "first_seen_at": write_instant(stream[0].event.timestamp),
        "last_changed_at": write_instant(stream[-1].event.timestamp),
        "is_doubtful": int(not certain),
    }


def _line(id_: str, state: State, table: str) -> State:
    return {"id": id_} | {name: state[name] for name in DATA["columns"][table]}


def _lines(states: States, table: str) -> list[State]:
    return [_line(id_, state, table) for id_, state in states.items()]


def _transactions(states: States, streams: Streams) -> list[State]:
    return [
        _line(id_, state, "transactions")
        | ({} if state["counted_at"] else {"amount_minor": None, "requested_amount_minor": None})
        | {
            "late_count": sum(recorded.event.late for recorded in streams[id_]),
            "contradiction_count": state["contradictions"],
        }
        for id_, state in states.items()
    ]


def _subscriptions(states: States) -> list[State]:
    with_alias = {id_: state | {"alias": state["alias"] or ""} for id_, state in states.items()}
    return _lines(with_alias, "subscriptions")


def _instalments(states: States) -> list[State]:
    return [
        _line(id_, attempt, "instalments")
        for id_, state in states.items()
        for attempt in state["instalments"]
    ]


def _orders(transactions: States) -> list[State]:
    by_uuid = {
        (payment["shop_id"], payment["mode"], payment["uuid"]): payment
        for payment in transactions.values()
    }

    def order_of(transaction: State) -> tuple[str, ...] | None:
        shop_and_mode = (transaction["shop_id"], transaction["mode"])
        order_id = transaction["order_id"]
        if order_id is None and transaction["parent_uuid"] is not None:
            parent = by_uuid.get((*shop_and_mode, transaction["parent_uuid"]))
            order_id = parent["order_id"] if parent else None
        return None if order_id is None else (*shop_and_mode, order_id)

    paid = {order_of(other) for other in transactions.values() if not is_abandoned(other)}

    def line_of(transaction: State) -> tuple[str, ...] | None:
        order = order_of(transaction)
        if order is None or (is_abandoned(transaction) and order in paid):
            return None
        return (*order, "" if is_abandoned(transaction) else transaction["currency"] or "")

    return [
        dict(zip(("shop_id", "mode", "order_id", "currency"), key, strict=True))
        | {
            "transactions": sum(not is_abandoned(member) for member in members),
            "doubtful": sum(
                member["is_doubtful"] and not is_abandoned(member) for member in members
            ),
            "authorised_minor": _sum(members, "DEBIT", HELD | CAPTURED),
            "captured_minor": _sum(members, "DEBIT", CAPTURED),
            "refunded_minor": _sum(members, "CREDIT", COUNTED),
            "open_minor": _sum(members, "DEBIT", HELD | WAITING),
            "balance_minor": _sum(members, "DEBIT", COUNTED) - _sum(members, "CREDIT", COUNTED),
            "first_seen_at": min(member["first_seen_at"] for member in members),
            "last_changed_at": max(member["last_changed_at"] for member in members),
        }
        for key, members in grouped(transactions.values(), line_of).items()
    ]


def _sum(transactions: list[State], operation: str, statuses: Set[str]) -> int:
    return sum(
        transaction["amount_minor"] or 0
        for transaction in transactions
        if not transaction["is_doubtful"]
        and transaction["operation_type"] == operation
        and transaction["status"] in statuses
    )


def _coverage_lines(log: list[RecordedEvent]) -> list[State]:
    lines = {}
    for event in (recorded.event for recorded in log if not recorded.event.answered):
        lines[event.notification_id, event.rule] = {
            "notification_id": event.notification_id,
            "rule": event.rule,
            "shop_id": event.shop_id,
            "mode": event.mode,
            "received_at": write_instant(event.received_at),
        }
    return list(lines.values())


def _coverage(log: list[RecordedEvent]) -> list[State]:
    def key_of(line: State) -> tuple[str, ...]:
        return line["shop_id"], line["mode"], line["rule"]

    return [
        dict(zip(("shop_id", "mode", "rule"), key, strict=True))
        | {
            "count": len(lines),
            "first_seen_at": min(line["received_at"] for line in lines),
            "last_seen_at": max(line["received_at"] for line in lines),
        }
        for key, lines in grouped(_coverage_lines(log), key_of).items()
    ]


def _audited(recorded: RecordedEvent) -> State:
    event = recorded.event
    marks = (event.late, event.contradiction, event.odd, event.suspected, event.doubtful)
    return {
        "position": recorded.position,
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
        "occurred_at": None if event.occurred_at is None else write_instant(event.occurred_at),
        "recorded_at": write_instant(event.timestamp),
        "known_after_seconds": _known_after_seconds(event.occurred_at, event.timestamp),
        "is_late": int(event.late),
        "is_contradiction": int(event.contradiction),
        "is_odd": int(bool(event.odd)),
        "is_suspected": int(bool(event.suspected)),
        "is_doubtful": int(bool(event.doubtful)),
        "basis": "asked" if event.answered else "told",
        "amount_minor": event.facts.get("amount_minor"),
        "currency": event.facts.get("currency"),
        "is_surprising": int(any(marks)),
    }


def _known_after_seconds(occurred_at: datetime | None, recorded_at: datetime) -> float | None:
    if occurred_at is None:
        return None
    return max(0.0, (recorded_at - occurred_at).total_seconds())
