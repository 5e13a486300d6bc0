"""The index of persons: followed in order, resumed anywhere, made anew, and empty of the erased."""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import NAMESPACE_URL, uuid5

import pytest
from sqlalchemy import Connection, event, select

from ledger.application import Ledger
from ledger.privacy import persons
from ledger.privacy.identifiers import Identifiers
from ledger.privacy.persons import PersonIndex, forget
from ledger.proof.runner import LogRunner
from ledger.sealing.sealing import Sealing
from ledger.storage.database import Database
from ledger.storage.inbox import InboxRecord
from ledger.storage.person_tables import person_tags
from ledger.storage.sealed_rows import destroy_secrets
from tests.builders import MASTER_KEYS, a_form_call, a_ledger, receive
from tests.privacy.lives import MODE, World, live

BATCH = 7


class KilledError(Exception):
    """The process is gone."""


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persons, "BATCH", BATCH)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    ledger = a_ledger(database)
    for number in range(30):
        receive(ledger, a_form_call(cust_email=f"buyer{number}@example.org", cust_id="shared"))
    return ledger


def tags(ledger: Ledger) -> set[tuple[str, str, str]]:
    with ledger.database.connect() as connection:
        return {tuple(row) for row in connection.execute(select(person_tags))}


@contextmanager
def killed_before(database: Database, statement_part: str) -> Iterator[None]:
    """Let the process die before it executes such a statement."""

    def kill(_: Connection, __: object, statement: str, *___: object) -> None:
        if statement_part in statement:
            raise KilledError

    event.listen(database.engine, "before_cursor_execute", kill)
    try:
        with pytest.raises(KilledError):
            yield
    finally:
        event.remove(database.engine, "before_cursor_execute", kill)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("step", ["UPDATE person_progress", "INSERT INTO person_tags"])
def test_whoever_is_killed_goes_on_where_it_was(ledger: Ledger, step: str) -> None:
    index = PersonIndex(ledger)
    index.follow()
    index.follow()
    place, before = index.place(), tags(ledger)

    with killed_before(ledger.database, step):
        index.catch_up()
    survived = index.place(), tags(ledger)
    PersonIndex(ledger).catch_up()

    assert survived == (place, before)
    assert place == 2 * BATCH
    followed = tags(ledger)
    index.rebuild()
    assert followed == tags(ledger)
    assert len(followed) > len(before)


@pytest.mark.usefixtures("small_batches")
def test_of_two_that_work_at_once_one_writes_nothing(ledger: Ledger) -> None:
    index = PersonIndex(ledger)

    index.step("delivery", 0, 30)
    index.step("delivery", 0, 30)

    assert index.place() == BATCH


def test_what_is_made_anew_equals_what_was_followed(database: Database) -> None:
    world = live(a_ledger(database))
    index = PersonIndex(world.ledger)
    index.catch_up()
    followed = tags(world.ledger)

    index.rebuild()

    assert tags(world.ledger) == followed
    assert len(followed) > 4 * len(world.calls())


def test_the_service_follows_behind_the_log(ledger: Ledger) -> None:
    index = PersonIndex(ledger)

    LogRunner(ledger, None, followers=[index.follow]).run_once()

    assert index.place() == 30


def test_what_was_erased_drops_out_and_stays_out(ledger: Ledger) -> None:
    index = PersonIndex(ledger)
    index.catch_up()
    world = World(ledger)
    (erased,) = world.find(emails=["buyer3@example.org"]).origin_ids

    with ledger.database.begin() as connection:
        destroy_secrets(connection, [erased])
        forget(connection, [erased])
    forgotten = tags(ledger)
    index.rebuild()

    assert erased not in {origin_id for _, _, origin_id in forgotten}
    assert tags(ledger) == forgotten
    assert world.find(customers=["shared"]).count_by_identifier.popitem()[1] == 29


class ErasedMeanwhile(Sealing):
    """Opens bodies, and before anybody can use them somebody else erases the first."""

    def with_bodies(
        self, connection: Connection, inbox_records: Iterable[InboxRecord]
    ) -> list[InboxRecord]:
        records = super().with_bodies(connection, inbox_records)
        other = Database(connection.engine.url.render_as_string(hide_password=False))
        with other.begin() as writing:
            destroy_secrets(writing, [records[0].id])
            forget(writing, [records[0].id])
        other.dispose()
        return records


def test_what_is_erased_while_it_is_tagged_is_left_out(ledger: Ledger) -> None:
    """Whoever has opened a body must not tag it when its secret is gone by then."""
    ledger.sealing = ErasedMeanwhile(ledger.database, MASTER_KEYS)

    PersonIndex(ledger).catch_up()

    assert len({origin_id for _, _, origin_id in tags(ledger)}) == 29


def test_a_body_that_cannot_be_read_is_counted(database: Database) -> None:
    ledger = a_ledger(database)
    receive(ledger, a_form_call(cust_email="jo@example.org"))
    receive(ledger, a_form_call(cust_email="jo@example.org"))
    limited = a_ledger(database, fields_max=3)

    result = World(limited).find(emails=["jo@example.org"])

    assert result.origin_ids == []
    assert len(result.unreadable) == 2
    assert World(limited).find(emails=["jo@example.org"], mode="PRODUCTION").unreadable == []


def test_a_tag_cannot_be_computed_without_the_index_key(ledger: Ledger) -> None:
    """The right guess, in every form in which it could be guessed from a copy of the database."""
    address, shop, mode = "buyer3@example.org", "12345678", MODE
    PersonIndex(ledger).catch_up()
    stored = "".join(tag for tag, _, _ in tags(ledger))
    contents = [address, "\0".join(("person", "email", shop, mode, address))]

    for content in map(str.encode, contents):
        for guess in (
            hashlib.sha256(content).hexdigest(),
            hmac.digest(b"", content, "sha256").hex(),
            uuid5(NAMESPACE_URL, content.decode()).hex,
        ):
            assert guess[:32] not in stored


def test_a_tag_of_one_kind_is_none_of_another(ledger: Ledger) -> None:
    receive(ledger, a_form_call(cust_id="1234567", cust_email="x@example.org"))
    receive(ledger, a_form_call(cust_phone="1234567", cust_email="y@example.org"))
    world = World(ledger)

    by_reference, by_phone = world.find(customers=["1234567"]), world.find(phones=["1234567"])

    assert len(by_reference.origin_ids) == len(by_phone.origin_ids) == 1
    assert by_reference.origin_ids != by_phone.origin_ids


def test_identifiers_are_looked_for_once() -> None:
    identifiers = Identifiers(emails=["jo@example.org", " JO@example.org"])

    assert len(identifiers.written()) == 1
