"""An event as a plain sentence, and a whole history as text for a person."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.instants import write_public_instant
from ledger.ipn.lookalikes import printable
from ledger.ipn.modes import Mode
from ledger.ipn.money import decimal_text
from ledger.ipn.snapshots import Fact
from ledger.queries.history import Change, TimelineEntry
from ledger.queries.state import State


def describe(state: State, entries: Sequence[TimelineEntry]) -> str:
    """Return the whole history as text for a person."""
    return "\n".join([_heading(state), *map(_entry_text, entries)])


def _heading(state: State) -> str:
    name = state.get("uuid") or state.get("reference") or state.get("subscription_id")
    name = name or state.get("alias")
    words = [f"{state['kind']} {name}", f"shop {state['shop_id']}", Mode(state["mode"])]
    doubt = ["DOUBTFUL"] if state["doubtful"] else []
    facts = [*doubt, str(state.get("status") or "status unknown")]
    if state.get("amount_minor") is not None:
        facts.append(_amount(state["amount_minor"], str(state.get("currency") or "")))
    if state.get("order_id"):
        facts.append(f"order {state['order_id']}")
    return "\n".join(printable(" · ".join(line)) for line in (words, facts))


def _entry_text(entry: TimelineEntry) -> str:
    event = entry.event
    happened = "time unknown" if event.occurred_at is None else clock(event.occurred_at)
    known = f"known {clock(event.timestamp)}" + _delay(entry.known_after_seconds)
    lines = [
        "",
        f"{happened:<23}  {' · '.join([entry.sentence, *_remarks(event)])}",
        f"    {known} · {entry.rule_meaning} ({event.rule_certainty})"
        f" · notification {event.notification_id} · #{entry.position}",
    ]
    lines += [] if entry.recorded.erasure is None else [f"    [{entry.recorded.erasure.words}]"]
    currency = str(event.facts.get("currency") or "")
    lines += [f"    {_change(change, currency)}" for change in entry.telling_changes]
    lines += [
        f"    {_change(change, currency)} (reported, not applied)" for change in entry.set_aside
    ]
    return "\n".join(lines)


def _remarks(event: LedgerAggregate.Event) -> Iterator[str]:
    if event.doubtful:
        yield f"DOUBTFUL: {printable(', '.join(event.doubtful))}"
    if event.late:
        yield "old news"
    if event.contradiction:
        yield "contradicts what was known"
    if event.odd:
        yield f"odd: {printable(', '.join(event.odd))}"
    if event.suspected:
        yield printable(", ".join(event.suspected))


def _change(change: Change, currency: str) -> str:
    name = change.name.replace("_minor", "").replace("_", " ")
    after = _fact_text(change.name, change.after, currency)
    if change.before is None:
        return f"{name:<24} {after}"
    return f"{name:<24} {_fact_text(change.name, change.before, currency)} → {after}"


def _fact_text(name: str, fact: Fact | None, currency: str) -> str:
    if name.endswith("_minor") and isinstance(fact, int):
        return _amount(fact, currency)
    return "–" if fact is None else printable(str(fact))


def _amount(amount_minor: int, currency: str) -> str:
    return f"{decimal_text(amount_minor, currency)} {printable(currency)}".strip()


def clock(instant: datetime) -> str:
    """Write an instant for a person. Shape: `2026-03-10 09:15:47 UTC`."""
    return write_public_instant(instant)[:19].replace("T", " ") + " UTC"


def _delay(seconds: float | None) -> str:
    if seconds is None or seconds < 60:
        return ""
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f" ({seconds // size:.0f} {unit} later)"
    return " (1 minute later)"
