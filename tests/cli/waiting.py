"""A notification that waits in quarantine for a key."""

from ledger.application import Ledger
from ledger.recording.receipt import Receipt
from tests.builders import a_shop, receive, shops


def a_waiting(ledger: Ledger, body: bytes) -> Receipt:
    keyring, ledger.shops = ledger.shops, shops(a_shop(kinds=()))
    receipt = receive(ledger, body)
    ledger.shops = keyring
    assert receipt.outcome == "quarantined"
    return receipt
