"""Writes what a report says, as JSON values: totals, days, and the findings themselves."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ledger.ipn.modes import Mode
from ledger.reconciliation.causes import Circumstances
from ledger.reconciliation.completeness import DayState
from ledger.reconciliation.findings import Finding
from ledger.reconciliation.journal_rows import JournalRow
from ledger.reconciliation.known_transactions import KnownTransaction
from ledger.reconciliation.report_store import ReportContent, Scope
from ledger.reconciliation.summary import DayCounts, Summary

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a report rests on."""

    scope: Scope
    position: int
    rules: int
    file_ids: Sequence[str]
    captures_told: Sequence[str]
    whole_days: Collection[date]


def written_content(
    inputs: Inputs,
    summary: Summary,
    circumstances: Circumstances,
) -> ReportContent:
    """Write a report."""
    scope = inputs.scope
    return {
        "v": FORMAT,
        "rules": inputs.rules,
        "shop_id": scope.shop_id,
        "mode": Mode(scope.mode).public,
        "first_day": scope.first_day.isoformat(),
        "last_day": scope.last_day.isoformat(),
        "position": inputs.position,
        "files": list(inputs.file_ids),
        "captures_told": list(inputs.captures_told),
        "rules_seen": list(circumstances.rules_seen),
        "silences": list(map(str, circumstances.silences)),
        "results": [
            {
                "result": total.word.value,
                "currency": total.currency,
                "count": total.count,
                "amount_minor": total.amount_minor,
            }
            for total in summary.totals
        ],
        "days": _days(inputs, summary),
        "findings": [_finding(finding, circumstances) for finding in summary.foremost],
        "left_out": summary.left_out,
    }


def _days(inputs: Inputs, summary: Summary) -> dict[str, Any]:
    days = {}
    for day in inputs.scope.days():
        counts = [summary.counts_by_day.get(day, DayCounts())]
        if day == inputs.scope.first_day:  # and what is of no day that anybody can read
            counts.append(summary.counts_by_day.get(None, DayCounts()))
        listed, gaps = (
            sum(each.listed_count for each in counts),
            sum(each.gap_count for each in counts),
        )
        state = DayState.UNPROVEN
        if day in inputs.whole_days:
            is_open = any(each.is_open for each in counts)
            state = DayState.GAPS if gaps else DayState.PARTIAL if is_open else DayState.PROVEN
        elif listed:
            state = DayState.PARTIAL
        days[day.isoformat()] = {
            "state": state.value,
            "listed": listed,
            "confirmed": sum(each.confirmed_count for each in counts),
            "gaps": gaps,
        }
    return days


def _finding(finding: Finding, circumstances: Circumstances) -> dict[str, Any]:
    claim, known = finding.claim, finding.known
    sides = [side for side in (known, claim) if side is not None]
    named = {name: _first(sides, name) for name in ("uuid", "trans_id", "order_id", "direction")}
    return named | {
        "result": finding.word.value,
        "certainty": None if finding.certainty is None else finding.certainty.value,
        "day": None if finding.day is None else finding.day.isoformat(),
        "differences": list(finding.differences),
        **circumstances.causes_of(finding),
        "file": None if claim is None else _listed(claim),
        "ledger": None if known is None else _known(known),
    }


def _first(sides: Sequence[JournalRow | KnownTransaction], name: str) -> Any:
    said = (getattr(side, name) for side in sides)
    return next((value for value in said if value is not None), None)


def _listed(claim: JournalRow) -> dict[str, Any]:
    return {
        "file_id": claim.file_id,
        "line": claim.line_number,
        "reference": None,
        **_money_of(claim),
    }


def _known(known: KnownTransaction) -> dict[str, Any]:
    return {"file_id": None, "line": None, "reference": known.reference, **_money_of(known)}


def _money_of(side: JournalRow | KnownTransaction) -> dict[str, Any]:
    return {
        "status": side.status,
        "amount_minor": side.amount_minor,
        "currency": side.currency,
    }
