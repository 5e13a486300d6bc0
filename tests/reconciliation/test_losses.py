"""A ledger that lost calls, and the platform's files: what was never told is found, and no more."""

from datetime import date
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.audit.reports import check_reports
from ledger.reconciliation.files import import_file, kept_file_rows, opened_journal
from ledger.reconciliation.report import make_report
from ledger.reconciliation.report_store import ReportContent, Scope
from ledger.simulator.journal_layout import JournalShop
from ledger.simulator.journals import Journals, journals
from ledger.simulator.signed_calls import synthetic_platform
from ledger.simulator.stories import STORIES
from ledger.simulator.undelivered_calls import Losses, calls_with_losses
from ledger.storage.database import Database
from tests.builders import SHOP_ID, a_delivery, a_ledger
from tests.reconciliation.comparing import NOW, chunks_of

LAPS = 3
MODE = "PRODUCTION"
BATCH = 100


def lossy_run(database: Database, losses: Losses) -> tuple[Ledger, Journals]:
    """A ledger that was told what was not lost, and the platform's files about all of it."""
    ledger = a_ledger(database)
    platform = synthetic_platform(ledger.shops, SHOP_ID, MODE)
    stories = list(STORIES.values())
    calls = list(calls_with_losses(platform, stories, losses, count=LAPS * len(stories)))
    deliveries = [
        a_delivery(call.body, received_at=call.call.sent_at)
        for call, is_lost in calls
        if not is_lost
    ]
    for first in range(0, len(deliveries), BATCH):
        ledger.receive_many(deliveries[first : first + BATCH])
    return ledger, journals(JournalShop(SHOP_ID, "Boutique", MODE), calls)


def compared(ledger: Ledger, platform_files: Journals, code: str) -> list[ReportContent]:
    """What the files of one kind make of the ledger, a report for each year."""
    for name, content in platform_files.files.items():
        if "/" not in name and f"{code}_" in name:
            import_file(ledger, chunks_of(content), name, by_whom="jo", now=NOW)
    days = [date.fromisoformat(each["day"]) for each in platform_files.truth["transactions"]]
    reports = []
    for year in range(min(days).year, max(days).year + 1):
        scope = Scope(SHOP_ID, MODE, date(year, 1, 1), date(year, 12, 31))
        reports.append(make_report(ledger, scope, NOW).content())
    return reports


def findings_of(reports: list[ReportContent]) -> list[dict[str, Any]]:
    return [finding for report in reports for finding in report["findings"]]


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_by_the_merchant_journal_what_was_never_told_is_exactly_the_truth(
    database: Database, seed: int
) -> None:
    ledger, platform_files = lossy_run(database, Losses(seed=seed, lost_share=0.1))

    findings = findings_of(compared(ledger, platform_files, "JAM"))

    true = _never_told(platform_files)
    never_told = {each["uuid"] for each in findings if each["result"] == "never-told"}
    assert never_told == true
    assert len(true) > 5
    assert not [each for each in findings if each["result"] in ("not-listed", "ambiguous")]
    assert check_reports(ledger.database, ledger.sealing).faults == []


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_by_the_transactions_journal_the_number_is_exact_and_hardly_a_partner_wrong(
    database: Database, seed: int
) -> None:
    ledger, platform_files = lossy_run(database, Losses(seed=seed, lost_share=0.1))

    findings = findings_of(compared(ledger, platform_files, "JT"))

    truth = {each["uuid"]: each for each in platform_files.truth["transactions"]}
    never_told = [each for each in findings if each["result"] == "never-told"]
    assert len(never_told) == sum(not each["is_delivered"] for each in truth.values())
    moments = moments_of_rows(ledger)
    matched = [each for each in findings if each["file"] and each["ledger"]]
    wrong = [
        each
        for each in matched
        if moments[each["file"]["file_id"], each["file"]["line"]]
        != truth[each["ledger"]["reference"]]["paid_at"]
    ]
    assert len(matched) > 100
    assert len(wrong) <= 0.005 * len(truth)
    assert not [each for each in findings if each["result"] == "not-listed"]


def moments_of_rows(ledger: Ledger) -> dict[tuple[str, int], str]:
    """When each row of each file was paid, by file and line."""
    with ledger.database.connect() as connection:
        files = kept_file_rows(connection)
    return {
        (kept_file.id, row.line_number): f"{row.paid_at:%Y-%m-%dT%H:%M:%SZ}"
        for kept_file in files
        for row in opened_journal(ledger.database, ledger.sealing, kept_file).rows()
    }


def test_without_losses_nothing_is_missing(database: Database) -> None:
    ledger, platform_files = lossy_run(database, Losses(seed=5, lost_share=0.0))

    reports = compared(ledger, platform_files, "JT")

    words = {each["result"] for each in findings_of(reports)}
    assert words <= {"matched", "ahead", "not-covered"}
    days = [day for report in reports for day in report["days"].values() if day["listed"]]
    assert {day["state"] for day in days} == {"proven"}


def test_with_the_rule_of_the_back_office_off_its_payments_are_found(database: Database) -> None:
    losses = Losses(seed=5, lost_share=0.0, rules_off=frozenset({"back-office"}))
    ledger, platform_files = lossy_run(database, losses)

    findings = findings_of(compared(ledger, platform_files, "JAM"))

    silent = _never_told(platform_files)
    never_told = {each["uuid"] for each in findings if each["result"] == "never-told"}
    assert never_told == silent
    assert len(silent) > 20


def _never_told(platform_files: Journals) -> set[str]:
    """The uuids of which no call came, among those that a merchant journal lists."""
    return {
        each["uuid"]
        for each in platform_files.truth["transactions"]
        if not each["is_delivered"] and each["direction"] != "VERIFICATION"
    }
