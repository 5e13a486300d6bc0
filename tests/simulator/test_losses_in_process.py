"""A ledger that is fed a lossy run knows exactly what the truth calls delivered."""

from ledger.aggregates.transaction import Transaction
from ledger.application import Ledger
from ledger.queries.state import current_state
from ledger.simulator.journal_layout import JournalShop
from ledger.simulator.journals import journals
from ledger.simulator.signed_calls import synthetic_platform
from ledger.simulator.stories import STORIES
from ledger.simulator.undelivered_calls import Losses, calls_with_losses
from ledger.storage.database import Database
from tests.builders import NOON, SHOP_ID, a_ledger, receive

STATUS_IN_REST = {"ERROR": "REFUSED"}
"""What REST calls a technical error, and the form a refusal."""


def known_state(ledger: Ledger, uuid: str) -> tuple[str, int] | None:
    """Return the status and the amount of a transaction, None when no call showed it."""
    id_ = Transaction.id_of(SHOP_ID, "TEST", uuid)
    (events,) = ledger.events.load([id_]).values()
    if not events:
        return None
    state = current_state(events)
    status = str(state["status"])
    return STATUS_IN_REST.get(status, status), int(state["amount_minor"])


def test_what_a_ledger_knows_after_losses_is_what_was_delivered(database: Database) -> None:
    ledger = a_ledger(database)
    platform = synthetic_platform(ledger.shops, SHOP_ID, "TEST", at=NOON)
    losses = Losses(seed=5, lost_share=0.3, rules_off=frozenset({"back-office"}))
    calls = list(calls_with_losses(platform, list(STORIES.values()), losses, count=len(STORIES)))

    for signed_call, is_lost in calls:
        if not is_lost:
            receive(ledger, signed_call.body, received_at=signed_call.call.sent_at)

    truth = journals(JournalShop(SHOP_ID, "Boutique", "TEST"), calls).truth["transactions"]
    expected = {
        each["uuid"]: (each["delivered_status"], each["delivered_amount_minor"])
        if each["is_delivered"]
        else None
        for each in truth
    }
    assert {uuid: known_state(ledger, uuid) for uuid in expected} == expected
    assert 10 < sum(state is None for state in expected.values()) < len(expected) / 2
