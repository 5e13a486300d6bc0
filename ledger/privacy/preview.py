"""Shows what an erasure would destroy, what speaks against it, and who has read it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ledger.application import Ledger
from ledger.ipn.money import decimal_text
from ledger.privacy.holds import Hold, held_origins
from ledger.privacy.readers import ReaderOfData, readers_of
from ledger.privacy.retention import EVIDENCE, cutoff
from ledger.privacy.selection import Selection, deliveries_among, transactions_of
from ledger.queries.state import State, current_state
from ledger.storage.answers import evidence_records


@dataclass(frozen=True, slots=True)
class Payment:
    """One transaction that is to be erased as a whole."""

    uuid: str
    status: str
    amount: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What an erasure would do.

    Shape: `young` are deliveries that the evidence of a payment may still need (a chargeback);
    `shared` are those that are about transactions of which something stays.
    """

    delivery_ids: tuple[str, ...]
    payments: tuple[Payment, ...]
    holds: tuple[Hold, ...]
    young: tuple[str, ...]
    shared: tuple[str, ...]
    readers: tuple[ReaderOfData, ...]

    def lines(self) -> Iterable[str]:
        """Yield it in words, for a person."""
        yield f"{len(self.delivery_ids)} deliveries would be erased: their bodies, and what they"
        yield "say beside facts and harmless details; facts, totals and the log stay"
        for payment in self.payments:
            yield f"payment {payment.uuid} {payment.status} {payment.amount}"
        for hold in self.holds:
            yield f"HELD: transaction {hold.reference} by {hold.id} ({hold.reason})"
        if self.young:
            yield f"young: {len(self.young)} deliveries, which a dispute may need (art. 17(3)(e))"
        for id_ in self.shared:
            yield f"also about something else: delivery {id_}; leave it out by --except {id_}"
        for reader in self.readers:
            doubt = "" if reader.is_certain else ", perhaps"
            yield f"read before by {reader.name} ({reader.role}), {reader.count} times{doubt}"


def preview(ledger: Ledger, selection: Selection, now: datetime) -> Preview:
    """Return what an erasure of this would do."""
    hold_by_origin = held_origins(ledger, now)
    held = {hold_by_origin[id_] for id_ in selection.origin_ids if id_ in hold_by_origin}
    young_from = cutoff(ledger.settings.retention, EVIDENCE, now)
    with ledger.database.connect() as connection:
        deliveries = sorted(deliveries_among(connection, selection.origin_ids))
        records = evidence_records(connection, deliveries)
        young = [id_ for id_ in deliveries if records[id_].received_at >= young_from]
        shared = [id_ for id_ in deliveries if _is_shared(connection, id_, selection)]
        readers = readers_of(connection, selection.origin_ids)
    return Preview(
        tuple(deliveries),
        tuple(_payments(ledger, selection)),
        tuple(sorted(held, key=lambda hold: hold.id)),
        tuple(young),
        tuple(shared),
        tuple(readers),
    )


def _is_shared(connection: Connection, delivery_id: str, selection: Selection) -> bool:
    return bool(transactions_of(connection, [delivery_id]) - selection.stream_ids)


def _payments(ledger: Ledger, selection: Selection) -> Iterable[Payment]:
    histories = ledger.events.load(sorted(selection.stream_ids)).values()
    for state in (current_state(events) for events in histories if events):
        yield Payment(str(state.get("uuid") or state["reference"]), *_standing(state))


def _standing(state: State) -> tuple[str, str]:
    amount, currency = state.get("amount_minor"), str(state.get("currency") or "")
    shown = "" if amount is None else f"{decimal_text(amount, currency)} {currency}"
    return str(state.get("status") or "status unknown"), shown
