"""Compute in plain Python what was probably not told, from the states of all streams."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from ledger.instants import write_instant
from ledger.storage.event_store import RecordedEvent
from tests.projections.brute_force_outcomes import REFUSED, WAITING, State

CREATIONS = (
    *("payment-accepted", "payment-refused", "payment-abandoned", "payment-duplicated"),
    *("verification-accepted", "verification-refused", "refund-issued", "refund-refused"),
    *("manual-payment-accepted", "manual-payment-refused", "joined"),
)
BEGINNINGS = {
    "transaction": CREATIONS,
    "alias": ("registered", "renewed", "recognised"),
    "subscription": ("opened", "refused"),
}
NOT_PAID = {
    *(REFUSED | WAITING),
    *("AUTHORISED_TO_VALIDATE", "ABANDONED", "CANCELLED", "EXPIRED"),
}
STUCK = ("UNDER_VERIFICATION", "SUSPENDED", "CAPTURE_FAILED", "REFUND_TO_RETRY")
FACTS = ("order_id", "parent_uuid", "operation_type", "status", "trans_id", "sequence_number")
OWN_DATES = ("status_due_at", "validation_due_at", "authorisation_due_at")
HINTS = {
    "transaction": "history-without-beginning",
    "alias": "alias-never-made",
    "subscription": "subscription-never-opened",
}

OwnEvents = list[RecordedEvent]


def suspect_tables(
    log: OwnEvents, streams_by_id: Mapping[str, OwnEvents], state_by_id: Mapping[str, State]
) -> dict[str, list[State]]:
    """Return the rows of the three tables."""
    state_lines = [_line(id_, state, streams_by_id[id_]) for id_, state in state_by_id.items()]
    state_lines += [
        line
        for id_, state in state_by_id.items()
        for line in _parts(id_, state, streams_by_id[id_])
    ]
    return {
        "suspect_lines": state_lines,
        "suspect_shops": _shops(log),
        "suspects": [
            *_alone(state_lines),
            *_orders_without_payment(state_lines),
            *_gaps(state_lines),
        ],
    }


# -- lines -----------------------------------------------------------------------------------------


def _line(id_: str, state: State, own_events: OwnEvents) -> State:
    kind = state["kind"]
    is_payment = kind == "transaction"
    facts = {name: state[name] if is_payment else None for name in FACTS}
    line = _common(id_, state, own_events, state["first_seen_at"])
    line |= {"kind": kind, "uuid": state["uuid"] if is_payment else None} | facts
    line |= {"instalment_number": None, "is_doubtful": state["is_doubtful"]}
    line |= {
        "is_continued": state["is_continued"],
        "has_beginning": int(any(map(_begins, own_events))),
    }
    return line | (_dates(state, own_events) if is_payment else dict.fromkeys(OWN_DATES))


def _common(id_: str, state: State, own_events: OwnEvents, first_seen_at: str) -> State:
    is_plan = state["kind"] == "subscription"
    first = own_events[0].event
    return {
        "id": id_,
        "stream_id": id_,
        "shop_id": first.shop_id,
        "mode": first.mode,
        "reference": first.subscription_id if is_plan else first.reference,
        "alias": (first.alias or None) if is_plan else None,
        "first_seen_at": first_seen_at,
        "news_due_at": _after(first_seen_at, timedelta(minutes=75)),
    }


def _begins(recorded: RecordedEvent) -> bool:
    kind, _, happened = recorded.event.TOPIC.partition(".")
    is_first_life = recorded.event.rule not in ("back-office", "acquirer-status")
    return happened in BEGINNINGS[kind] or (kind == "transaction" and is_first_life)


def _dates(state: State, own_events: OwnEvents) -> State:
    certain = [each.event for each in own_events if not each.event.doubtful]
    changes = [
        event.timestamp
        for event in certain or [each.event for each in own_events]
        if "status" in (event.facts if event.moved is None else event.moved)
    ]
    day = date.fromisoformat(state["capture_at"][:10]) if state["capture_at"] else None
    return {
        "status_due_at": write_instant(changes[-1] + timedelta(days=10)) if changes else None,
        "validation_due_at": day and f"{day + timedelta(days=1)}T00:00:00.000000Z",
        "authorisation_due_at": day and f"{day + timedelta(days=3)}T00:00:00.000000Z",
    }


def _parts(id_: str, state: State, own_events: OwnEvents) -> Iterable[State]:
    """Yield a line for each number of an instalment."""
    first_by_number: dict[int, str] = {}
    for event in (each.event for each in own_events):
        number = event.facts.get("number")
        if ".instalment-" in event.TOPIC and number is not None and not event.doubtful:
            first_by_number.setdefault(number, write_instant(event.timestamp))
    for number, first_seen_at in first_by_number.items():
        nothing = dict.fromkeys((*FACTS, "uuid", *OWN_DATES))
        flags = {"is_doubtful": 0, "is_continued": 0, "has_beginning": 0}
        yield (
            _common(id_, state, own_events, first_seen_at)
            | {"id": f"{id_}-{number}", "kind": "instalment", "instalment_number": number}
            | nothing
            | flags
        )


def _shops(log: OwnEvents) -> list[State]:
    firsts: dict[tuple[str, str], datetime] = {}
    for event in (each.event for each in log if not each.event.doubtful):
        shop = event.shop_id, event.mode
        firsts[shop] = min(firsts.get(shop, event.timestamp), event.timestamp)
    return [
        {"shop_id": shop_id, "mode": mode, "first_month_until": write_instant(first + _MONTH)}
        for (shop_id, mode), first in firsts.items()
    ]


_MONTH = timedelta(days=30)


def _after(instant: str, wait: timedelta) -> str:
    return write_instant(datetime.fromisoformat(instant) + wait)


# -- suspects --------------------------------------------------------------------------------------


def _suspect(line: State, rule: str, key: str, certainty: str, **more: Any) -> State:
    names = ("shop_id", "mode", "kind", "alias", "parent_uuid", "status", "first_seen_at")
    own = {name: line[name] for name in names} | {"reference": line["uuid"] or line["reference"]}
    suspect = {"id": line["id"], "rule": rule, "group_key": key, "certainty": certainty}
    return suspect | own | {"missing_count": None} | more


def _raising(state_lines: list[State]) -> list[State]:
    return [line for line in state_lines if not line["is_doubtful"] and not line["is_continued"]]


def _alone(state_lines: list[State]) -> Iterable[State]:
    known_parents = {(line["shop_id"], line["mode"], line["uuid"]) for line in state_lines}
    for line in _raising(state_lines):
        key, status, parent = line["stream_id"], line["status"] or "", line["parent_uuid"]
        if status.startswith("WAITING_AUTHORISATION") and (due := line["authorisation_due_at"]):
            yield _suspect(line, "authorisation-overdue", key, "certain", due_at=due)
        if status in STUCK:
            due = line["status_due_at"]
            yield _suspect(line, "status-overdue", key, "certain", due_at=due)
        if status == "AUTHORISED_TO_VALIDATE" and (due := line["validation_due_at"]):
            yield _suspect(line, "validation-overdue", key, "likely", due_at=due)
        due = line["news_due_at"]
        if not line["has_beginning"] and line["kind"] in HINTS:
            yield _suspect(line, HINTS[line["kind"]], key, "hint", due_at=due)
        if parent and (line["shop_id"], line["mode"], parent) not in known_parents:
            yield _suspect(line, "parent-never-told", parent, "certain", due_at=due)


def _grouped(state_lines: list[State], *names: str) -> Iterable[list[State]]:
    groups: dict[tuple[Any, ...], list[State]] = defaultdict(list)
    for line in state_lines:
        if all(line[name] is not None for name in names):
            groups[tuple(line[name] for name in names)].append(line)
    return groups.values()


def _of_order(members: list[State], rule: str, certainty: str, **more: Any) -> State:
    order_id = members[0]["order_id"]
    nothing = dict.fromkeys(("alias", "parent_uuid", "status"))
    own = {"id": min(line["id"] for line in members), "kind": "order", "reference": order_id}
    own["first_seen_at"] = min(line["first_seen_at"] for line in members)
    return _suspect(members[0], rule, order_id, certainty) | nothing | own | more


def _orders_without_payment(state_lines: list[State]) -> Iterable[State]:
    for members in _grouped(state_lines, "shop_id", "mode", "order_id"):
        present = [line for line in members if not line["is_continued"]]
        is_paid = any(
            line["operation_type"] == "DEBIT"
            and (line["is_doubtful"] or line["status"] not in NOT_PAID)
            for line in present
        )
        refunds = [
            line
            for line in _raising(members)
            if line["operation_type"] == "CREDIT" and not line["parent_uuid"]
        ]
        if refunds and not is_paid:
            due = min(line["news_due_at"] for line in refunds)
            yield _of_order(refunds, "refund-without-payment", "certain", due_at=due)


def _gaps(state_lines: list[State]) -> Iterable[State]:
    present = [line for line in state_lines if not line["is_continued"]]
    numbered = [line for line in present if line["sequence_number"]]
    for members in _grouped(numbered, "shop_id", "mode", "order_id", "trans_id"):
        numbers = {line["sequence_number"] for line in members}
        sure = [line["sequence_number"] for line in members if not line["is_doubtful"]]
        missing_count = max(sure, default=0) - len(numbers)
        if missing_count > 0:
            certainty = "certain" if _is_told_of_each(members, max(sure)) else "likely"
            due = max(line["news_due_at"] for line in members)
            gap = {"due_at": due, "missing_count": missing_count}
            yield _of_order(members, "sequence-gap", certainty, **gap)
    for members in _grouped(present, "stream_id", "instalment_number"):
        assert len(members) == 1
    for members in _grouped([line for line in present if line["instalment_number"]], "stream_id"):
        yield from _gap_of_plan(members)


def _is_told_of_each(members: list[State], highest: int) -> bool:
    """Whether a refused attempt was told, and nothing else, before the highest number."""
    before = [line for line in members if line["sequence_number"] < highest]
    numbers = {line["sequence_number"] for line in members}
    is_refused = all(line["status"] in REFUSED for line in before)
    return bool(before) and is_refused and highest - min(numbers) + 1 > len(numbers)


def _gap_of_plan(members: list[State]) -> Iterable[State]:
    numbers = [line["instalment_number"] for line in members]
    missing_count = max(numbers) - min(numbers) + 1 - len(numbers)
    if missing_count:
        first = min(members, key=lambda line: line["id"])
        own = {"kind": "subscription", "missing_count": missing_count}
        own["first_seen_at"] = min(line["first_seen_at"] for line in members)
        own["due_at"] = max(line["news_due_at"] for line in members)
        yield _suspect(first, "instalment-gap", first["stream_id"], "likely") | own
