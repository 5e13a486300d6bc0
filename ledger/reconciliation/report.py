"""Makes reports: every payment of some days in the files against every one in the ledger.

A report rests on nothing but its files, the events up to its position and the rules of this
version, so that an audit can make it again byte for byte. What may change without an event is noted
in it: what waited in quarantine, and of which captures the shop was told.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from operator import attrgetter

from sqlalchemy import Connection, select

from ledger.application import Ledger
from ledger.projections.engine.follow import catch_up
from ledger.projections.transactions import PROJECTION
from ledger.queries.live_tables import live_table
from ledger.reconciliation.files import KeptFile, file_of, kept_files, opened_journal
from ledger.reconciliation.findings import Finding, Listing, findings_of
from ledger.reconciliation.journal_rows import LISTS_EVERY_PAYMENT, JournalKind, JournalRow
from ledger.reconciliation.known_transactions import transaction_of
from ledger.reconciliation.ledger_state import state_at
from ledger.reconciliation.matching import match
from ledger.reconciliation.newest_rows import newest_rows
from ledger.reconciliation.report_content import Inputs, written_content
from ledger.reconciliation.report_store import ReportContent, Scope, StoredReport, add_report
from ledger.reconciliation.waiting import waiting_deliveries
from ledger.sealing.sealing import Sealing
from ledger.storage.database import Database

RULES = 1
"""The version of everything here that decides what a report says."""

COMPARED_KINDS = (*sorted(LISTS_EVERY_PAYMENT), JournalKind.EXPORT)
"""The files whose rows are payments as they stand; others are about operations and money."""

_BESIDE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Comparison:
    position: int
    findings: Sequence[Finding]


def make_report(ledger: Ledger, scope: Scope, now: datetime) -> StoredReport:
    """Compare, and keep what came of it; the report of before when nothing has changed since.

    Errors: ViewNotBuiltError; UnsealableError when a file cannot be opened any more.
    """
    days = scope.first_day, scope.last_day
    catch_up(ledger.database, PROJECTION, ledger.events.high_water_mark() or 0)
    with ledger.database.connect() as connection:
        files_of_days = kept_files(connection, scope.shop_id, scope.mode, days)
        waiting = waiting_deliveries(connection, ledger.sealing, scope.shop_id, scope.mode)
        captures_told = _captures_told(connection, scope)
    files = [each for each in files_of_days if each.journal_kind in COMPARED_KINDS]
    comparison = _compare(ledger.database, ledger.sealing, scope, files, captures_told)
    content = _content(scope, files, comparison, captures_told, waiting.about)
    with ledger.database.begin() as connection:
        return add_report(connection, scope, content, now)


def made_again(database: Database, sealing: Sealing, report: StoredReport) -> ReportContent:
    """Return what a report says, made once more from its files at its position.

    Errors: as `make_report`; NotFoundError when a file is gone.
    """
    with database.connect() as connection:
        files = [file_of(connection, id_) for id_ in report.file_ids]
    content = report.content()
    waited = {
        (finding["file"]["file_id"], finding["file"]["line"]): finding["delivery_id"]
        for finding in content["findings"]
        if finding["delivery_id"] is not None
    }
    captures_told: Sequence[str] = content["captures_told"]
    comparison = _compare(
        database, sealing, report.scope, files, captures_told, position=report.position
    )
    return _content(
        report.scope,
        files,
        comparison,
        captures_told,
        lambda claim: waited.get((claim.file_id, claim.line_number)),
    )


def _compare(
    database: Database,
    sealing: Sealing,
    scope: Scope,
    files: Sequence[KeptFile],
    captures_told: Sequence[str],
    *,
    position: int | None = None,
) -> _Comparison:
    rows = newest_rows(
        (kept_file.journal_kind, list(_rows(database, sealing, kept_file, scope)))
        for kept_file in sorted(files, key=attrgetter("made_at"))
    )
    state = state_at(database, scope, position)
    matching = match(rows, [transaction_of(columns) for columns in state.transaction_columns])
    listing = Listing(
        made_at={each.id: each.made_at for each in files},
        whole_days=_whole_days(
            [each for each in files if each.journal_kind in LISTS_EVERY_PAYMENT], scope
        ),
        contracts={claim.contract for claim in rows if claim.contract},
        lists_verifications=any(claim.direction == "VERIFICATION" for claim in rows),
        is_capture_told=lambda method: method in captures_told if method else bool(captures_told),
    )
    return _Comparison(
        state.position,
        [finding for finding in findings_of(matching, listing) if _is_within(finding, scope)],
    )


def _content(
    scope: Scope,
    files: Sequence[KeptFile],
    comparison: _Comparison,
    captures_told: Sequence[str],
    find_delivery: Callable[[JournalRow], str | None],
) -> ReportContent:
    inputs = Inputs(
        scope=scope,
        position=comparison.position,
        rules=RULES,
        file_ids=[each.id for each in files],
        captures_told=sorted(captures_told),
        whole_days=_whole_days(files, scope),
    )
    return written_content(inputs, comparison.findings, find_delivery)


def _whole_days(files: Sequence[KeptFile], scope: Scope) -> set[date]:
    return {day for day in scope.days() if any(each.covers(day) for each in files)}


def _rows(
    database: Database, sealing: Sealing, kept_file: KeptFile, scope: Scope
) -> Iterator[JournalRow]:
    """Yield the rows of a file about these days, or about one beside them."""
    first, last = scope.first_day - _BESIDE, scope.last_day + _BESIDE
    for claim in opened_journal(database, sealing, kept_file).rows():
        if claim.paid_on is None or first <= claim.paid_on <= last:
            yield replace(claim, file_id=kept_file.id)


def _is_within(finding: Finding, scope: Scope) -> bool:
    return finding.day is None or scope.first_day <= finding.day <= scope.last_day


def _captures_told(connection: Connection, scope: Scope) -> list[str]:
    """Return the methods of payment of which this shop was ever told a capture."""
    table, _, _ = live_table(connection, "transactions", "transactions")
    c = table.c
    query = select(c.payment_method).where(
        c.shop_id == scope.shop_id, c.mode == scope.mode, c.status == "CAPTURED"
    )
    return sorted(method for method in connection.scalars(query.distinct()) if method)
