"""Makes the reports that are due: of files kept since the last one, and of gaps that may be closed.

The reports of before stay. Nothing is made where neither a file nor an event has come.
"""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from time import monotonic

from sqlalchemy import Connection

from ledger.application import Ledger
from ledger.instants import utc_now
from ledger.projections import transactions
from ledger.projections.engine.follow import catch_up
from ledger.reconciliation.completeness import DayState
from ledger.reconciliation.files import KeptFile, kept_file_rows
from ledger.reconciliation.ledger_state import has_changed_since
from ledger.reconciliation.report import COMPARED_KINDS, make_report
from ledger.reconciliation.report_store import (
    DAYS_MAX,
    Scope,
    StoredReport,
    file_ids_by_report,
    report_of,
    reported_days,
)

LOOK_SECONDS = 600.0
DAYS_LOOKED_AT = 90
"""So many days back gaps are looked at again; a new file is compared however old its days are."""


class DueReports:
    """Makes what is due from a thread of the service: it looks every ten minutes, and makes one
    report in each turn, so that whatever else the thread does is never far behind."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime] = utc_now) -> None:
        self._ledger = ledger
        self._now = clock
        self._look_at = 0.0
        self._waiting: deque[Scope] = deque()

    def follow(self) -> None:
        """Look when it is time, or make the next report. Errors: as `make_report`."""
        if self._waiting:
            make_report(self._ledger, self._waiting.popleft(), self._now())
        elif monotonic() >= self._look_at:
            self._look_at = monotonic() + LOOK_SECONDS
            self._waiting.extend(due_scopes(self._ledger, self._now()))


def make_due_reports(ledger: Ledger, now: datetime) -> Iterator[StoredReport]:
    """Make all reports that are due. Errors: as `make_report`."""
    for scope in due_scopes(ledger, now):
        yield make_report(ledger, scope, now)


def due_scopes(ledger: Ledger, now: datetime) -> list[Scope]:
    """Return the shops and days of which a report is due. Errors: ViewNotBuiltError."""
    with ledger.database.connect() as connection:
        files = [each for each in kept_file_rows(connection) if _is_compared(each)]
    if not files:
        return []
    catch_up(ledger.database, transactions.PROJECTION, ledger.events.high_water_mark() or 0)
    due: list[Scope] = []
    with ledger.database.connect() as connection:
        for (shop_id, mode), own in groupby(sorted(files, key=_addressee), key=_addressee):
            new = list(_days_of_new_files(connection, list(own)))
            covered = {day for scope in new for day in scope.days()}
            until = now.date()
            looked_at = Scope.ending(shop_id, mode, until, DAYS_LOOKED_AT)
            again = _with_news(connection, looked_at, covered)
            due += dict.fromkeys([*new, *again])
    return due


def _is_compared(kept_file: KeptFile) -> bool:
    return kept_file.journal_kind in COMPARED_KINDS and kept_file.first_day is not None


def _addressee(kept_file: KeptFile) -> tuple[str, str]:
    return kept_file.shop_id, kept_file.mode


def _days_of_new_files(connection: Connection, files: list[KeptFile]) -> Iterator[Scope]:
    """Yield the days of files that the newest report of one of them does not rest on."""
    for kept_file in files:
        for scope in _scopes_of(kept_file):
            said_by_day = reported_days(connection, scope)
            ids = {said.report_id for said in said_by_day.values()}
            rest_on = file_ids_by_report(connection, ids)
            is_known = all(kept_file.id in file_ids for file_ids in rest_on.values())
            if len(said_by_day) < len(scope.days()) or not is_known:
                yield scope


def _scopes_of(kept_file: KeptFile) -> Iterator[Scope]:
    """Yield the days of a file, as many at a time as one report is about."""
    first_day, last_day = kept_file.first_day, kept_file.last_day
    while first_day is not None and last_day is not None and first_day <= last_day:
        end = min(last_day, first_day + timedelta(days=DAYS_MAX - 1))
        yield Scope(kept_file.shop_id, kept_file.mode, first_day, end)
        first_day = end + timedelta(days=1)


def _with_news(connection: Connection, looked_at: Scope, covered: set[date]) -> Iterator[Scope]:
    """Yield the days of reports with gaps, or with what nobody could tell, that events may settle.

    Shape: `covered` are days of which a report is made anyway.
    """
    is_settled = (DayState.PROVEN, DayState.UNPROVEN)
    ids = {
        said.report_id
        for day, said in reported_days(connection, looked_at).items()
        if said.day_state not in is_settled and day not in covered
    }
    for id_ in sorted(ids):
        report = report_of(connection, id_)
        if has_changed_since(connection, report.scope, report.position):
            yield report.scope
