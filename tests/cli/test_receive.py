"""`ledger receive`: raw calls of an older endpoint end in the history that they would have made."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.ipn.shops_and_keys import FORM_HMAC, Key, Shop
from ledger.storage.database import Database
from ledger.storage.event_store import fold
from tests.audit.tampering import faults
from tests.builders import (
    NOON,
    SHOP_ID,
    a_delivery,
    a_form,
    a_form_call,
    a_ledger,
    example_body,
    examples,
    form_body,
    minutes,
)
from tests.cli.receiving import Command, a_line, deliveries, lines, story
from tests.cli.running import run, shops_file

CAPTURED_AT = minutes(90)
AUTHORISED_AT = minutes(0)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return a_ledger(database)


# -- the history -----------------------------------------------------------------------------------


def test_every_example_makes_the_history_that_calls_have_made(
    ledger: Ledger, http_ledger: Ledger, receive: Command, folder: Path
) -> None:
    for number, (format_, name) in enumerate(examples()):
        path = folder / f"{name}-{format_}.txt"
        path.write_bytes(example_body(format_, name))
        moment = minutes(number).timestamp()
        os.utime(path, (moment, moment))

    result = receive(folder, "--file-times")

    assert result.exit_code == 0, result.output
    assert story(ledger) == story(http_ledger)
    expected = [(row.received_at, row.outcome, row.digest) for row in deliveries(http_ledger)]
    assert sorted((row.received_at, row.outcome, row.digest) for row in deliveries(ledger)) == (
        sorted(expected)
    )
    assert all(row.is_imported for row in deliveries(ledger))


def test_what_is_recorded_leaves_the_ledger_sound(
    ledger: Ledger, receive: Command, folder: Path
) -> None:
    for format_, name in examples():
        (folder / f"{format_}-{name}").write_bytes(example_body(format_, name))
    receive(folder, "--received-at", "2026-03-10T09:00:00Z")

    assert faults(ledger) == []


def test_calls_are_recorded_in_the_order_of_their_times(
    ledger: Ledger, receive: Command, folder: Path
) -> None:
    file = folder / "calls.jsonl"
    captured = a_line(a_form_call("CAPTURED"), received_at=CAPTURED_AT.isoformat())
    authorised = a_line(a_form_call("AUTHORISED"), received_at=AUTHORISED_AT.isoformat())
    file.write_text(lines(captured, authorised))

    receive(file)

    events = [recorded.event for recorded in ledger.events.events_after(0, 10)]
    assert [event.facts["status"] for event in events] == ["AUTHORISED", "CAPTURED"]
    assert [event.received_at for event in events] == [AUTHORISED_AT, CAPTURED_AT]
    assert not any(event.late for event in events)
    assert [row.received_at for row in deliveries(ledger)] == [AUTHORISED_AT, CAPTURED_AT]


def test_calls_of_one_moment_are_recorded_in_the_order_of_their_names(
    ledger: Ledger, receive: Command, folder: Path
) -> None:
    bodies = [a_form_call(trans_uuid=f"{number:032x}") for number in range(20)]
    for number, body in enumerate(bodies):
        (folder / f"{number:02}").write_bytes(body)

    receive(folder, "--received-at", AUTHORISED_AT.isoformat())

    rows = deliveries(ledger)
    assert [row.digest for row in rows] == [a_delivery(body).digest for body in bodies]
    assert [row.positions for row in rows] == [(number + 1,) for number in range(20)]


def test_a_call_of_then_is_late_beside_what_came_since(
    ledger: Ledger, receive: Command, folder: Path
) -> None:
    ledger.receive(a_delivery(a_form_call(source="MERCH_BO", effective_amount="2000")))
    (folder / "old").write_bytes(a_form_call(effective_amount="9990"))

    receive(folder, "--received-at", (NOON - timedelta(days=400)).isoformat())

    events = ledger.events.events_after(0, 10)
    transaction = fold(events)
    assert [recorded.event.late for recorded in events] == [False, True]
    assert transaction is not None
    assert transaction.facts["amount_minor"] == 2000


# -- when it arrived, and by which key -------------------------------------------------------------


def test_both_clocks_are_kept(ledger: Ledger, receive: Command, folder: Path) -> None:
    (folder / "call").write_bytes(a_form_call())

    receive(folder, "--received-at", AUTHORISED_AT.isoformat())

    (row,) = deliveries(ledger)
    assert row.received_at == AUTHORISED_AT
    assert row.recorded_at is not None
    assert row.recorded_at > NOON - timedelta(days=1)


def test_without_a_time_a_call_arrives_now(ledger: Ledger, receive: Command, folder: Path) -> None:
    (folder / "call").write_bytes(a_form_call())

    receive(folder)

    (row,) = deliveries(ledger)
    assert row.recorded_at is not None
    assert timedelta(0) <= row.recorded_at - row.received_at < timedelta(minutes=5)


def test_a_call_is_verified_by_the_keys_of_its_time(
    database_url: str, ledger: Ledger, tmp_path: Path, folder: Path
) -> None:
    old = Key(SHOP_ID, "TEST", FORM_HMAC, "Synthetic-old-key")
    path = shops_file(tmp_path, [Shop(SHOP_ID, "Boutique", (old,))])
    path.write_text(path.read_text() + "not_after = 2026-04-01T00:00:00Z\n")
    body = form_body(a_form(), old.secret)
    early, late = a_line(body, received_at="2026-03-31"), a_line(body, received_at="2026-04-01")
    (folder / "1").write_text(lines(late))
    (folder / "2").write_text(lines(early))

    refused = run(database_url, path, "receive", str(folder / "1"))
    recorded = run(database_url, path, "receive", str(folder / "2"))

    assert (refused.exit_code, recorded.exit_code) == (1, 0)
    assert "no-key" in refused.stdout
    assert len(deliveries(ledger)) == 1


def test_nothing_has_arrived_in_the_future(ledger: Ledger, receive: Command, folder: Path) -> None:
    (folder / "call").write_bytes(a_form_call())

    result = receive(folder, "--received-at", "2999-01-01")

    assert result.exit_code == 1
    assert "received-in-the-future" in result.stdout
    assert not deliveries(ledger)


def test_a_time_comes_from_one_place(receive: Command, folder: Path) -> None:
    result = receive(folder, "--received-at", "2026-03-10", "--file-times")

    assert result.exit_code == 2
