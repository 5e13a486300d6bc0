"""A history in plain language: what happened, when, when we knew, and what it changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.aggregates.observed import Observed
from ledger.formats.snapshot import Fact
from ledger.items import Item, instant, public_state
from ledger.money import decimal_text
from ledger.queries.event_data import event_data, late_seconds
from ledger.rules import RULES
from ledger.storage.event_store import RecordedEvent
from ledger.vocabulary import SENTENCES


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that an event changed. Shape: None before means that it was not known."""

    name: str
    before: Fact | None
    after: Fact | None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One event of a history, with what it changed.

    Units: `late_seconds` is from when the platform says it happened to when we recorded it.
    """

    position: int
    event: Observed.Event
    sentence: str
    changes: tuple[Change, ...]
    late_seconds: float | None

    @property
    def rule_meaning(self) -> str:
        return RULES[self.event.rule].meaning

    @property
    def telling_changes(self) -> list[Change]:
        """What a person wants to know of what it changed: without names that only repeat."""
        return [one for one in self.changes if _is_telling(one, self.event)]

    @property
    def set_aside(self) -> list[Change]:
        """What it told that did not become the state, because it was old or contradicting."""
        event = self.event
        if event.moved is None or not (event.late or event.contradiction):
            return []
        return [
            Change(name, None, told)
            for name, told in event.facts.items()
            if name in _PLAIN_FACTS and name not in event.moved
        ]


_PLAIN_FACTS = ("status", "amount_minor", "capture_at", "request", "payment_method")


def _is_telling(change: Change, event: Observed.Event) -> bool:
    if change.name == "reference" and getattr(event, "uuid", None):
        return False
    return not (change.name.endswith("transaction_uuid") and change.before is None)


def timeline(events: Sequence[RecordedEvent]) -> list[TimelineEntry]:
    """Tell a stream's events one by one, each with the difference it made."""
    entries = []
    aggregate: Observed | None = None
    before: dict[str, Fact] = {}
    for one in events:
        aggregate = one.event.mutate(aggregate)
        assert aggregate is not None
        after = _flat(public_state(aggregate))
        entries.append(
            TimelineEntry(
                position=one.position,
                event=one.event,
                sentence=SENTENCES[type(one.event)],
                changes=_changes(before, after),
                late_seconds=late_seconds(one.event),
            )
        )
        before = after
    return entries


def history_data(entry: TimelineEntry) -> dict[str, Any]:
    """One event for a machine, with what it changed. Shape: design section 4."""
    changes = [
        {"name": one.name, "before": one.before, "after": one.after} for one in entry.changes
    ]
    return event_data(RecordedEvent(entry.position, entry.event)) | {"changes": changes}


def _flat(state: Item) -> dict[str, Fact]:
    flat: dict[str, Fact] = {}
    for name, value in state.items():
        if isinstance(value, list):
            for one in value:
                uuid = str(one["transaction_uuid"])  # a number can be tried more than once
                prefix = f"instalment {one.get('number') or ''} {uuid[:8]}".replace("  ", " ")
                flat |= {f"{prefix} {key}": told for key, told in _flat(one).items()}
        elif value is not None:
            flat[name] = value
    return flat


def _changes(before: Mapping[str, Fact], after: Mapping[str, Fact]) -> tuple[Change, ...]:
    return tuple(
        Change(name, before.get(name), value)
        for name, value in after.items()
        if before.get(name) != value
    )


def describe(item_: Item, entries: Sequence[TimelineEntry]) -> str:
    """The whole history as text for a person."""
    return "\n".join([_heading(item_), *(_told(entry) for entry in entries)])


def _heading(item_: Item) -> str:
    name = item_.get("uuid") or item_.get("reference") or item_.get("subscription_id")
    name = name or item_.get("alias")
    words = [f"{item_['kind']} {name}", f"shop {item_['shop_id']}", item_["mode"].upper()]
    facts = [str(item_.get("status") or "status not told")]
    if item_.get("amount_minor") is not None:
        facts.append(_amount(item_["amount_minor"], str(item_.get("currency") or "")))
    if item_.get("order_id"):
        facts.append(f"order {item_['order_id']}")
    return "\n".join(printable(" · ".join(line)) for line in (words, facts))


def _told(entry: TimelineEntry) -> str:
    event = entry.event
    happened = "time not told" if event.occurred_at is None else clock(event.occurred_at)
    remarks = [
        word
        for word, is_so in (
            ("old news", event.late),
            ("contradicts what was known", event.contradiction),
            (f"odd: {printable(', '.join(event.odd or []))}", bool(event.odd)),
        )
        if is_so
    ]
    known = f"known {clock(event.timestamp)}" + _delay(entry.late_seconds)
    lines = [
        "",
        f"{happened:<23}  {' · '.join([entry.sentence, *remarks])}",
        f"    {known} · {entry.rule_meaning} ({event.rule_certainty})"
        f" · notification {event.notification_id} · #{entry.position}",
    ]
    currency = str(event.facts.get("currency") or "")
    lines += [f"    {_change(one, currency)}" for one in entry.telling_changes]
    lines += [f"    {_change(one, currency)} (told, not taken over)" for one in entry.set_aside]
    return "\n".join(lines)


def _change(change: Change, currency: str) -> str:
    name = change.name.replace("_minor", "").replace("_", " ")
    before, after = (_value(change.name, one, currency) for one in (change.before, change.after))
    return f"{name:<24} {after}" if change.before is None else f"{name:<24} {before} → {after}"


def _value(name: str, value: Fact | None, currency: str) -> str:
    if name.endswith("amount_minor") and isinstance(value, int):
        return _amount(value, currency)
    return "–" if value is None else printable(str(value))


def _amount(amount_minor: int, currency: str) -> str:
    return f"{decimal_text(amount_minor, currency)} {printable(currency)}".strip()


def printable(text: str) -> str:
    """The text without what could steer a terminal or turn the reading direction."""
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text)


def clock(moment: datetime) -> str:
    """An instant for a person. Shape: `2026-03-10 09:15:47 UTC`."""
    return instant(moment)[:19].replace("T", " ") + " UTC"


def _delay(seconds: float | None) -> str:
    if seconds is None or seconds < 60:
        return ""
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f" ({seconds // size:.0f} {unit} later)"
    return " (1 minute later)"
