"""Whatever way something takes that is about an erased payment, no secret of it is stored."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.ipn import form_v2
from ledger.projections.engine.leadership import prepare_views
from ledger.proof.signer import LogSigner
from ledger.recording.receipt import Receipt
from ledger.storage.database import Database
from ledger.storage.outcomes import Outcome
from ledger.storage.plain_writer import PlainWriter
from tests.builders import UUID, a_delivery, a_form_call, opened_events, receive
from tests.conftest import opened
from tests.privacy.erasing import (
    EMAIL,
    OTHER_UUID,
    a_paid_ledger,
    chosen,
    erase,
    found,
    secrets_left,
)
from tests.proof.logged import ids_in_order, sign
from tests.storage.two_roles import SERVICE, two_roles


def an_undecided(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Receipt:
    def broken(*_: object) -> None:
        raise ValueError("a value of the body")

    with monkeypatch.context() as patch:
        patch.setattr(form_v2, "translate", broken)
        return receive(ledger, a_form_call("CAPTURED", "BO", cust_email=EMAIL))


def test_what_could_not_be_decided_is_destroyed_as_soon_as_it_is(
    paid: Ledger, signer: LogSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase(paid, signer)
    receipt = an_undecided(paid, monkeypatch)
    assert receipt.outcome == Outcome.UNDECIDED
    assert receipt.id in secrets_left(paid)
    sign(paid, signer)

    decided = paid.readmit(receipt.id)

    assert decided.outcome == Outcome.RECORDED
    assert secrets_left(paid) == {ids_in_order(paid.database)[1]}
    sign(paid, signer)
    assert found(paid)[0] == []


def test_what_could_not_be_decided_yet_is_erased_as_well(
    paid: Ledger, signer: LogSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = an_undecided(paid, monkeypatch)

    selection = chosen(paid, UUID)

    assert receipt.id in selection.origin_ids
    assert len(selection.stream_ids) == 1
    erase(paid, signer)
    assert found(paid)[0] == []


def test_several_at_once_are_told_apart(paid: Ledger, signer: LogSigner) -> None:
    erase(paid, signer)
    other = {"trans_uuid": OTHER_UUID, "trans_id": "900002"}
    calls = [a_form_call("CAPTURED", "BO"), a_form_call("CAPTURED", "BO", **other)]

    receipts = paid.receive_many([a_delivery(body) for body in calls])

    assert [receipt.outcome for receipt in receipts] == ["recorded", "recorded"]
    assert receipts[0].id not in secrets_left(paid)
    assert receipts[1].id in secrets_left(paid)


def test_those_who_insert_meanwhile_leave_no_secret(paid: Ledger, signer: LogSigner) -> None:
    """Some look for tombstones before, some after; none keeps what it has brought."""
    second = ids_in_order(paid.database)[1]
    calls = [a_form_call("CAPTURED", "BO", cust_email=f"{n}@example.org") for n in range(24)]
    with ThreadPoolExecutor(5) as pool:
        received = [pool.submit(receive, paid, body) for body in calls]
        pool.submit(erase, paid, signer).result()
        receipts = [each.result() for each in received]

    assert {receipt.outcome for receipt in receipts} <= {"recorded", "repeated"}
    assert secrets_left(paid) == {second}
    sign(paid, signer)
    assert found(paid)[0] == []


def test_one_statement_after_another_stores_the_same(database: Database, signer: LogSigner) -> None:
    ledger = a_paid_ledger(database, signer, strategy=PlainWriter(database))
    erase(ledger, signer)

    receipt = receive(ledger, a_form_call("CAPTURED", "BO", cust_email=EMAIL))

    assert receipt.id not in secrets_left(ledger)
    assert EMAIL not in str([each.event.personal for each in opened_events(ledger)])


def test_the_service_may_erase_by_its_own_rights(tmp_path: Path, signer: LogSigner) -> None:
    with two_roles(tmp_path) as roles, opened(roles.url(SERVICE)) as database:
        prepare_views(database)
        ledger = a_paid_ledger(database, signer)

        erase(ledger, signer)

        assert len(secrets_left(ledger)) == 1
        assert found(ledger)[0] == []
