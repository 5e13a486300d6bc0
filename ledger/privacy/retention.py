"""How long what is about people is kept, and its end: secrets are destroyed by age."""

import re
from calendar import monthrange
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select, update
from ulid import ULID

from ledger.access.old_accesses import OldAccesses
from ledger.application import Ledger
from ledger.instants import instant_of_id
from ledger.privacy.destroying import remove_secret_traces
from ledger.privacy.holds import Hold, held_origins
from ledger.privacy.persons import forget
from ledger.proof.sequencer import Sequencer
from ledger.settings import Settings
from ledger.storage.database import Database
from ledger.storage.deleted_rows import delete_securely
from ledger.storage.erasure_tables import expiries
from ledger.storage.tables import origin_secrets, quarantine

EVIDENCE, PERSONAL, QUARANTINE = "evidence", "personal", "quarantine"
NETWORK, ACCESS_LOG = "network", "access_log"
ACCESS_LOG_MONTHS_MIN = 12
_APART = timedelta(days=1)
"""What is just old enough waits: the database compares by its own clock and time zone."""
_PERIOD = re.compile(r"([0-9]+)([dm])")
_ID_RANDOM = "0" * 16


@dataclass(frozen=True, slots=True)
class Expired:
    """What an expiry has destroyed, or would. Shape: `counts` by class; `held` are the holds that
    kept something from it; `id` is that of its row, None when there was nothing."""

    counts: Mapping[str, int] = field(default_factory=dict)
    held: tuple[Hold, ...] = ()
    id: str | None = None


def cutoff(retention: str, name: str, now: datetime) -> datetime:
    """Return the instant before which a class is not kept any more.

    Shape: `retention` as in the settings: `personal=36m,evidence=15m,quarantine=30d`.
    """
    named = f"{Settings.retention},{retention}".split(",")  # what is not named keeps its default
    periods = dict(each.split("=") for each in named)
    match = _PERIOD.fullmatch(periods[name])
    assert match is not None, "the settings were read"
    number, unit = int(match[1]), match[2]
    try:
        return now - timedelta(days=number) if unit == "d" else _months_before(now, number)
    except (OverflowError, ValueError):
        return datetime.min.replace(tzinfo=now.tzinfo)


def expire(ledger: Ledger, now: datetime, *, is_dry_run: bool = False) -> Expired:
    """Destroy what has outlived its time, but for what is held; one row says so of all of it."""
    hold_by_origin = held_origins(ledger, now)
    retention = ledger.settings.retention
    personal_until = _first_id_at(cutoff(retention, PERSONAL, now))
    # the body holds what is personal, too
    body_until = max(_first_id_at(cutoff(retention, EVIDENCE, now)), personal_until)
    until_by_class = {EVIDENCE: body_until, PERSONAL: personal_until}
    counts = _count(ledger.database, until_by_class, hold_by_origin)
    held = _held(ledger.database, until_by_class, hold_by_origin)
    whole_rows = expire_rows(ledger, now, is_dry_run=is_dry_run)
    if is_dry_run or not any(counts.values()):
        return Expired(counts | whole_rows, held)
    Sequencer(ledger.database, ledger.sealing, clock=lambda: now).catch_up()  # what it commits to
    with ledger.database.begin() as connection:
        delete_securely(connection)
        counts = _destroy(connection, until_by_class, hold_by_origin)
        id_ = str(ULID.from_datetime(now))
        expiry: dict[str, Any] = {
            "id": id_,
            "recorded_at": now,
            "body_until": body_until,
            "personal_until": personal_until,
            "counts": counts,
        }
        connection.execute(insert(expiries), expiry)
    remove_secret_traces(ledger.database)
    return Expired(counts | whole_rows, held, id_)


def expire_rows(ledger: Ledger, now: datetime, *, is_dry_run: bool = False) -> dict[str, int]:
    """Remove what goes as whole rows, without an entry of the log; return how many by class.

    Shape: the addresses of readers count with the networks that users have signed in from.
    """
    quarantined = expire_quarantine(ledger, now, is_dry_run=is_dry_run)
    retention = ledger.settings.retention
    youngest = _months_before(now, ACCESS_LOG_MONTHS_MIN) - _APART
    log_until = min(cutoff(retention, ACCESS_LOG, now), youngest)
    old = OldAccesses(cutoff(retention, NETWORK, now), log_until)
    with ledger.database.connect() if is_dry_run else ledger.database.begin() as connection:
        by_class = old.count(connection) if is_dry_run else old.remove(connection)
    return {QUARANTINE: quarantined, NETWORK: by_class.networks, ACCESS_LOG: by_class.log_lines}


def expire_quarantine(ledger: Ledger, now: datetime, *, is_dry_run: bool = False) -> int:
    """Remove what has been in quarantine for too long; return how many deliveries."""
    is_old = quarantine.c.received_at < cutoff(ledger.settings.retention, QUARANTINE, now)
    if is_dry_run:
        with ledger.database.connect() as connection:
            query = select(func.count()).select_from(quarantine).where(is_old)
            return connection.scalar(query) or 0
    with ledger.database.begin() as connection:
        delete_securely(connection)
        old = select(quarantine.c.id).where(is_old)
        connection.execute(delete(origin_secrets).where(origin_secrets.c.origin_id.in_(old)))
        return connection.execute(delete(quarantine).where(is_old)).rowcount


def _destroy(
    connection: Connection, until_by_class: Mapping[str, str], held: Collection[str]
) -> dict[str, int]:
    c = origin_secrets.c
    is_free = _is_free(held)
    body = and_(c.origin_id < until_by_class[EVIDENCE], is_free)
    personal = and_(c.origin_id < until_by_class[PERSONAL], is_free)
    gone = update(origin_secrets).where(body, c.body_secret.is_not(None)).values(body_secret=None)
    evidence_count = connection.execute(gone).rowcount
    had_part = select(func.count(c.personal_secret)).where(personal)
    personal_count = connection.scalar(had_part) or 0
    is_empty = and_(body, c.personal_secret.is_(None))
    nothing_left = delete(origin_secrets).where(or_(personal, is_empty)).returning(c.origin_id)
    forget(connection, list(connection.scalars(nothing_left)))
    return {EVIDENCE: evidence_count, PERSONAL: personal_count}


def _count(
    database: Database, until_by_class: Mapping[str, str], held: Collection[str]
) -> dict[str, int]:
    c = origin_secrets.c
    columns = {EVIDENCE: c.body_secret, PERSONAL: c.personal_secret}
    counts = {}
    with database.connect() as connection:
        for name, column in columns.items():
            is_old = and_(c.origin_id < until_by_class[name], _is_free(held))
            query = select(func.count(column)).where(is_old)
            counts[name] = connection.scalar(query) or 0
    return counts


def _is_free(held: Collection[str]) -> ColumnElement[bool]:
    """Return the condition of secrets that no hold keeps; the quarantine has a time of its own."""
    id_ = origin_secrets.c.origin_id
    quarantined = select(quarantine.c.id).where(quarantine.c.id == id_).exists()
    return and_(id_.not_in(sorted(held)), ~quarantined)


def _held(
    database: Database, until_by_class: Mapping[str, str], hold_by_origin: Mapping[str, Hold]
) -> tuple[Hold, ...]:
    """Return the holds that keep something from expiring."""
    c = origin_secrets.c
    is_kept = and_(c.origin_id.in_(sorted(hold_by_origin)), c.origin_id < until_by_class[EVIDENCE])
    with database.connect() as connection:
        ids = connection.scalars(select(c.origin_id).where(is_kept)).all()
    holds = {hold_by_origin[id_] for id_ in ids}
    return tuple(sorted(holds, key=lambda hold: hold.id))


def _first_id_at(instant: datetime) -> str:
    """Return the lowest id of an instant."""
    return str(ULID.from_datetime(instant_of_id(instant)))[: -len(_ID_RANDOM)] + _ID_RANDOM


def _months_before(now: datetime, number: int) -> datetime:
    months = now.year * 12 + now.month - 1 - number
    year, month = months // 12, months % 12 + 1
    return now.replace(year=year, month=month, day=min(now.day, monthrange(year, month)[1]))
