"""Every origin has one entry, in the order of commits, whoever writes it and however often."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.application import Ledger
from ledger.proof import sequencer as sequencing
from ledger.proof.log import Log, LogEntry
from ledger.proof.sequencer import Sequencer
from ledger.proof.signer import LogSigner
from ledger.recording.confirmation import Voucher
from ledger.storage.database import Database
from tests.builders import a_form_call, a_ledger, receive
from tests.proof.logged import entries, faults, ids_in_order, receive_one, sign


def test_there_is_one_entry_for_each_delivery_behind_the_first(logged: Ledger) -> None:
    written = entries(logged)

    assert [entry.index for entry in written] == list(range(len(written)))
    assert [entry.kind for entry in written[:2]] == ["start", "delivery"]
    assert [entry.origin_id for entry in written[1:]] == ids_in_order(logged.database)
    assert faults(logged) == []


def test_an_entry_is_sorted_json_that_names_nobody(logged: Ledger) -> None:
    for entry in entries(logged):
        fields = json.loads(entry.entry)
        again = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

        assert again.encode() == entry.entry
        assert b"jo@example.org" not in entry.entry
        assert fields["v"] == 1


def test_a_repeat_names_what_it_repeats_and_claims_no_event(logged: Ledger) -> None:
    (repeat,) = [
        fields
        for entry in entries(logged)
        if (fields := json.loads(entry.entry)).get("outcome") == "repeated"
    ]

    assert repeat["repeats"] == [1]
    assert "events" not in repeat
    assert len(repeat["body"]) == 64


def test_the_same_call_has_the_same_entry_on_every_database(logged: Ledger) -> None:
    """But for what is random in it, or goes on from one test to the next."""
    entry = json.loads(entries(logged)[1].entry)
    (event,) = entry["events"]

    for fields, name in ((entry, "id"), (entry, "body"), (entry, "received_at"), (event, "apart")):
        assert fields.pop(name)
    assert len(event.pop("state")) == 64  # it names the notification

    assert entry == FIRST


FIRST = {
    "events": [
        {
            "details": "3b570c40a747db8ca5419028c530a46bdd9b52670d98fe447e8c3768da00d715",
            "position": 1,
            "stream": "4e3c9fa2978d5c5f80c647272652dddf",
            "topic": "transaction.payment-accepted",
            "version": 1,
        }
    ],
    "format": "form-v2",
    "key": "fa9bb7226039130d",
    "kind": "delivery",
    "mode": "TEST",
    "outcome": "recorded",
    "recorded_at": "2026-11-23T12:00:00.000000Z",
    "shop_id": "12345678",
    "source": "PAY",
    "v": 1,
}


def test_a_batch_that_is_not_written_is_written_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = a_ledger(database)
    for number in range(4):
        receive_one(ledger, number)
    sequencer = Sequencer(database, ledger.sealing)
    whole = Log.append

    def cut_off(self: Log, new: Sequence[LogEntry]) -> int:
        whole(self, new)
        if len(new) > 1:
            raise KeyboardInterrupt
        return 0

    monkeypatch.setattr(sequencing, "BATCH", 2)
    monkeypatch.setattr(Log, "append", cut_off)
    with pytest.raises(KeyboardInterrupt):
        sequencer.catch_up()
    monkeypatch.undo()
    assert entries(ledger) == []

    assert sequencer.catch_up() == 4
    assert [each.origin_id for each in entries(ledger)[1:]] == ids_in_order(database)
    assert sequencer.catch_up() == 0


def test_two_that_write_at_once_write_everything_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencing, "BATCH", 3)
    ledger = a_ledger(database)
    for number in range(20):
        receive_one(ledger, number)
    sequencers = [Sequencer(database, ledger.sealing) for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda each: [each.catch_up() for _ in range(12)], sequencers))

    assert [each.origin_id for each in entries(ledger)[1:]] == ids_in_order(database)
    assert faults(ledger) == []


def test_what_an_operator_did_has_an_entry(database: Database, signer: LogSigner) -> None:
    ledger = a_ledger(database, log_key_file=signer.file)
    receive(ledger, a_form_call(never_documented="x"), is_from_named_range=False)
    uuid = ledger.events.events_after(0, 1)[0].event.reference
    shop_id = ledger.events.events_after(0, 1)[0].event.shop_id
    ledger.confirmation.confirm(shop_id, "TEST", uuid, Voucher("ada", "asked the bank", 1))

    sign(ledger, signer)

    act = json.loads(entries(ledger)[-1].entry)
    assert (act["kind"], act["act"], len(act["events"])) == ("act", "confirmation", 1)
    assert "ada" not in json.dumps(act)
    assert faults(ledger) == []
