"""The language of pure tests: given these events, when this snapshot comes, then these follow.

Nothing here touches a database, a format or a clock. Values are valid by default; a test names
what it is about.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Self

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.alias import Alias
from ledger.aggregates.occasion import Occasion
from ledger.aggregates.subscription import Subscription
from ledger.aggregates.transaction import Transaction
from ledger.instants import write_second
from ledger.ipn.notification_rules import HINTED, INFERRED, RULE_BY_SOURCE, TOLD
from ledger.ipn.snapshots import (
    AliasSnapshot,
    Fact,
    Snapshot,
    SubscriptionSnapshot,
    TransactionSnapshot,
)

SHOP_ID, MODE = "12345678", "TEST"
UUID, OTHER_UUID = "a1" * 16, "b2" * 16
ALIAS = "f7" * 16
PLAN = "20260310XYZ"

_MORNING = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_arrivals = count()


def minute(number: float) -> datetime:
    """Return an instant of the platform: so many minutes after a fixed morning."""
    return _MORNING + timedelta(minutes=number)


# -- occasions ------------------------------------------------------------------------------------


def in_form(source: str = "PAY", **changes: Any) -> Occasion:
    """Return the occasion of a form, which arrives after all others and has no time of its own."""
    return _occasion(source, TOLD, told_at=None, **changes)


def in_rest(at: float | None, source: str | None = "PAY", **changes: Any) -> Occasion:
    """Return the occasion of a REST answer that the platform made at this minute."""
    return _occasion(source, HINTED, told_at=None if at is None else minute(at), **changes)


def _occasion(source: str | None, certainty: str, **changes: Any) -> Occasion:
    number = next(_arrivals)
    rule = RULE_BY_SOURCE.get(source or "")
    defaults: dict[str, Any] = {
        "notification_id": f"{number:026d}",
        "shop_id": SHOP_ID,
        "mode": MODE,
        "received_at": _NOON + timedelta(seconds=number),
        "recorded_at": _NOON + timedelta(seconds=number),
        "source": source,
        "rule": rule,
        "rule_certainty": certainty if rule else INFERRED,
    }
    return Occasion(**(defaults | changes))


# -- snapshots ------------------------------------------------------------------------------------


def a_payment(
    status: str | None = "AUTHORISED", uuid: str | None = UUID, **facts: Fact | None
) -> TransactionSnapshot:
    """Return a payment of 29.90 EUR; a fact of None is left out."""
    payment: dict[str, Fact | None] = {
        "operation_type": "DEBIT",
        "status": status,
        "amount_minor": 2990,
        "currency": "EUR",
        "order_id": "CMD-1",
        "contract": "1234567",
        "authorisation_number": "3fe04e",
    }
    return TransactionSnapshot(uuid, uuid or "20260310-000001-DEBIT", _reported(payment | facts))


def a_request(
    request: str | None, at: float, brand: str | None = "CB", **changes: Any
) -> AliasSnapshot:
    """Return a request to register or change the alias, made by a transaction of this minute."""
    facts: dict[str, Fact | None] = {
        "request": request,
        "payment_method": brand,
        "transaction_uuid": f"{int(at):032x}",
        "made_at": write_second(minute(at)),
    }
    is_accepted = request not in ("NOT_CREATED", "NOT_UPDATED")
    attributes = {"was_asked": True, "is_accepted": is_accepted} | changes
    return AliasSnapshot(ALIAS, _reported(facts), **attributes)


def a_use(at: float, *, is_accepted: bool = True) -> AliasSnapshot:
    """Return the mere use of the alias in a payment."""
    return a_request(None, at, was_asked=False, is_accepted=is_accepted)


def a_plan(request: str | None = "CREATED", alias: str = ALIAS, **facts: Fact) -> Any:
    """Return a subscription of 19.90 EUR a month that was opened or refused."""
    plan: dict[str, Fact | None] = {
        "request": request,
        "order_id": "ABO-1",
        "effect_on": "2026-04-10",
        "amount_minor": 1990,
        "currency": "EUR",
    }
    return SubscriptionSnapshot(PLAN, alias, _reported(plan | facts))


def _reported(facts: Mapping[str, Fact | None]) -> dict[str, Fact]:
    return {name: fact for name, fact in facts.items() if fact is not None}


# -- events ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Happening:
    """An event that has happened or is expected; `attributes` are those that a test names."""

    event_class: type[LedgerAggregate.Event]
    facts: Mapping[str, Fact]
    attributes: Mapping[str, Any]

    def event(self, version: int) -> LedgerAggregate.Event:
        """Return the event itself, on an occasion like any other."""
        occasion = in_form()
        names = _names_of(self.event_class, self.facts, self.attributes)
        attributes: dict[str, Any] = {
            "timestamp": occasion.recorded_at,
            "notification_id": occasion.notification_id,
            "received_at": occasion.received_at,
            "shop_id": SHOP_ID,
            "mode": MODE,
            "rule": "end-of-payment",
            "rule_certainty": TOLD,
            **names,
            **self.attributes,
        }
        stream_id = self.event_class.aggregate_class.id_of(SHOP_ID, MODE, *_identity(names))
        return self.event_class(stream_id, version, facts=dict(self.facts), **attributes)

    def differences(self, event: LedgerAggregate.Event) -> dict[str, tuple[Any, Any]]:
        """Return what an event has otherwise than expected. Shape: expected, then actual."""
        expected = {
            "TOPIC": self.event_class.TOPIC,
            "facts": self.facts,
            "moved": None,
            "late": False,
            "contradiction": False,
            **self.attributes,
        }
        pairs = {name: (value, getattr(event, name)) for name, value in expected.items()}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def happened(
    event_class: type[LedgerAggregate.Event], what: Snapshot | Mapping[str, Fact], **attributes: Any
) -> Happening:
    """Name an event with the facts of a snapshot; all of them moved unless `moved` says which."""
    return Happening(event_class, what if isinstance(what, Mapping) else what.facts, attributes)


def _names_of(
    event_class: type[LedgerAggregate.Event],
    facts: Mapping[str, Fact],
    attributes: Mapping[str, Any],
) -> dict[str, Any]:
    aggregate_class = event_class.aggregate_class
    if aggregate_class is Transaction:
        uuid = attributes.get("uuid", UUID)
        return {"uuid": uuid, "reference": attributes.get("reference", uuid)}
    if aggregate_class is Alias:
        return {"reference": ALIAS}
    return {"reference": PLAN, "subscription_id": PLAN, "alias": attributes.get("alias", ALIAS)}


def _identity(names: Mapping[str, Any]) -> tuple[str, ...]:
    alias = [names["alias"]] if "alias" in names else []
    return (names["reference"], *alias)


# -- scenarios ------------------------------------------------------------------------------------


class Given:
    """One aggregate with the events that happened to it, and what is observed afterwards."""

    def __init__(self, *happenings: Happening) -> None:
        self.aggregate: Any = None
        for version, happening in enumerate(happenings, start=1):
            self.aggregate = happening.event(version).mutate(self.aggregate)
        self.new_events: list[Any] = []

    def when(self, snapshot: Snapshot, occasion: Occasion | None = None, **more: Any) -> Self:
        """Observe a snapshot, in a form unless another occasion is given."""
        if self.aggregate is None:
            self.aggregate = _unknown(snapshot)
        has_changed = self.aggregate.observe(snapshot, occasion or in_form(), **more)
        self.new_events = list(self.aggregate.collect_events())
        assert has_changed == bool(self.new_events)
        return self

    def when_instalment(
        self, instalment: Mapping[str, Fact], occasion: Occasion | None = None
    ) -> Self:
        """Let a subscription follow the transaction of an instalment."""
        if self.aggregate is None:
            self.aggregate = _unknown(a_plan())
        occasion = occasion or in_form("REC")
        self.aggregate.follow_instalment(PLAN, ALIAS, instalment, occasion)
        self.new_events = list(self.aggregate.collect_events())
        return self

    def then(self, *happenings: Happening) -> Self:
        """Expect exactly these events of the last observation."""
        assert_happened(self.new_events, *happenings)
        return self

    def leaves(self, **facts: Fact | None) -> Self:
        """Expect these facts as the state; None for what is not known."""
        assert {name: self.aggregate.facts.get(name) for name in facts} == facts
        return self


def given(*happenings: Happening) -> Given:
    """Begin a scenario with events that have happened already."""
    return Given(*happenings)


def assert_happened(events: list[Any], *happenings: Happening) -> None:
    """Compare events with expectations, in order."""
    assert [event.TOPIC for event in events] == [each.event_class.TOPIC for each in happenings]
    for event, happening in zip(events, happenings, strict=True):
        assert happening.differences(event) == {}


def _unknown(snapshot: Snapshot) -> LedgerAggregate:
    match snapshot:
        case TransactionSnapshot():
            stream_id = Transaction.id_of(SHOP_ID, MODE, snapshot.reference)
            return Transaction.initial(stream_id)
        case AliasSnapshot():
            return Alias.initial(Alias.id_of(SHOP_ID, MODE, snapshot.alias))
        case SubscriptionSnapshot():
            names = (snapshot.subscription_id, snapshot.alias)
            return Subscription.initial(Subscription.id_of(SHOP_ID, MODE, *names))
