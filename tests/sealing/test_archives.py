"""Bodies of old months leave the database, sealed, and everything is still there."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from backports import zstd
from sqlalchemy import select, text
from ulid import ULID

from ledger.errors import ArchiveError
from ledger.privacy.selection import Selection
from ledger.proof.signer import LogSigner
from ledger.queries.evidence import evidence
from ledger.queries.readable import find_delivery, readable_events
from ledger.sealing.archiving import CHECKED, DONE, WRITTEN, archive_months
from ledger.storage.append_only_triggers import missing_guards
from ledger.storage.archives import all_archives
from ledger.storage.database import Database
from ledger.storage.outcomes import Outcome, Sealed
from ledger.storage.sealed_rows import add_months
from ledger.storage.tables import origin_secrets
from tests.builders import NOON, a_delivery, a_form_call
from tests.conftest import opened
from tests.privacy.erasing import an_eraser
from tests.sealing.archiving import (
    FEBRUARY,
    JANUARY,
    NOVEMBER,
    a_ledger_of_months,
    archive_all,
    body_of,
    file_of,
    flip_byte,
    opened_bodies,
    receive_at,
    stored_bodies,
)


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
