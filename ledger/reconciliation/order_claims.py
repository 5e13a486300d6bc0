"""Says what files list of an order that was never told, or otherwise, by the newest reports.

A file is a claim: what it lists of an order stands beside it, and changes nothing of it.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection

from ledger.instants import read_instant, write_day
from ledger.ipn.modes import Mode
from ledger.queries.order_findings import OrderFinding, OrderRule, order_finding
from ledger.queries.state import State
from ledger.reconciliation.files import files_by_id
from ledger.reconciliation.findings import CAPTURES_NOT_TOLD, Result
from ledger.reconciliation.report_store import StoredReport, newest_of_days, report_of
from ledger.storage.reconciliation_tables import report_days

REPORTS_MAX = 10
"""So many reports are read for one order: the first ones with gaps since its payments began."""

_RULE_BY_RESULT = {
    Result.NEVER_TOLD: OrderRule.LISTED_NEVER_TOLD,
    Result.BEHIND: OrderRule.LISTED_OTHERWISE,
    Result.DIFFERS: OrderRule.LISTED_OTHERWISE,
}


def claims_about_order(
    connection: Connection, order_state: State, *, recorded_until: datetime | None = None
) -> list[OrderFinding]:
    """Return what files list of an order that was never told, or otherwise.

    Shape: of each UTC day as its newest report says, in the order of days; with `recorded_until` as
    reports said by then. Units: `amount_minor` is what the file lists, in minor units.
    """
    days_by_report = _reports_with_gaps(connection, order_state, recorded_until)
    claims = [
        claim
        for report_id, days in list(days_by_report.items())[:REPORTS_MAX]
        for claim in _claims(report_of(connection, report_id), days, order_state["order_id"])
    ]
    file_by_id = files_by_id(connection, {str(claim["file_id"]) for claim in claims})
    return [
        claim | {"file_name": file_by_id[claim["file_id"]].file_name}
        for claim in claims
        if claim["file_id"] in file_by_id
    ]


def _reports_with_gaps(
    connection: Connection, order_state: State, recorded_until: datetime | None
) -> dict[str, set[str]]:
    """Return the days by the report that is the newest of them, as far as it has gaps there."""
    c = report_days.c
    of_order = (
        c.shop_id == order_state["shop_id"],
        c.mode == Mode(order_state["mode"]),
        c.day >= write_day(_first_day(order_state)),
    )
    query = newest_of_days(of_order, recorded_until).where(c.gaps > 0).order_by(c.day)
    days_by_report: dict[str, set[str]] = {}
    for said in connection.execute(query):
        days_by_report.setdefault(said.report_id, set()).add(said.day)
    return days_by_report


def _first_day(order_state: State) -> date:
    """Return the day before the first payment, for a file may be of another time zone."""
    created = filter(None, (each.get("created_at") for each in order_state["transactions"]))
    first = min(map(read_instant, (order_state["first_seen_at"], *created)))
    return first.date() - timedelta(days=1)


def _claims(report: StoredReport, day_texts: set[str], order_id: str) -> Iterator[dict[str, Any]]:
    if orjson.dumps(order_id) not in report.canonical_bytes:  # far quicker than to read all of it
        return
    for finding in report.content()["findings"]:
        rule = _RULE_BY_RESULT.get(finding["result"])
        is_of_order = finding["order_id"] == order_id and finding["day"] in day_texts
        if rule is not None and is_of_order and finding["cause"] != CAPTURES_NOT_TOLD:
            listed, own = finding["file"], finding["ledger"]
            yield order_finding(
                rule,
                trans_id=finding["trans_id"],
                reference=None if own is None else own["reference"],
                status=listed["status"],
                amount_minor=listed["amount_minor"],
                currency=listed["currency"],
                file_id=listed["file_id"],
                line=listed["line"],
            )
