"""Whoever has a copy of the database, and not the master keys, learns nothing about a person."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus
from uuid import NAMESPACE_URL, uuid5

import pytest
from sqlalchemy import inspect, select, text

from ledger.application import Ledger
from ledger.privacy.persons import PersonIndex
from ledger.proof.sequencer import Sequencer
from ledger.queries.filter_declarations import NotificationFilter
from ledger.queries.notifications import all_notifications
from ledger.queries.readable import readable_events
from ledger.storage.database import Database
from ledger.storage.inbox import InboxRecord
from ledger.storage.tables import bodies
from tests.builders import a_form_call, a_ledger, an_answer, receive, rest_body
from tests.queries.filling import follow

PERSON = {
    "email": "élodie.durand@example.org",
    "name": "Élodie Durand-Quesnel",
    "address": "17 bis, rue de l'Œillet",
    "phone": "+33 6 39 98 04 17",
}
FREE_TEXT = "to be left with Mrs Quesnel at number 19"


def fill(ledger: Ledger) -> None:
    """Receive a person's payment in both formats, news of it, a repeat, and a refused call."""
    form = {f"cust_{name}": value for name, value in PERSON.items()}
    receive(ledger, a_form_call(order_info=FREE_TEXT, **form))
    receive(ledger, a_form_call(order_info=FREE_TEXT, **form))
    receive(ledger, a_form_call("CAPTURED", order_info=FREE_TEXT, **form))
    customer = an_answer()["customer"] | {"email": PERSON["email"], "reference": PERSON["name"]}
    receive(ledger, rest_body(an_answer(whole={"customer": customer}, uuid="c" * 32)))
    forged = a_form_call(order_info=FREE_TEXT, **form).replace(b"signature=", b"signature=0")
    receive(ledger, forged)
    Sequencer(ledger.database, ledger.sealing).catch_up()
    PersonIndex(ledger).catch_up()
    follow(ledger)


def cells(database: Database) -> Iterator[bytes]:
    """Every value of every row of every table, as bytes."""
    with database.connect() as connection:
        for table in inspect(connection).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')):
                for cell in row:
                    yield cell if isinstance(cell, bytes) else str(cell).encode()


def spellings(words: str) -> set[bytes]:
    """A text as it may stand in a file, but not in the middle of base64."""
    json_text = json.dumps(words)[1:-1]
    plain = {words, quote(words), quote_plus(words), quote(words, safe=""), json_text}
    return {each.encode() for each in plain} | {base64.b64encode(words.encode()).rstrip(b"=")[:-1]}


def holds(contents: bytes, words: str) -> bool:
    return any(spelling in contents for spelling in spellings(words))


@pytest.fixture
def ledger(database: Database) -> Ledger:
    ledger = a_ledger(database)
    fill(ledger)
    return ledger


def test_no_row_holds_what_is_about_a_person(ledger: Ledger) -> None:
    everything = b"\0".join(cells(ledger.database))

    assert [value for value in (*PERSON.values(), FREE_TEXT) if holds(everything, value)] == []


def test_the_same_search_finds_all_of_it_where_it_is_opened(ledger: Ledger) -> None:
    events = readable_events(ledger, ledger.events.events_after(0, 100))
    opened = json.dumps([[each.event.details, each.event.personal] for each in events]).encode()

    assert [value for value in (*PERSON.values(), FREE_TEXT) if not holds(opened, value)] == []


def test_no_file_of_an_sqlite_database_holds_it_either(tmp_path: Path, sqlite_url: str) -> None:
    database = Database(sqlite_url)
    fill(a_ledger(database))
    database.dispose()

    folder = Path(sqlite_url.removeprefix("sqlite:///")).parent
    everything = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())

    assert [value for value in (*PERSON.values(), FREE_TEXT) if holds(everything, value)] == []


def test_an_address_is_not_confirmed_by_guessing(ledger: Ledger) -> None:
    """The right guess, in every form in which contents used to be named."""
    contents = set(cells(ledger.database))
    with ledger.database.connect() as connection:
        (body, *_) = ledger.sealing.with_bodies(connection, _inbox(ledger))
    guesses = [PERSON["email"].encode(), body.body or b""]

    for guess in guesses:
        digest = hashlib.sha256(guess).hexdigest()
        keyed = hmac.digest(b"", guess, "sha256")
        named = uuid5(NAMESPACE_URL, guess.decode())
        for form in (digest, keyed.hex(), named.hex, str(named)):
            assert form.encode() not in contents
        assert hashlib.sha256(guess).digest() not in contents


def _inbox(ledger: Ledger) -> list[InboxRecord]:
    return list(all_notifications(ledger, NotificationFilter()))


def test_a_repeat_is_sealed_as_well(ledger: Ledger) -> None:
    with ledger.database.connect() as connection:
        frames = connection.execute(select(bodies.c.body, bodies.c.personal)).all()

    assert len(frames) == 4
    assert all(frame.body for frame in frames)
    assert len({bytes(frame.body) for frame in frames}) == 4
