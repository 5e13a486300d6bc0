"""What is sealed is opened by its own secret alone, and says so where it cannot be."""

import pytest
from sqlalchemy import text

from ledger.application import Ledger
from ledger.errors import SettingsError, UnavailableError, UnsealableError
from ledger.queries.readable import find_delivery, readable_events
from ledger.sealing.frames import COMPRESSION, open_frame, seal
from ledger.sealing.keys import LedgerKeys
from ledger.sealing.origin_secret import BODY, Commitments, new_secret, opened_commitment
from ledger.sealing.sealing import Sealing
from ledger.storage.database import Database
from ledger.storage.outcomes import Sealed
from tests.audit.tampering import damage
from tests.builders import a_form_call, a_ledger, receive


def test_a_frame_is_opened_by_its_secret_for_its_origin_alone() -> None:
    secret, content = new_secret(), b"vads_cust_email=jo%40example.org" * 40

    frame = seal(secret, "01A", BODY, content)

    assert open_frame(secret, "01A", BODY, frame) == content
    assert len(frame) < len(content) / 4
    for other in ((new_secret(), "01A", BODY), (secret, "01B", BODY), (secret, "01A", "personal")):
        with pytest.raises(UnsealableError):
            open_frame(*other, frame)
    with pytest.raises(UnsealableError):
        open_frame(secret, "01A", BODY, frame[:-1])


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 1000])
def test_whatever_it_holds_comes_back(content: bytes) -> None:
    assert COMPRESSION.decompressed(COMPRESSION.compressed(content)) == content


def test_a_commitment_is_opened_part_by_part() -> None:
    commitments = Commitments(new_secret())

    first = commitments.commitment("apart:0", b"a")

    assert first == opened_commitment(commitments.salt("apart:0"), "apart", b"a")
    assert first != commitments.commitment("apart:1", b"a")
    assert first != Commitments(new_secret()).commitment("apart:0", b"a")


@pytest.fixture
def ledger(database: Database) -> Ledger:
    ledger = a_ledger(database)
    receive(ledger, a_form_call(cust_email="jo@example.org"))
    return ledger


def sealed_states(ledger: Ledger) -> set[Sealed]:
    return {each.sealed for each in readable_events(ledger, ledger.events.events_after(0, 10))}


def test_an_event_says_whether_it_was_opened(ledger: Ledger) -> None:
    assert {each.sealed for each in ledger.events.events_after(0, 10)} == {Sealed.CLOSED}
    assert sealed_states(ledger) == {Sealed.OPENED}


@pytest.mark.parametrize(
    ("statement", "sealed"),
    [
        ("DELETE FROM origin_secrets", Sealed.ERASED),
        ("UPDATE bodies SET personal = body, body = personal", Sealed.DAMAGED),
    ],
)
def test_what_cannot_be_opened_is_shown_as_that(
    ledger: Ledger, statement: str, sealed: Sealed
) -> None:
    damage(ledger.database, statement)

    (event,) = readable_events(ledger, ledger.events.events_after(0, 10))
    delivery = find_delivery(ledger, event.event.notification_id)

    assert event.sealed == sealed
    assert event.event.personal is None
    assert event.event.facts["amount_minor"] == 2990
    assert delivery is not None
    assert (delivery.sealed, delivery.body) == (sealed, None)


def test_after_an_erasure_a_call_is_compared_by_what_is_left(ledger: Ledger) -> None:
    with ledger.database.begin() as connection:
        connection.execute(text("DELETE FROM origin_secrets"))

    other = receive(ledger, a_form_call(cust_email="another@example.org"))
    news = receive(ledger, a_form_call(cust_email="another@example.org", bank_product="Z"))

    assert (other.outcome, news.outcome) == ("repeated", "recorded")


def test_without_master_keys_nothing_is_stored(database: Database) -> None:
    """Not even a call that is refused."""
    ledger = a_ledger(database, master_keys_file=None)
    ledger.sealing.keys.file = None

    for body in (a_form_call(), b"junk=1"):
        with pytest.raises(UnavailableError):
            receive(ledger, body)

    with database.connect() as connection:
        for table in ("notifications", "quarantine", "bodies", "events"):
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0


def test_a_missing_file_is_named(sqlite_url: str) -> None:
    """The index key was locked by keys that are elsewhere."""
    database = Database(sqlite_url)
    keys = LedgerKeys(database, None, {})

    with pytest.raises(SettingsError, match=r"ledger\.masters\.toml is missing"):
        keys.prepare()
    assert keys.file is not None
    assert not keys.file.exists()
    database.dispose()


def test_a_file_is_made_beside_a_new_database(bare_database: Database) -> None:
    sealing = Sealing(bare_database)
    if not bare_database.is_sqlite:
        with pytest.raises(SettingsError, match="LEDGER_MASTER_KEYS_FILE is not set"):
            sealing.keys.prepare()
        return

    assert sealing.keys.prepare()
    assert not Sealing(bare_database).keys.prepare()
    assert sealing.keys.file is not None
    assert sealing.keys.file.stat().st_mode & 0o777 == 0o600
