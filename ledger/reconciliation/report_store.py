"""Keeps reports for ever: what was compared, at which position, and what came of it."""

import hashlib
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Self

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, func, insert, select
from ulid import ULID

from ledger.errors import BadFilterError, NotFoundError
from ledger.reconciliation.newest_first import newest_first
from ledger.storage.reconciliation_tables import report_days, reports

DAYS_MAX = 366
"""So many days one question is about."""

ReportContent = Mapping[str, Any]
"""What a report says, as JSON values: see `ledger/reconciliation/report.py`."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is compared. Shape: `mode` in capitals; both UTC days are included.

    Errors: BadFilterError for no days, or for too many.
    """

    shop_id: str
    mode: str
    first_day: date
    last_day: date

    def __post_init__(self) -> None:
        if not 0 <= (self.last_day - self.first_day).days < DAYS_MAX:
            raise BadFilterError(f"ask for 1 to {DAYS_MAX} days, the earlier one first")

    @classmethod
    def ending(cls, shop_id: str, mode: str, last_day: date, count: int) -> Self:
        """Return so many days that end with this one."""
        first = max(last_day.toordinal() - count + 1, date.min.toordinal())
        return cls(shop_id, mode, date.fromordinal(first), last_day)

    def days(self) -> list[date]:
        """Return the days, in their order."""
        count = (self.last_day - self.first_day).days + 1
        return [self.first_day + timedelta(days=number) for number in range(count)]


@dataclass(frozen=True, slots=True)
class StoredReport:
    """One report, as it is kept. Shape: `canonical_bytes` are the bytes that `digest` is of."""

    id: str
    recorded_at: datetime
    scope: Scope
    position: int
    rules: int
    file_ids: tuple[str, ...]
    replaces: str | None
    digest: str
    canonical_bytes: bytes

    def content(self) -> ReportContent:
        """Return what it says."""
        report_content: ReportContent = orjson.loads(self.canonical_bytes)
        return report_content


@dataclass(frozen=True, slots=True)
class ReportedDay:
    """What a report says of one UTC day."""

    day: date
    day_state: str
    listed_count: int
    confirmed_count: int
    gap_count: int
    report_id: str


def canonical(report_content: ReportContent) -> bytes:
    """Write a report so that the same content is the same bytes."""
    return orjson.dumps(report_content, option=orjson.OPT_SORT_KEYS)


def add_report(
    connection: Connection, scope: Scope, report_content: ReportContent, now: datetime
) -> StoredReport:
    """Keep a report; one that says what the newest of the same days says is not kept twice."""
    written = canonical(report_content)
    newest = newest_report(connection, scope)
    digest = hashlib.sha256(written).hexdigest()
    if newest is not None and newest.digest == digest:
        return newest
    report = StoredReport(
        str(ULID.from_datetime(now)),
        now,
        scope,
        report_content["position"],
        report_content["rules"],
        tuple(report_content["files"]),
        None if newest is None else newest.id,
        digest,
        written,
    )
    connection.execute(insert(reports), _row(report))
    days = [_day_row(report, day, said) for day, said in report_content["days"].items()]
    connection.execute(insert(report_days), days)
    return report


def newest_report(connection: Connection, scope: Scope) -> StoredReport | None:
    """Return the newest report of exactly these days, or None."""
    c = reports.c
    query = select(reports).where(
        c.shop_id == scope.shop_id,
        c.mode == scope.mode,
        c.first_day == scope.first_day.isoformat(),
        c.last_day == scope.last_day.isoformat(),
    )
    row = connection.execute(query.order_by(c.place.desc()).limit(1)).one_or_none()
    return None if row is None else _report(row)


def file_ids_by_report(connection: Connection, ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return on which files reports rest, without reading what they say."""
    query = select(reports.c.id, reports.c.files).where(reports.c.id.in_(sorted(ids)))
    return {row.id: tuple(row.files) for row in connection.execute(query)}


def report_of(connection: Connection, report_id: str) -> StoredReport:
    """Return one report. Errors: NotFoundError."""
    row = connection.execute(select(reports).where(reports.c.id == report_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no report {report_id}")
    return _report(row)


def report_ids(connection: Connection) -> list[str]:
    """Return the id of every report, in the order in which they were made."""
    return list(connection.scalars(select(reports.c.id).order_by(reports.c.place)))


def listed_reports(
    connection: Connection, *, limit: int, before_id: str | None = None, shops: Sequence[str] | None
) -> list[StoredReport]:
    """Return reports, newest first. Shape: `shops` None is every shop; `before_id` is an id."""
    query = newest_first(select(reports), reports, limit=limit, before_id=before_id, shops=shops)
    return [_report(row) for row in connection.execute(query)]


def reported_days(connection: Connection, scope: Scope) -> dict[date, ReportedDay]:
    """Return what the newest report of each day says of it; a day without a report is left out."""
    c = report_days.c
    of_days = (
        c.shop_id == scope.shop_id,
        c.mode == scope.mode,
        c.day.between(scope.first_day.isoformat(), scope.last_day.isoformat()),
    )
    rows = connection.execute(newest_of_days(of_days))
    days_said = [
        ReportedDay(
            date.fromisoformat(row.day),
            row.state,
            row.listed,
            row.confirmed,
            row.gaps,
            row.report_id,
        )
        for row in rows
    ]
    return {said.day: said for said in days_said}


def newest_of_days(
    of_days: Sequence[ColumnElement[bool]], recorded_until: datetime | None = None
) -> Select[Any]:
    """Return the query for what the newest report of each day says of it, of chosen days.

    Shape: rows of `report_days`; with `recorded_until` of the reports that were there by then.
    """
    c = report_days.c
    newest = select(c.day, func.max(c.report_id).label("id")).where(*of_days).group_by(c.day)
    if recorded_until is not None:
        newest = newest.join(reports, reports.c.id == c.report_id)
        newest = newest.where(reports.c.recorded_at <= recorded_until)
    by_day = newest.subquery()
    return select(report_days).where(*of_days, c.day == by_day.c.day, c.report_id == by_day.c.id)


def _row(report: StoredReport) -> dict[str, object]:
    return {
        "id": report.id,
        "recorded_at": report.recorded_at,
        "shop_id": report.scope.shop_id,
        "mode": report.scope.mode,
        "first_day": report.scope.first_day.isoformat(),
        "last_day": report.scope.last_day.isoformat(),
        "position": report.position,
        "rules": report.rules,
        "files": list(report.file_ids),
        "replaces": report.replaces,
        "digest": report.digest,
        "content": zlib.compress(report.canonical_bytes),
    }


def _day_row(report: StoredReport, day: str, said: Mapping[str, Any]) -> dict[str, object]:
    return {
        "shop_id": report.scope.shop_id,
        "mode": report.scope.mode,
        "day": day,
        "report_id": report.id,
        "state": said["state"],
        "listed": said["listed"],
        "confirmed": said["confirmed"],
        "gaps": said["gaps"],
    }


def _report(row: Row[Any]) -> StoredReport:
    first_day, last_day = date.fromisoformat(row.first_day), date.fromisoformat(row.last_day)
    return StoredReport(
        row.id,
        row.recorded_at,
        Scope(row.shop_id, row.mode, first_day, last_day),
        row.position,
        row.rules,
        tuple(row.files),
        row.replaces,
        row.digest,
        zlib.decompress(row.content),
    )
