"""What outlives its time goes, but for what is held; facts stay, and one entry says so."""

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from ulid import ULID

from ledger.application import Ledger
from ledger.errors import HeldError, NotFoundError, SettingsError
from ledger.privacy.holds import add_hold, holds_at, release_hold
from ledger.privacy.persons import PersonIndex
from ledger.privacy.retention import cutoff, expire, expire_rows
from ledger.proof.runner import LogRunner
from ledger.proof.signer import LogSigner
from ledger.queries.readable import find_delivery
from ledger.settings import read_settings
from ledger.storage.database import Database
from ledger.storage.outcomes import Sealed
from tests.builders import (
    NOON,
    SHOP_ID,
    UUID,
    a_form_call,
    a_ledger,
    opened_events,
    receive,
)
from tests.privacy.erasing import (
    EMAIL,
    OTHER_UUID,
    an_eraser,
    chosen,
    found,
    secrets_left,
    tagged,
)
from tests.proof.logged import entries, sign

YOUNG = NOON - timedelta(minutes=5)
OLD = datetime(2025, 7, 10, 12, tzinfo=NOON.tzinfo)
OLDEST = datetime(2023, 11, 1, 12, tzinfo=NOON.tzinfo)
NO_ACCESSES = {"network": 0, "access_log": 0}


@pytest.fixture
def aged(database: Database, signer: LogSigner) -> Ledger:
    """A ledger with payments of this year, of 16 months ago, and of three years ago."""
    ledger = a_ledger(database, log_key_file=signer.file)
    uuids = (UUID, OTHER_UUID, "c3" * 16)
    for number, (uuid, at) in enumerate(zip(uuids, (OLDEST, OLD, YOUNG), strict=True)):
        call = a_form_call(trans_uuid=uuid, trans_id=f"90000{number}", cust_email=EMAIL)
        receive(ledger, call, id=str(ULID.from_datetime(at)), received_at=at)
    receive(ledger, b"junk=1", id=str(ULID.from_datetime(OLD)), received_at=OLD)
    sign(ledger, signer)
    return ledger


def hold(ledger: Ledger, reference: str, until: datetime | None = None) -> str:
    return add_hold(
        ledger,
        shop_id=SHOP_ID,
        mode="test",
        reference=reference,
        until=until,
        reason="a lawsuit",
        by_whom="ada lovelace",
        now=NOON,
    ).id


def states(ledger: Ledger) -> list[Sealed]:
    return [each.sealed for each in opened_events(ledger)]


def bodies(ledger: Ledger) -> list[bool]:
    deliveries = [
        find_delivery(ledger, each.event.notification_id) for each in opened_events(ledger)
    ]
    return [each is not None and each.body is not None for each in deliveries]


def test_bodies_go_after_fifteen_months_and_the_rest_after_three_years(
    aged: Ledger, signer: LogSigner
) -> None:
    expired = expire(aged, NOON)

    assert dict(expired.counts) == {"evidence": 2, "personal": 1, "quarantine": 1} | NO_ACCESSES
    assert bodies(aged) == [False, False, True]
    assert states(aged) == [Sealed.ERASED, Sealed.OPENED, Sealed.OPENED]
    sign(aged, signer)
    last = json.loads(entries(aged)[-1].entry)
    assert (last["kind"], last["counts"]) == ("expiry", {"evidence": 2, "personal": 1})
    assert found(aged)[0] == []
    assert all(each.event.facts for each in opened_events(aged))


def test_a_second_time_nothing_is_left_to_expire(aged: Ledger, signer: LogSigner) -> None:
    expire(aged, NOON)

    again = expire(aged, NOON)

    assert not any(again.counts.values())
    assert again.id is None
    sign(aged, signer)
    assert [each.kind for each in entries(aged)].count("expiry") == 1


def test_a_dry_run_counts_and_changes_nothing(aged: Ledger) -> None:
    left = secrets_left(aged)

    expired = expire(aged, NOON, is_dry_run=True)

    assert dict(expired.counts) == {"evidence": 2, "personal": 1, "quarantine": 1} | NO_ACCESSES
    assert secrets_left(aged) == left
    assert expired.id is None


def test_what_is_held_neither_expires_nor_is_erased(aged: Ledger, signer: LogSigner) -> None:
    hold_id = hold(aged, UUID)

    expired = expire(aged, NOON)

    assert dict(expired.counts)["personal"] == 0
    assert [each.id for each in expired.held] == [hold_id]
    assert states(aged)[0] is Sealed.OPENED
    with pytest.raises(HeldError, match=f"{hold_id} of transaction {UUID}"):
        an_eraser(aged, signer).erase(chosen(aged, UUID), reason="art17", by_whom="ada lovelace")
    release_hold(aged, hold_id, by_whom="ada lovelace", now=NOON)
    assert dict(expire(aged, NOON).counts)["personal"] == 1


def test_a_hold_ends_when_it_says_so(aged: Ledger) -> None:
    hold_id = hold(aged, UUID, until=NOON + timedelta(days=1))

    with aged.database.connect() as connection:
        assert [each.id for each in holds_at(connection, NOON)] == [hold_id]
        assert holds_at(connection, NOON + timedelta(days=2)) == []
    with pytest.raises(NotFoundError):
        release_hold(aged, "01M", by_whom="ada lovelace", now=NOON)
    with pytest.raises(NotFoundError):
        hold(aged, "d4" * 16)


def test_the_quarantine_is_empty_a_month_later(database: Database) -> None:
    ledger = a_ledger(database)
    receive(ledger, b"junk=1", received_at=NOON)

    before = expire(ledger, NOON + timedelta(days=29))
    after = expire(ledger, NOON + timedelta(days=31))

    assert (before.counts["quarantine"], after.counts["quarantine"]) == (0, 1)
    with database.connect() as connection:
        for table in ("quarantine", "origin_secrets"):
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0


def test_a_running_service_empties_the_quarantine(database: Database) -> None:
    ledger = a_ledger(database)
    receive(ledger, b"junk=1", received_at=NOON)
    later = NOON + timedelta(days=31)

    LogRunner(ledger, None, hourly=[lambda: expire_rows(ledger, later)]).run_once()

    with database.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM quarantine")) == 0


def test_an_index_of_persons_forgets_what_has_expired(aged: Ledger) -> None:
    PersonIndex(aged).catch_up()
    before = tagged(aged)

    expire(aged, NOON)

    forgotten = [*before - tagged(aged)]
    assert forgotten == [str(ULID.from_datetime(OLDEST))[:10] + forgotten[0][10:]]


@pytest.mark.parametrize("text", ["personal", "personal=0m", "network=3y", "personal=3y", "x=1d"])
def test_a_period_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="LEDGER_RETENTION must be periods"):
        read_settings({"LEDGER_RETENTION": text})


@pytest.mark.parametrize("age", ["11m", "1m", "365d", "99d"])
def test_the_access_log_is_kept_for_a_year_at_least(age: str) -> None:
    with pytest.raises(SettingsError, match="access_log is kept for 12m, or 366d, or longer"):
        read_settings({"LEDGER_RETENTION": f"personal=12m,access_log={age}"})


@pytest.mark.parametrize("age", ["12m", "20m", "100m", "366d", "370d", "400d", "999d"])
def test_the_access_log_may_be_kept_for_longer(age: str) -> None:
    settings = read_settings({"LEDGER_RETENTION": f"network=1d,access_log={age}"})

    assert settings.retention == f"network=1d,access_log={age}"


def test_a_period_is_counted_in_days_or_months() -> None:
    at = datetime(2026, 3, 31, 12, tzinfo=NOON.tzinfo)

    assert cutoff("personal=1m", "personal", at) == at.replace(month=2, day=28)
    assert cutoff("personal=10d", "personal", at) == at.replace(day=21)
    assert cutoff("personal=10d", "evidence", at) == at.replace(year=2024, month=12)
    assert cutoff("personal=999m", "personal", at).year == 1942
