"""The bundle of a real ledger: all that stands behind an object, checked by sh and openssl."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.access.readers import Reader
from ledger.application import Ledger
from ledger.ipn import form_v2
from ledger.ipn.kinds import KINDS
from ledger.proof.bundle import Bundle, bundle_files
from ledger.proof.collect import NotSignedYetError, bundle_of, streams_of
from ledger.proof.signer import LogSigner
from ledger.storage.database import Database
from ledger.storage.sealed_rows import destroy_secrets
from tests.builders import NOON, SHOP_ID, UUID, a_form_call, a_ledger, receive
from tests.proof.checking import Checked, check_files, needs_openssl_and_xxd
from tests.proof.logged import sign

pytestmark = needs_openssl_and_xxd

TRANSACTION = KINDS[0]
EMAIL, NAME = "jo@example.org", "Jo Doe"
PERSONAL = {"cust_email": EMAIL, "cust_name": NAME}


@pytest.fixture
def ledger(database: Database, signer: LogSigner) -> Ledger:
    """A payment that was authorised, repeated and captured, among others."""
    ledger = a_ledger(database, log_key_file=signer.file)
    accepted = a_form_call("AUTHORISED", **PERSONAL)
    receive(
        ledger, a_form_call(trans_uuid="0" * 32, trans_id="900001", cust_email="al@example.org")
    )
    receive(ledger, accepted)
    receive(ledger, accepted)
    receive(ledger, a_form_call("CAPTURED", source="BATCH", **PERSONAL))
    sign(ledger, signer)
    return ledger


def a_reader(role: str) -> Reader:
    return Reader(id="1", name="reader", role=role, shops=None, created_at=NOON)


def bundle(ledger: Ledger, reader: Reader | None = None, name: str = UUID) -> Bundle:
    streams = streams_of(ledger, TRANSACTION, SHOP_ID, "TEST", name)
    return bundle_of(ledger, "transaction", streams, reader=reader)


def checked(of: Bundle, tmp_path: Path, *, facts_only: bool = False) -> Checked:
    return check_files(bundle_files(of, facts_only=facts_only), tmp_path, of.verifier_line)


def names(file_names: Collection[str], ending: str) -> list[str]:
    return [name for name in file_names if name.endswith(ending)]


def test_all_that_stands_behind_a_payment_is_proven(ledger: Ledger, tmp_path: Path) -> None:
    files = bundle_files(bundle(ledger), facts_only=False)

    result = check_files(files, tmp_path, bundle(ledger).verifier_line)

    assert (result.status, result.files_at_fault) == (0, set())
    assert len(names(files, ".entry")) == len(names(files, ".body")) == 3  # the repeat too
    assert len(names(files, ".state")) == 2
    assert any(EMAIL.encode() in files[name] for name in names(files, ".apart"))
    assert not any(b"al%40example.org" in content for content in files.values())


def test_facts_alone_are_proven_and_name_nobody(ledger: Ledger, tmp_path: Path) -> None:
    files = bundle_files(bundle(ledger), facts_only=True)

    result = check_files(files, tmp_path)

    assert result.status == 0
    written = b"".join(files.values())
    words = [NAME, NAME.replace(" ", "+"), EMAIL, EMAIL.replace("@", "%40")]
    assert [word for word in words if word.encode() in written] == []
    assert b"AUTHORISED" in written


def test_an_auditor_gets_no_more_than_facts(ledger: Ledger) -> None:
    collected = bundle(ledger, a_reader("auditor"))

    assert {origin.body for origin in collected.origins} == {None}
    parts = [event.apart for origin in collected.origins for event in origin.bundled_events]
    assert parts == [None, None]


def test_facts_that_name_somebody_are_left_out_for_an_auditor(
    ledger: Ledger, signer: LogSigner, tmp_path: Path
) -> None:
    uuid = "a" * 32
    receive(ledger, a_form_call(trans_uuid=uuid, trans_id="900005", order_id="jo@example.org"))
    sign(ledger, signer)

    result = checked(bundle(ledger, a_reader("auditor"), uuid), tmp_path, facts_only=True)
    whole = bundle(ledger, a_reader("auditor-personal"), uuid)

    assert result.status == 0
    assert "left out: event-4.state" in result.said
    assert [event.position for event in whole.origins[0].bundled_events] == [4]


def test_a_body_with_card_data_is_for_operators(
    ledger: Ledger, signer: LogSigner, tmp_path: Path
) -> None:
    uuid = "b" * 32
    call = a_form_call(trans_uuid=uuid, trans_id="900006", ext_info_x="4970100000000014")
    receive(ledger, call)
    sign(ledger, signer)

    of_auditor = bundle(ledger, a_reader("auditor-personal"), uuid)
    of_operator = bundle(ledger, a_reader("operator"), uuid)

    assert [origin.body for origin in of_auditor.origins] == [None]
    assert [origin.body for origin in of_operator.origins] == [call]
    assert checked(of_auditor, tmp_path).status == 0


def test_a_decision_comes_with_the_delivery_that_it_is_about(
    ledger: Ledger, signer: LogSigner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uuid = "d" * 32
    call = a_form_call(trans_uuid=uuid, trans_id="900008", **PERSONAL)
    with monkeypatch.context() as patch:
        patch.setattr(form_v2, "translate", broken)
        undecided = receive(ledger, call)
    ledger.readmit(undecided.id)
    sign(ledger, signer)

    collected = bundle(ledger, name=uuid)

    assert checked(collected, tmp_path).status == 0
    delivery, decision = collected.origins
    assert (delivery.id, delivery.body, delivery.bundled_events) == (undecided.id, call, [])
    assert (decision.body, len(decision.bundled_events)) == (None, 1)


def broken(*_: object) -> None:
    raise KeyError("typed")


def test_what_was_erased_is_left_out_and_the_rest_is_proven(ledger: Ledger, tmp_path: Path) -> None:
    before = bundle(ledger)
    with ledger.database.begin() as connection:
        destroy_secrets(connection, [origin.id for origin in before.origins])

    after = bundle(ledger)

    assert {origin.body for origin in after.origins} == {None}
    assert checked(before, tmp_path).status == checked(after, tmp_path).status == 0


def test_what_is_not_signed_yet_is_waited_for(ledger: Ledger) -> None:
    receive(ledger, a_form_call("REFUSED", source="BO", trans_uuid="c" * 32, trans_id="900007"))

    with pytest.raises(NotSignedYetError, match="not signed yet"):
        bundle(ledger, name="c" * 32)


def test_a_changed_fact_is_found(ledger: Ledger, tmp_path: Path) -> None:
    files = bundle_files(bundle(ledger), facts_only=True)
    name = names(files, ".state")[0]
    changed = files | {name: files[name].replace(b"AUTHORISED", b"CANCELLED.")}

    result = check_files(changed, tmp_path)

    assert result.status == 1
    assert result.files_at_fault == {name}


def test_one_bundle_is_always_the_same(ledger: Ledger) -> None:
    assert bundle_files(bundle(ledger), facts_only=False) == bundle_files(
        replace(bundle(ledger)), facts_only=False
    )
