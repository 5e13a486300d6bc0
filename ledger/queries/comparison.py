"""What was known of an object, or of an order, at two instants: only what differs."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from ledger.aggregates.event_catalogue import SENTENCES
from ledger.errors import NotFoundError
from ledger.instants import write_public_instant
from ledger.ipn.snapshots import Fact
from ledger.queries.history import known_facts
from ledger.queries.orders import balances_of
from ledger.queries.state import State, current_state
from ledger.storage.event_store import RecordedEvent, known_by

CHANGES_MAX = EVENTS_MAX = 500
"""Of an order with very many transactions the first ones are named, and the others counted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that was known otherwise at the two instants.

    Shape: `of` is the transaction or the currency in an order, an attempt of an instalment, or
    None for the object itself; None before or after means that nothing was known.
    """

    of: str | None
    name: str
    before: Fact | None
    after: Fact | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class EventBetween:
    """An event that became known between the two instants."""

    position: int
    recorded_at: datetime
    sentence: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two instants, the earlier one first, in whichever order they were given; None is now.

    Shape: differences and events in their order, at most so many, and how many more there are.
    """

    earlier_at: datetime | None
    later_at: datetime | None
    differences: list[Difference]
    between: list[EventBetween]
    left_out: int


def compare(
    streams: Iterable[Sequence[RecordedEvent]],
    first_at: datetime | None,
    second_at: datetime | None,
    *,
    only: UUID | None = None,
) -> Comparison:
    """Return what differs between what was known at two instants; None is now.

    Shape: `streams` have every event of each object; `only` is the stream of the one object that
    is meant, None is an order. Errors: NotFoundError when nothing was known at either.
    """
    earlier_at, later_at = sorted((first_at, second_at), key=lambda at: at or _NOW)
    known_first: list[State] = []
    known_later: list[State] = []
    between: list[RecordedEvent] = []
    for events in streams:
        known_first += _states(events, earlier_at, only)
        known_later += _states(events, later_at, only)
        between += [each for each in events if _is_between(each, earlier_at, later_at)]
    if not known_later:
        raise NotFoundError("not found: nothing in this ledger had this name by then")
    facts = [_facts_of(states, is_order=only is None) for states in (known_first, known_later)]
    differences = _differences(*facts)
    between.sort(key=lambda recorded: recorded.position)
    left_out = max(0, len(differences) - CHANGES_MAX) + max(0, len(between) - EVENTS_MAX)
    shown = [
        EventBetween(each.position, each.event.timestamp, SENTENCES[type(each.event)])
        for each in between[:EVENTS_MAX]
    ]
    return Comparison(earlier_at, later_at, differences[:CHANGES_MAX], shown, left_out)


def comparison_data(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison for a machine; an instant that is None is now."""
    return {
        "earlier_at": _written(comparison.earlier_at),
        "later_at": _written(comparison.later_at),
        "changes": [asdict(difference) for difference in comparison.differences],
        "positions": [event.position for event in comparison.between],
        "left_out": comparison.left_out,
    }


def _written(at: datetime | None) -> str | None:
    return None if at is None else write_public_instant(at)


_NOW = datetime.max.replace(tzinfo=UTC)
_Facts = dict[tuple[str | None, str], tuple[Fact, str | None]]
"""Facts with the currency of their amounts. Shape: by what they are of, and their name."""


def _is_between(
    recorded: RecordedEvent, earlier_at: datetime | None, later_at: datetime | None
) -> bool:
    return (earlier_at or _NOW) < recorded.event.timestamp <= (later_at or _NOW)


def _states(events: Sequence[RecordedEvent], at: datetime | None, only: UUID | None) -> list[State]:
    histories = known_by(events, at)
    return [
        {name: fact for name, fact in current_state(known).items() if name not in _NOT_COMPARED}
        for id_, known in histories.items()
        if known and (len(histories) == 1 or only in (None, id_))
    ]


_NOT_COMPARED = frozenset(
    {"kind", "shop_id", "mode", "unconfirmed", "version", "first_seen_at", "last_changed_at"}
    | {"contradictions", "late_news", "details", "personal", "sealed"}
)
"""What is no fact, or counts events, which are named themselves."""


def _facts_of(known_states: Sequence[State], *, is_order: bool) -> _Facts:
    fact_by_name: _Facts = {}
    for balance in balances_of(known_states) if is_order else ():
        for name in _SUMS:
            fact_by_name[balance["currency"], name] = balance[name], balance["currency"]
    for state in known_states:
        own_name = state["reference"] if is_order else None
        for name, fact in known_facts(state).items():
            attempt, _, short = name.rpartition(" ")  # of an instalment
            fact_by_name[attempt or own_name, short] = fact, state.get("currency")
    return fact_by_name


_SUMS = ("authorised_minor", "captured_minor", "refunded_minor", "open_minor", "balance_minor")
_MAIN = frozenset({"operation_type", "status", "amount_minor", "number", *_SUMS})
"""What is said of a part of which nothing at all was known at one of the instants."""


def _differences(earlier_facts: _Facts, later_facts: _Facts) -> list[Difference]:
    unknown = None, None
    differences = []
    in_both = {of for of, _ in earlier_facts} & {of for of, _ in later_facts} | {None}
    for of, name in {**later_facts, **earlier_facts}:
        fact, currency = earlier_facts.get((of, name), unknown)
        later_fact, later_currency = later_facts.get((of, name), unknown)
        if fact != later_fact and (of in in_both or name in _MAIN):
            differences.append(Difference(of, name, fact, later_fact, later_currency or currency))
    return differences
