"""Answers hold data of people as calls do: they are found, erased, and proven in bundles."""

from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.privacy.find import find
from ledger.privacy.identifiers import Identifiers
from ledger.proof.bundle import bundle_files
from ledger.proof.collect import bundle_of, streams_of
from ledger.proof.signer import LogSigner
from ledger.queries.readable import find_delivery
from ledger.storage.answers import Answer
from ledger.storage.database import Database
from ledger.storage.outcomes import Sealed
from tests.asking.answering import about, answered, as_element, envelope
from tests.audit.tampering import follow
from tests.builders import SHOP_ID, an_answer, minutes
from tests.privacy.erasing import EMAIL, OTHER_EMAIL, a_paid_ledger, erase, found
from tests.proof.checking import check_files, needs_openssl_and_xxd
from tests.proof.logged import sign

UUID = "d4" * 16
THIRD_EMAIL = "lou@example.org"


@pytest.fixture
def ledger(database: Database, signer: LogSigner) -> Ledger:
    return a_paid_ledger(database, signer)


@pytest.fixture
def kept(ledger: Ledger) -> Answer:
    """An answer about a third payment of a third person, and the same once more."""
    call = an_answer(uuid=UUID, whole={"customer": {"email": THIRD_EMAIL}})
    call["orderDetails"] |= {"orderId": "third"}
    first = answered(ledger, about(UUID), envelope(as_element(call), at=minutes(1)))
    answered(ledger, about(UUID), envelope(as_element(call), at=minutes(9)))
    follow(ledger)
    return first


def found_by(ledger: Ledger, email: str) -> list[str]:
    return find(ledger, Identifiers(emails=[email]), SHOP_ID, "TEST").origin_ids


def test_a_person_is_found_in_answers(ledger: Ledger, kept: Answer) -> None:
    by_third = found_by(ledger, THIRD_EMAIL)

    assert (len(by_third), kept.id in by_third) == (2, True)
    assert kept.id not in found_by(ledger, EMAIL) + found_by(ledger, OTHER_EMAIL)


def test_an_erasure_takes_the_answers_with_it(
    ledger: Ledger, kept: Answer, signer: LogSigner
) -> None:
    erase(ledger, signer, UUID)

    record = find_delivery(ledger, kept.id)
    assert record is not None
    assert (record.sealed, record.body) == (Sealed.ERASED, None)
    assert found_by(ledger, THIRD_EMAIL) == []
    assert found(ledger)[0] == []


def test_what_is_answered_about_an_erased_payment_is_not_readable(
    ledger: Ledger, kept: Answer, signer: LogSigner
) -> None:
    erase(ledger, signer, UUID)

    call = an_answer(uuid=UUID, detailedStatus="CAPTURED")
    later = answered(ledger, about(UUID), envelope(as_element(call), at=minutes(30)))

    record = find_delivery(ledger, later.id)
    assert record is not None
    assert record.body is None
    assert found(ledger)[0] == []


@needs_openssl_and_xxd
def test_a_bundle_proves_an_answer(
    ledger: Ledger, kept: Answer, signer: LogSigner, tmp_path: Path
) -> None:
    sign(ledger, signer)

    streams = streams_of(ledger, "transaction", SHOP_ID, "TEST", UUID)
    bundle = bundle_of(ledger, "transaction", streams)
    files = bundle_files(bundle, facts_only=False)

    assert kept.id in {origin.id for origin in bundle.origins}
    assert any(origin.body for origin in bundle.origins)
    checked = check_files(files, tmp_path)
    assert checked.status == 0, checked.said
