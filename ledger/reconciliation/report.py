"""Makes reports: every payment of some days in the files against every one in the ledger.

A report rests on nothing but its files, the events up to its position and the rules of this
version, so that an audit can make it again byte for byte. What may change without an event is noted
in it: what waited in quarantine, when no call came, which kinds of notification the shop has sent,
and of which captures it was told.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from operator import attrgetter

from sqlalchemy import Connection, select

from ledger.application import Ledger
from ledger.projections import rule_coverage, transactions
from ledger.projections.engine.follow import catch_up
from ledger.queries.live_tables import live_table
from ledger.reconciliation.agreed import Agreed, CountedDays
from ledger.reconciliation.causes import Circumstances, Silence, rules_seen, silences_of
from ledger.reconciliation.compared_sides import ComparedSides
from ledger.reconciliation.files import KeptFile, file_of, kept_files, opened_journal
from ledger.reconciliation.findings import Finding, Listing, findings_of
from ledger.reconciliation.journal_rows import LISTS_EVERY_PAYMENT, JournalKind, JournalRow
from ledger.reconciliation.known_transactions import transaction_of
from ledger.reconciliation.ledger_state import position_reached, transactions_at
from ledger.reconciliation.matching import match
from ledger.reconciliation.newest_rows import keep_newest_rows
from ledger.reconciliation.report_content import Inputs, written_content
from ledger.reconciliation.report_store import ReportContent, Scope, StoredReport, add_report
from ledger.reconciliation.summary import LISTED_MAX, Summary, summarise
from ledger.reconciliation.waiting import waiting_deliveries
from ledger.sealing.sealing import Sealing
from ledger.storage.database import Database

RULES = 1
"""The version of everything here that decides what a report says."""

COMPARED_KINDS = (*sorted(LISTS_EVERY_PAYMENT), JournalKind.EXPORT)
"""The files whose rows are payments as they stand; others are about operations and money."""

_BESIDE = timedelta(days=1)


def make_report(ledger: Ledger, scope: Scope, now: datetime) -> StoredReport:
    """Compare, and keep what came of it; the report of before when nothing has changed since.

    Errors: ViewNotBuiltError; UnsealableError when a file cannot be opened any more.
    """
    days = scope.first_day, scope.last_day
    for projection in (transactions.PROJECTION, rule_coverage.PROJECTION):
        catch_up(ledger.database, projection, ledger.events.high_water_mark() or 0)
    with ledger.database.connect() as connection:
        files_of_days = kept_files(connection, scope.shop_id, scope.mode, days)
        waiting = waiting_deliveries(connection, ledger.sealing, scope.shop_id, scope.mode)
        captures_told = _captures_told(connection, scope)
        position = position_reached(connection)
    files = [each for each in files_of_days if each.journal_kind in COMPARED_KINDS]
    inputs = _inputs(scope, files, position, captures_told)
    summary = _compare(ledger.database, ledger.sealing, inputs, files)
    with ledger.database.connect() as connection:
        circumstances = Circumstances(
            waiting.about,
            silences_of(connection, scope, summary.foremost),
            rules_seen(connection, scope),
        )
    content = written_content(inputs, summary, circumstances)
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
    inputs = _inputs(report.scope, files, report.position, content["captures_told"])
    summary = _compare(database, sealing, inputs, files)
    circumstances = Circumstances(
        lambda claim: waited.get((claim.file_id, claim.line_number)),
        [Silence.read(each) for each in content["silences"]],
        content["rules_seen"],
    )
    return written_content(inputs, summary, circumstances)


def _inputs(
    scope: Scope, files: Sequence[KeptFile], position: int, captures_told: Sequence[str]
) -> Inputs:
    return Inputs(
        scope=scope,
        position=position,
        rules=RULES,
        file_ids=[each.id for each in files],
        captures_told=sorted(captures_told),
        whole_days=_whole_days(files, scope),
    )


def _compare(
    database: Database, sealing: Sealing, inputs: Inputs, files: Sequence[KeptFile]
) -> Summary:
    scope, captures_told = inputs.scope, inputs.captures_told
    with ComparedSides() as sides:
        for age, kept_file in enumerate(sorted(files, key=attrgetter("made_at"))):
            has_uuids = kept_file.journal_kind is JournalKind.MERCHANT
            rows = _rows(database, sealing, kept_file, scope)
            sides.add_claims(rows, age=age, has_uuids=has_uuids)
        keep_newest_rows(sides)
        known = transactions_at(database, scope, inputs.position)
        sides.add_known(map(transaction_of, known))
        listing = Listing(
            made_at={each.id: each.made_at for each in files},
            whole_days=_whole_days(
                [each for each in files if each.journal_kind in LISTS_EVERY_PAYMENT], scope
            ),
            contracts=sides.contracts(),
            lists_verifications=sides.has_verifications(),
            is_capture_told=lambda way: way in captures_told if way else bool(captures_told),
        )
        counted = CountedDays(scope.first_day, scope.last_day, LISTED_MAX)
        findings = findings_of(match(sides, counted), listing)
        return summarise(finding for finding in findings if _is_within(finding, scope))


def _whole_days(files: Sequence[KeptFile], scope: Scope) -> set[date]:
    return {day for day in scope.days() if any(each.covers(day) for each in files)}


def _rows(
    database: Database, sealing: Sealing, kept_file: KeptFile, scope: Scope
) -> Iterator[JournalRow]:
    """Yield the rows of a file about these days, or about one beside them."""
    first, last = scope.first_day - _BESIDE, scope.last_day + _BESIDE
    for claim in opened_journal(database, sealing, kept_file).rows():
        if claim.paid_on is None or first <= claim.paid_on <= last:
            yield claim


def _is_within(finding: Finding | Agreed, scope: Scope) -> bool:
    return finding.day is None or scope.first_day <= finding.day <= scope.last_day


def _captures_told(connection: Connection, scope: Scope) -> list[str]:
    """Return the methods of payment of which this shop was ever told a capture."""
    table, _, _ = live_table(connection, "transactions", "transactions")
    c = table.c
    query = select(c.payment_method).where(
        c.shop_id == scope.shop_id, c.mode == scope.mode, c.status == "CAPTURED"
    )
    return sorted(method for method in connection.scalars(query.distinct()) if method)
