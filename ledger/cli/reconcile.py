"""What `ledger reconcile` and `ledger completeness` do: compare, keep and print reports."""

from contextlib import closing
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import click

from ledger.cli.access_notes import Read, note_reads
from ledger.cli.invocation import only_shop, open_ledger
from ledger.cli.output import counted, echo_document, echo_table
from ledger.instants import utc_now, write_public_instant
from ledger.ipn.modes import Mode
from ledger.reconciliation.completeness import (
    DayState,
    completeness,
    day_data,
    missing_files,
)
from ledger.reconciliation.due_reports import make_due_reports
from ledger.reconciliation.files import kept_files
from ledger.reconciliation.report import make_report
from ledger.reconciliation.report_store import ReportContent, Scope, StoredReport

_COLUMNS = ("result", "certainty", "day", "number", "order", "file", "ledger", "cause")
_RESEND_COLUMNS = ("day", "number", "order", "uuid", "result")
_DAY_COLUMNS = ("day", "state", "listed", "confirmed", "gaps", "score")
_MADE_COLUMNS = ("shop_id", "mode", "first_day", "last_day", "report", "gaps")
_TO_RESEND = ("never-told", "behind")


def reconcile(
    shop_id: str | None,
    mode: str,
    days: tuple[date, date],
    *,
    is_resend_only: bool,
    as_json: bool,
) -> int:
    """Make a report and print it; return the exit code. Errors: LedgerError."""
    with closing(open_ledger(needs_shops=True)) as ledger:
        scope = Scope(shop_id or only_shop(ledger), Mode(mode).value, *days)
        report = make_report(ledger, scope, utc_now())
        note_reads(ledger, Read("report", report.id, scope.shop_id, Mode(mode).public))
    content = report.content()
    findings = content["findings"]
    if as_json:
        echo_document(document_of(report))
    elif is_resend_only:
        missing = [each for each in findings if each["result"] in _TO_RESEND]
        echo_table(_RESEND_COLUMNS, map(_resend_cells, missing))
    else:
        echo_table(_COLUMNS, map(_cells, findings))
    _summarise(report.id, content)
    return 1 if any(day["gaps"] for day in content["days"].values()) else 0


def reconcile_due(*, as_json: bool) -> int:
    """Make all reports that are due and print a line for each; return the exit code.

    Errors: LedgerError.
    """
    with closing(open_ledger(needs_shops=True)) as ledger:
        made = [_made(report) for report in make_due_reports(ledger, utc_now())]
    if as_json:
        echo_document({"reports": made})
    else:
        echo_table(_MADE_COLUMNS, ([line[name] for name in _MADE_COLUMNS] for line in made))
    click.echo(f"{counted(len(made), 'report')} made", err=True)
    return 1 if any(line["gaps"] for line in made) else 0


def _made(report: StoredReport) -> dict[str, Any]:
    """Return which report was made, and how many gaps it has."""
    return {
        "shop_id": report.scope.shop_id,
        "mode": Mode(report.scope.mode).public,
        "first_day": report.scope.first_day.isoformat(),
        "last_day": report.scope.last_day.isoformat(),
        "report": report.id,
        "gaps": sum(said["gaps"] for said in report.content()["days"].values()),
    }


def document_of(report: StoredReport) -> dict[str, Any]:
    """Return a report for a machine: what it says, and what is known of it."""
    return {
        "id": report.id,
        "made_at": write_public_instant(report.recorded_at),
        "digest": report.digest,
        "replaces": report.replaces,
        **report.content(),
    }


def print_completeness(
    *,
    shop_id: str | None,
    mode: str,
    days: tuple[date, date] | None,
    as_json: bool,
) -> int:
    """Print what is proven of each day; return the exit code. Errors: LedgerError."""
    now = utc_now()
    first_day, last_day = days or (now.date() - timedelta(days=30), now.date() - timedelta(days=1))
    with closing(open_ledger(needs_shops=True)) as ledger:
        shop_id, upper_mode = shop_id or only_shop(ledger), Mode(mode).value
        with ledger.database.connect() as connection:
            known = completeness(connection, Scope(shop_id, upper_mode, first_day, last_day))
            missing = list(missing_files(kept_files(connection, shop_id, upper_mode), now))
    if as_json:
        files = [asdict(each) for each in missing]
        document = {"shop_id": shop_id, "mode": Mode(mode).public}
        echo_document(document | {"days": [day_data(each) for each in known], "missing": files})
    else:
        echo_table(
            _DAY_COLUMNS, ([day_data(each)[name] for name in _DAY_COLUMNS] for each in known)
        )
    for each in missing:
        days_of = f"{each.first_day} to {each.last_day}"
        click.echo(f"missing: the {each.journal_kind} of {days_of}, expected by now", err=True)
    proven = sum(each.day_state is DayState.PROVEN for each in known)
    click.echo(f"{proven} of {counted(len(known), 'day')} proven", err=True)
    return 1 if missing or any(each.day_state is DayState.GAPS for each in known) else 0


def _cells(finding: dict[str, Any]) -> list[object]:
    return [
        finding["result"],
        finding["certainty"],
        finding["day"],
        finding["trans_id"],
        finding["order_id"],
        _said(finding["file"]),
        _said(finding["ledger"]),
        " ".join(filter(None, (finding["cause"], finding["silence"]))),
    ]


def _resend_cells(finding: dict[str, Any]) -> list[object]:
    names = ("day", "trans_id", "order_id", "uuid", "result")
    return [finding[name] for name in names]


def _said(side: dict[str, Any] | None) -> str:
    """Return status, amount and currency as one side says them. Units: minor units."""
    if side is None:
        return ""
    words = (side["status"], side["amount_minor"], side["currency"])
    return " ".join(str(word) for word in words if word is not None)


def _summarise(report_id: str, report_content: ReportContent) -> None:
    for total in report_content["results"]:
        amount = f" {total['amount_minor']} {total['currency']}" if total["currency"] else ""
        click.echo(f"{total['count']} {total['result']}{amount}", err=True)
    if report_content["left_out"]:
        click.echo(f"{report_content['left_out']} more are not listed", err=True)
    click.echo(f"report {report_id}, {counted(len(report_content['files']), 'file')}", err=True)
