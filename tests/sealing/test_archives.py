"""Bodies of old months leave the database, sealed, and everything is still there."""

import base64
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from backports import zstd
from sqlalchemy import select, text
from ulid import ULID

from ledger.application import Ledger
from ledger.errors import ArchiveError, MissingExtraError, SettingsError
from ledger.privacy.selection import Selection
from ledger.proof.signer import LogSigner
from ledger.queries.evidence import evidence
from ledger.queries.readable import find_delivery, readable_events
from ledger.sealing.archiving import CHECKED, DONE, WRITTEN, archive_months
from ledger.storage.append_only_triggers import missing_guards
from ledger.storage.archives import all_archives
from ledger.storage.database import Database
from ledger.storage.inbox import Inbox
from ledger.storage.outcomes import Outcome, Sealed
from ledger.storage.sealed_rows import add_months
from ledger.storage.tables import origin_secrets
from tests.builders import NOON, a_delivery, a_form_call, a_ledger
from tests.conftest import opened
from tests.privacy.erasing import an_eraser
from tests.sealing.archiving import NOVEMBER, archive_all, file_of, flip_byte, stored_bodies

JANUARY, FEBRUARY = datetime(2026, 1, 20, 12, tzinfo=UTC), datetime(2026, 2, 20, 12, tzinfo=UTC)


def body_of(number: int) -> bytes:
    return a_form_call(trans_uuid=f"{number:032x}", cust_email=f"jo{number}@example.org")


def receive_at(ledger: Ledger, arrived_at: datetime, number: int, body: bytes) -> str:
    """Receive a call as if it had come then; return its id."""
    id_ = str(ULID.from_timestamp(arrived_at.timestamp() + number))
    return ledger.receive(a_delivery(body, id=id_, received_at=arrived_at)).id


def a_ledger_of_months(
    database: Database, counts: dict[datetime, int], **settings: object
) -> tuple[Ledger, dict[str, bytes]]:
    """A ledger whose calls came in these months. Shape: with their bodies, by id."""
    ledger, bodies = a_ledger(database, **settings), {}
    number = 0
    for month, count in counts.items():
        add_months(database, month)
        deliveries = []
        for _ in range(count):
            number += 1
            id_ = str(ULID.from_timestamp(month.timestamp() + number))
            bodies[id_] = body_of(number)
            deliveries.append(a_delivery(bodies[id_], id=id_, received_at=month))
        ledger.receive_many(deliveries)
    return ledger, bodies


def opened_bodies(ledger: Ledger, ids: Iterable[str]) -> dict[str, bytes | None]:
    with ledger.database.connect() as connection:
        records = Inbox(connection).get_verified(list(ids)).values()
        opened = ledger.sealing.with_bodies(connection, records)
    return {record.id: record.body for record in opened}


def test_what_left_is_read_byte_for_byte(database: Database, tmp_path: Path) -> None:
    ledger, bodies = a_ledger_of_months(database, {JANUARY: 3, FEBRUARY: 2, NOON: 1})

    made = archive_all(database, tmp_path / "old")

    assert [(each.month, each.row_count) for each in made] == [("2026-01", 3), ("2026-02", 2)]
    assert stored_bodies(database) == 1
    assert opened_bodies(ledger, bodies) == bodies
    positions = [recorded.position for recorded in ledger.events.events_after(0, 10)]
    proofs = [evidence(ledger, position) for position in positions]
    assert [proof.is_sound for proof in proofs] == [True] * 6
    events = readable_events(ledger, ledger.events.events_after(0, 10))
    assert {each.sealed for each in events} == {Sealed.OPENED}
    with database.connect() as connection:
        assert all_archives(connection) == made
        assert missing_guards(connection) == []


def test_a_month_of_many_frames_is_read_by_the_one_it_needs(
    database: Database, tmp_path: Path
) -> None:
    ledger, bodies = a_ledger_of_months(database, {JANUARY: 500})

    (archive,) = archive_all(database, tmp_path)

    assert opened_bodies(ledger, bodies) == bodies
    flip_byte(file_of(archive), archive.file_bytes // 2)
    unread = 0
    for id_, body in bodies.items():
        try:
            record = find_delivery(ledger, id_)
        except ArchiveError:
            unread += 1
        else:
            assert record is not None
            unread += record.body != body
    assert 0 < unread < 250


def test_what_comes_again_is_still_known(database: Database, tmp_path: Path) -> None:
    ledger, bodies = a_ledger_of_months(database, {JANUARY: 2})
    archive_all(database, tmp_path)

    again = [ledger.receive(a_delivery(body)) for body in bodies.values()]

    assert {receipt.outcome for receipt in again} == {Outcome.REPEATED}


def test_what_is_told_later_of_an_archived_payment_is_decided(
    database: Database, tmp_path: Path
) -> None:
    ledger, _ = a_ledger_of_months(database, {JANUARY: 1})
    archive_all(database, tmp_path)

    later = a_form_call("CAPTURED", trans_uuid=f"{1:032x}", cust_email="jo1@example.org")

    assert ledger.receive(a_delivery(later)).outcome == Outcome.RECORDED


@pytest.mark.parametrize("step", [WRITTEN, CHECKED, DONE])
def test_killed_at_any_step_it_goes_on(database: Database, tmp_path: Path, step: str) -> None:
    ledger, bodies = a_ledger_of_months(database, {JANUARY: 3, FEBRUARY: 2})
    for reached in archive_months(database, NOVEMBER, tmp_path.as_uri(), NOON):
        if reached.name == step:
            break  # as a killed command would

    assert opened_bodies(ledger, bodies) == bodies
    archive_all(database, tmp_path)

    assert opened_bodies(ledger, bodies) == bodies
    assert stored_bodies(database) == 0
    with database.connect() as connection:
        archives = all_archives(connection)
    assert [each.month for each in archives] == ["2026-01", "2026-02"]
    assert sorted(tmp_path.iterdir()) == sorted(map(file_of, archives))


def test_half_a_file_is_written_anew(database: Database, tmp_path: Path) -> None:
    ledger, bodies = a_ledger_of_months(database, {JANUARY: 3})
    steps = archive_months(database, NOVEMBER, tmp_path.as_uri(), NOON)
    file = file_of(next(steps).archive)
    file.write_bytes(file.read_bytes()[:100])

    with pytest.raises(ArchiveError, match="does not hold what was written"):
        list(steps)

    assert stored_bodies(database) == 3
    archive_all(database, tmp_path)
    assert opened_bodies(ledger, bodies) == bodies


def test_what_comes_while_a_month_is_read_is_not_lost(database: Database, tmp_path: Path) -> None:
    """As a readmission does, of what waited in quarantine since that month."""
    ledger, bodies = a_ledger_of_months(database, {JANUARY: 3})
    steps = archive_months(database, NOVEMBER, tmp_path.as_uri(), NOON)
    next(steps)
    late = body_of(99)
    bodies[receive_at(ledger, JANUARY, 99, late)] = late

    (done,) = [step.archive for step in steps if step.name == DONE]

    assert done.row_count == 4
    assert opened_bodies(ledger, bodies) == bodies


def test_what_comes_after_its_month_has_left_makes_a_second_file(
    database: Database, tmp_path: Path
) -> None:
    ledger, bodies = a_ledger_of_months(database, {JANUARY: 3})
    archive_all(database, tmp_path)
    late = body_of(99)
    bodies[receive_at(ledger, JANUARY, 99, late)] = late
    assert opened_bodies(ledger, bodies) == bodies

    (second,) = archive_all(database, tmp_path)

    assert (second.month, second.row_count) == ("2026-01", 1)
    assert opened_bodies(ledger, bodies) == bodies
    assert archive_all(database, tmp_path) == []


def test_erasing_what_left_rewrites_nothing(
    database: Database, tmp_path: Path, signer: LogSigner
) -> None:
    ledger, bodies = a_ledger_of_months(database, {JANUARY: 2}, log_key_file=signer.file)
    (archive,) = archive_all(database, tmp_path / "old")
    content = file_of(archive).read_bytes()
    erased, kept = bodies
    (stream_id,) = {
        recorded.event.originator_id
        for recorded in ledger.events.events_after(0, 10)
        if recorded.event.notification_id == erased
    }

    selection = Selection(frozenset({erased}), frozenset({stream_id}))
    an_eraser(ledger, signer).erase(selection, reason="art17", by_whom="ada lovelace")

    assert file_of(archive).read_bytes() == content
    record = find_delivery(ledger, erased)
    assert record is not None
    assert (record.body, record.sealed) == (None, Sealed.ERASED)
    assert opened_bodies(ledger, [kept]) == {kept: bodies[kept]}


def test_no_secret_and_nothing_readable_is_in_a_file(database: Database, tmp_path: Path) -> None:
    _, bodies = a_ledger_of_months(database, {JANUARY: 3})
    with database.connect() as connection:
        secrets = connection.execute(
            select(origin_secrets.c.body_secret, origin_secrets.c.personal_secret)
        ).all()

    (archive,) = archive_all(database, tmp_path)

    header, *lines = zstd.decompress(file_of(archive).read_bytes()).splitlines()
    assert json.loads(header).keys() == {"ipn-ledger-bodies", "month", "dictionaries"}
    assert [json.loads(line)[0] for line in lines] == [*bodies]
    whole = b"".join(
        base64.b64decode(content) for line in lines for content in json.loads(line)[1:] if content
    )
    for secret in (secret for row in secrets for secret in row if secret is not None):
        assert bytes(secret) not in whole
    for readable in (b"example.org", b"vads_", *bodies.values()):
        assert readable not in whole


def test_on_postgresql_the_bytes_are_given_back(postgres_url: str, tmp_path: Path) -> None:
    with opened(postgres_url) as database:
        add_months(database, JANUARY)
        beginning = str(ULID.from_datetime(JANUARY))[:10]
        content = text(
            "INSERT INTO bodies SELECT :beginning || lpad(n::text, 16, '0'), d, d FROM"
            " (SELECT n, decode(repeat(md5(n::text), 25), 'hex') AS d"
            " FROM generate_series(1, 5000) n) AS made"
        )
        with database.begin() as connection:
            connection.execute(content, {"beginning": beginning})
        size = text("SELECT pg_database_size(current_database())")
        of_part = text("SELECT pg_total_relation_size('bodies_2026_01')")
        with database.connect() as connection:
            before, part = int(connection.scalar(size) or 0), int(connection.scalar(of_part) or 0)

        archive_all(database, tmp_path)

        with database.connect() as connection:
            after = int(connection.scalar(size) or 0)
            assert connection.scalar(text("SELECT to_regclass('bodies_2026_01')")) is None
    assert before - after >= 0.9 * part


def test_calls_are_stored_while_it_waits_for_a_reader(postgres_url: str, tmp_path: Path) -> None:
    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with opened(postgres_url) as database, ThreadPoolExecutor(1) as pool:
        ledger, bodies = a_ledger_of_months(database, {JANUARY: 3, NOON: 1})
        with database.connect() as reader:
            reader.execute(text("SELECT * FROM bodies")).all()
            archiving = pool.submit(archive_all, database, tmp_path)
            with database.single() as looking:
                while not looking.scalar(waits):
                    continue

            receipt = ledger.receive(a_delivery(body_of(99)))

            assert receipt.outcome == Outcome.RECORDED
            assert not archiving.done()
        (archive,) = archiving.result()

        assert archive.row_count == 3
        assert opened_bodies(ledger, bodies) == bodies


def test_a_month_that_is_not_over_stays(database: Database, tmp_path: Path) -> None:
    a_ledger_of_months(database, {NOON: 1})

    with pytest.raises(SettingsError, match="has not begun"):
        archive_all(database, tmp_path, date(2026, 12, 1))

    assert archive_all(database, tmp_path) == []


@pytest.mark.parametrize(
    ("address", "error", "words"),
    [
        ("s3://key:secret@bucket/ledger", SettingsError, "no password"),
        ("s3://bucket/ledger?token=secret", SettingsError, "no password"),
        ("/srv/ledger", SettingsError, "give an address"),
        ("nowhere://bucket", SettingsError, "nothing is known"),
        ("gs://bucket/ledger", MissingExtraError, "gcsfs"),
    ],
)
def test_a_place_that_cannot_be_used_is_refused(
    sqlite_url: str, address: str, error: type[Exception], words: str
) -> None:
    with opened(sqlite_url) as database, pytest.raises(error, match=words) as refused:
        list(archive_months(database, NOVEMBER, address, NOON))

    assert "secret" not in str(refused.value)


def moved(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))


def emptied(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("harm", [moved, emptied])
def test_a_file_that_is_away_is_named(
    database: Database, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    ledger, (id_, *_) = a_ledger_of_months(database, {JANUARY: 2})
    (archive,) = archive_all(database, tmp_path)
    harm(file_of(archive))

    with pytest.raises(ArchiveError, match=archive.address):
        find_delivery(ledger, id_)


def test_without_its_archive_a_call_waits_until_it_is_back(
    database: Database, tmp_path: Path
) -> None:
    """What is told of an old payment cannot be compared with what it said before."""
    ledger, _ = a_ledger_of_months(database, {JANUARY: 1})
    (archive,) = archive_all(database, tmp_path)
    file = file_of(archive)
    hidden = file.rename(tmp_path / "hidden")
    body = a_form_call(trans_uuid=f"{1:032x}", cust_email="kim@example.org")
    receipt = ledger.receive(a_delivery(body))
    assert (receipt.outcome, receipt.reason) == (Outcome.UNDECIDED, "archive-unreadable")
    assert ledger.readmit(receipt.id).reason == "archive-unreadable"

    hidden.rename(file)

    assert ledger.readmit(receipt.id).outcome == Outcome.RECORDED
