"""After an erasure nothing of it can be read, and everything else is as it was."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.errors import NotFoundError, NotSignedError
from ledger.privacy import erasure as erasing
from ledger.privacy.persons import PersonIndex
from ledger.proof.runner import LogRunner
from ledger.proof.signer import LogSigner
from ledger.queries.readable import find_delivery, readable_events
from ledger.storage.outcomes import Sealed
from tests.audit.tampering import damage, follow
from tests.builders import NOON, UUID, a_form_call, opened_events, receive
from tests.privacy.erasing import (
    EMAIL,
    OTHER_EMAIL,
    OTHER_UUID,
    an_eraser,
    chosen,
    erase,
    found,
    phases,
    secrets_left,
    tagged,
)
from tests.projections.helpers import all_rows, rebuilt
from tests.proof.logged import entries, ids_in_order, sign


def personal_texts(ledger: Ledger) -> str:
    return str([each.event.personal for each in opened_events(ledger)])


def test_what_was_erased_is_gone_and_all_else_is_there(paid: Ledger, signer: LogSigner) -> None:
    rows, events = all_rows(paid), paid.events.events_after(0, 99)
    first, second, repeat, capture = ids_in_order(paid.database)

    done = erase(paid, signer)

    assert done.selection.origin_ids == {first, repeat, capture}
    assert secrets_left(paid) == {second}
    assert EMAIL not in personal_texts(paid)
    assert OTHER_EMAIL in personal_texts(paid)
    assert all_rows(paid) == rows
    assert paid.events.events_after(0, 99) == events
    states = {each.sealed for each in readable_events(paid, events)}
    assert states == {Sealed.ERASED, Sealed.OPENED}


def test_an_audit_remarks_what_was_erased(paid: Ledger, signer: LogSigner) -> None:
    erase(paid, signer)

    reasons, remarks = found(paid)

    assert reasons == []
    assert remarks["deliveries whose body was erased"] == 3
    assert remarks["entries of which something sealed was erased"] == 3


@pytest.mark.parametrize("name", ["transactions", "suspects"])
def test_read_models_are_rebuilt_with_the_same_rows(
    paid: Ledger, signer: LogSigner, name: str
) -> None:
    erase(paid, signer)

    assert rebuilt(paid, name).is_identical


def test_a_secret_that_is_gone_without_an_erasure_is_a_fault(
    paid: Ledger, signer: LogSigner
) -> None:
    erase(paid, signer)

    damage(paid.database, "DELETE FROM origin_secrets")

    assert set(found(paid)[0]) == {"secret-missing"}


def test_a_secret_that_is_noted_as_erased_by_hand_is_a_fault(
    paid: Ledger, signer: LogSigner
) -> None:
    done = erase(paid, signer)
    second = ids_in_order(paid.database)[1]

    damage(
        paid.database,
        "DELETE FROM origin_secrets",
        *(
            f"INSERT INTO erased_origins VALUES ('{second}', '{what}', '{done.id}')"
            for what in ("body", "personal")
        ),
    )

    assert found(paid)[0] == ["erasure-unfounded"]


def test_the_log_says_what_was_meant_and_what_was_done(paid: Ledger, signer: LogSigner) -> None:
    done = erase(paid, signer)

    *_, intent, end = (json.loads(each.entry) for each in entries(paid))
    assert (intent["kind"], intent["phase"], end["phase"]) == ("erasure", "intent", "done")
    assert intent["verified"] == {
        "signature-verified": 3,
        "digest-same": 3,
        "entry-same": 3,
    }
    assert (intent["count"], intent["reason"]) == (3, "art17")
    assert len(intent["origins"]) == 64
    assert "ada lovelace" not in str(intent)
    assert done.masters == ("synthetic",)
    last = signer.last()
    assert last is not None
    assert last.size == len(entries(paid))


def test_a_changed_list_of_what_was_erased_is_found(paid: Ledger, signer: LogSigner) -> None:
    erase(paid, signer)

    damage(paid.database, "UPDATE erasures SET origins = '[]' WHERE phase = 'done'")

    assert found(paid)[0] == ["entry-differs", "entry-differs"]


def test_what_arrives_about_an_erased_transaction_is_never_readable(
    paid: Ledger, signer: LogSigner
) -> None:
    first = find_delivery(paid, ids_in_order(paid.database)[0])
    assert first is not None
    assert first.body is not None
    erase(paid, signer)
    left = secrets_left(paid)

    refund = receive(paid, a_form_call("CAPTURED", "BO", cust_email=EMAIL))
    again = receive(paid, first.body)

    assert (refund.outcome, again.outcome) == ("recorded", "repeated")
    assert secrets_left(paid) == left
    for receipt in (refund, again):
        delivery = find_delivery(paid, receipt.id)
        assert delivery is not None
        assert (delivery.sealed, delivery.body) == (Sealed.ERASED, None)
    sign(paid, signer)
    assert found(paid)[0] == []


def test_a_new_purchase_of_the_same_person_is_readable(paid: Ledger, signer: LogSigner) -> None:
    erase(paid, signer)

    receive(paid, a_form_call(trans_uuid="c3" * 16, trans_id="900003", cust_email=EMAIL))

    assert EMAIL in personal_texts(paid)


def test_what_is_excepted_stays(paid: Ledger, signer: LogSigner) -> None:
    first, second, _, capture = ids_in_order(paid.database)

    selection = chosen(paid, UUID, excepted=[capture])
    an_eraser(paid, signer).erase(selection, reason="art17", by_whom="ada lovelace")

    assert selection.stream_ids == frozenset()
    assert secrets_left(paid) == {second, capture}
    assert first in selection.origin_ids


def test_orders_and_deliveries_name_the_same(paid: Ledger) -> None:
    by_uuid = chosen(paid, UUID)
    first, second, _, capture = ids_in_order(paid.database)

    assert chosen(paid, orders=["second"]) == chosen(paid, OTHER_UUID)
    assert chosen(paid, delivery_ids=[first, capture]) == by_uuid
    assert chosen(paid, delivery_ids=[second]).origin_ids == {second}
    with pytest.raises(NotFoundError):
        chosen(paid, "d4" * 16)
    with pytest.raises(NotFoundError):
        chosen(paid, orders=["third"])


def test_an_alias_means_itself_and_all_its_transactions(paid: Ledger) -> None:
    stored = {"trans_uuid": "e5" * 16, "trans_id": "900005", "identifier": "kim-1"}
    registered = receive(paid, a_form_call(**stored, identifier_status="CREATED"))
    used = {"trans_uuid": "f6" * 16, "trans_id": "900006", "identifier": "kim-1"}
    again = receive(paid, a_form_call(**used))
    follow(paid)

    selection = chosen(paid, aliases=["kim-1"])

    assert selection.origin_ids == {registered.id, again.id}
    assert len(selection.stream_ids) == 2


def test_nothing_is_destroyed_before_it_is_signed(paid: Ledger, signer: LogSigner) -> None:
    left = secrets_left(paid)

    with pytest.raises(NotSignedError, match="no signed checkpoint covers it yet"):
        an_eraser(paid, None, wait_seconds=0).erase(
            chosen(paid, UUID), reason="art17", by_whom="ada lovelace"
        )

    assert secrets_left(paid) == left
    (done,) = an_eraser(paid, signer).finish()
    assert phases(paid) == ["intent", "done"]
    assert secrets_left(paid) == left - done.selection.origin_ids


def test_a_running_service_signs_where_the_key_is_not(paid: Ledger, signer: LogSigner) -> None:
    runner = LogRunner(paid, signer, checkpoint_seconds=0.05, clock=lambda: NOON)
    runner.start()

    try:
        done = erase(paid, None)
    finally:
        runner.stop()

    assert phases(paid) == ["intent", "done"]
    assert not secrets_left(paid) & done.selection.origin_ids


def cut_off(*_: Any, **__: Any) -> Any:
    raise KeyboardInterrupt


def after(step: Callable[..., Any]) -> Callable[..., Any]:
    def run(*arguments: Any, **options: Any) -> Any:
        step(*arguments, **options)
        raise KeyboardInterrupt

    return run


STEPS = ("verify_before", "add_intent", "cover", "destroy", "sweep", "add_done")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("is_after", [False, True])
def test_cut_off_anywhere_and_run_again_it_ends_the_same(
    paid: Ledger, signer: LogSigner, monkeypatch: pytest.MonkeyPatch, step: str, is_after: bool
) -> None:
    whole = getattr(erasing, step)
    selection = chosen(paid, UUID)
    with monkeypatch.context() as patch:
        patch.setattr(erasing, step, after(whole) if is_after else cut_off)
        with pytest.raises(KeyboardInterrupt):
            an_eraser(paid, signer).erase(selection, reason="art17", by_whom="ada lovelace")

    done = an_eraser(paid, signer).erase(selection, reason="art17", by_whom="ada lovelace")

    assert phases(paid) == ["intent", "done"]
    assert not secrets_left(paid) & done.selection.origin_ids
    assert found(paid)[0] == []


def test_what_an_ingest_in_flight_inserts_is_swept(
    paid: Ledger, signer: LogSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has looked for tombstones before they were there."""
    whole = erasing.destroy

    def arrive_then_destroy(*arguments: Any) -> None:
        receive(paid, a_form_call("CAPTURED", "BO", cust_email=EMAIL))
        whole(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(erasing, "destroy", arrive_then_destroy)
        done = erase(paid, signer)

    assert len(done.selection.origin_ids) == 4
    assert EMAIL not in personal_texts(paid)
    assert found(paid)[0] == []


def test_two_erasures_do_not_mix(paid: Ledger, signer: LogSigner) -> None:
    erase(paid, signer)
    erase(paid, signer, OTHER_UUID)

    with pytest.raises(NotFoundError, match="nothing of this is left"):
        erase(paid, signer)

    assert secrets_left(paid) == set()
    assert found(paid)[0] == []


def test_an_index_of_persons_forgets_in_the_same_transaction(
    paid: Ledger, signer: LogSigner
) -> None:
    PersonIndex(paid).catch_up()
    before = tagged(paid)

    done = erase(paid, signer)

    assert before - tagged(paid) == done.selection.origin_ids
