"""What the tests of erasing are about: two payments of two people, one of which is erased."""

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from ledger.application import Ledger
from ledger.audit.run_checks import Audit
from ledger.privacy.erasure import Eraser
from ledger.privacy.records import Erasure
from ledger.privacy.selection import Names, Selection, select_by_names
from ledger.proof.signer import LogSigner
from ledger.storage.database import Database
from tests.audit.tampering import follow
from tests.builders import NOON, SHOP_ID, UUID, a_form_call, a_ledger, a_rest_call, minutes, receive

OTHER_UUID = "b2" * 16
EMAIL, OTHER_EMAIL = "jo@example.org", "kim@example.org"


def a_paid_ledger(database: Database, signer: LogSigner, **settings: Any) -> Ledger:
    """A ledger with two payments: the first has a repeat and a capture, too."""
    ledger = a_ledger(database, log_key_file=signer.file, **settings)
    first = a_form_call(cust_email=EMAIL, order_id="first")
    receive(ledger, first)
    other = {"trans_uuid": OTHER_UUID, "trans_id": "900002", "order_id": "second"}
    receive(ledger, a_form_call(cust_email=OTHER_EMAIL, **other))
    receive(ledger, first)
    receive(ledger, a_rest_call("CAPTURED", at=minutes(5)))
    follow(ledger)
    return ledger


def chosen(ledger: Ledger, *uuids: str, **named: Any) -> Selection:
    return select_by_names(ledger, SHOP_ID, "test", Names(references=uuids, **named))


def an_eraser(ledger: Ledger, signer: LogSigner | None, **options: Any) -> Eraser:
    return Eraser(ledger, signer, now=lambda: NOON + timedelta(minutes=30), **options)


def erase(ledger: Ledger, signer: LogSigner | None, *uuids: str) -> Erasure:
    selection = chosen(ledger, *(uuids or (UUID,)))
    return an_eraser(ledger, signer).erase(selection, reason="art17", by_whom="ada lovelace")


def found(ledger: Ledger) -> tuple[list[str], dict[str, int]]:
    """The reasons of all faults, and the remarks."""
    audit = Audit(ledger)
    reasons = [fault.reason for fault in audit.faults()]
    return reasons, dict(audit.remarks)


def secrets_left(ledger: Ledger) -> set[str]:
    with ledger.database.connect() as connection:
        return set(connection.scalars(text("SELECT origin_id FROM origin_secrets")))


def tagged(ledger: Ledger) -> set[str]:
    """The deliveries that the index of persons names."""
    with ledger.database.connect() as connection:
        return set(connection.scalars(text("SELECT origin_id FROM person_tags")))


def phases(ledger: Ledger) -> list[str]:
    with ledger.database.connect() as connection:
        return list(connection.scalars(text("SELECT phase FROM erasures ORDER BY place")))
