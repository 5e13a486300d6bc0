"""Writes remittances under their public names: the same for commands, API and pages."""

from collections.abc import Iterable, Mapping
from typing import Any

from ledger.ipn.modes import Mode
from ledger.reconciliation.chargebacks import chargeback_data
from ledger.reconciliation.listed import ListedRow
from ledger.reconciliation.remittances import (
    LineResult,
    Remittance,
    RemittanceKey,
    RemittanceLine,
    SettledDays,
)

LINES_MAX = 10_000
"""So many rows are listed; all are in the sums."""


def settlement_data(settled: SettledDays, lines_max: int = LINES_MAX) -> dict[str, Any]:
    """Return the remittances of some days as JSON values.

    Shape: `left_out` counts rows that are in the sums and not listed.
    Units: amounts in minor units of the currency beside them.
    """
    chargebacks = [_chargeback(each) for each in settled.chargebacks]
    taken_back = _sum_by_reference(chargebacks)
    free, remittances = lines_max, []
    for each in settled.remittances:
        remittances.append(_remittance(each, taken_back, free))
        free -= len(remittances[-1]["lines"])
    scope = settled.scope
    return {
        "shop_id": scope.shop_id,
        "mode": Mode(scope.mode).public,
        "first_day": scope.first_day.isoformat(),
        "last_day": scope.last_day.isoformat(),
        "remittances": remittances,
        "chargebacks": chargebacks,
        "left_out": sum(len(each.bank_lines) for each in settled.remittances) - (lines_max - free),
    }


def _remittance(
    remittance: Remittance, taken_back: Mapping[str, int], lines_max: int
) -> dict[str, Any]:
    lines = [line_data(line) for line in remittance.bank_lines]
    for line in lines:
        line["chargebacks_minor"] = taken_back.get(line["reference"] or "", 0)
    return {
        **key_data(remittance.remittance_key),
        "rows": len(remittance.bank_lines),
        "payments_minor": remittance.payments_minor,
        "refunds_minor": remittance.refunds_minor,
        "gross_minor": remittance.gross_minor,
        "fee_minor": remittance.fee_minor,
        "net_minor": remittance.net_minor,
        "known_minor": remittance.known_minor,
        "difference_minor": remittance.difference_minor,
        "chargebacks_minor": sum(line["chargebacks_minor"] for line in lines),
        "results": {result.value: remittance.count(result) for result in LineResult},
        "lines": lines[:lines_max],
    }


def key_data(remittance_key: RemittanceKey) -> dict[str, Any]:
    """Return what identifies a remittance under its public names."""
    return {
        "remitted_on": remittance_key.remitted_on.isoformat(),
        "contract": remittance_key.contract,
        "number": remittance_key.number,
        "currency": remittance_key.currency,
    }


def line_data(bank_line: RemittanceLine) -> dict[str, Any]:
    """Return one row of a bank journal under its public names."""
    claim, known = bank_line.listed_row.claim, bank_line.known
    return {
        "result": bank_line.line_result.value,
        "certainty": bank_line.listed_row.match.certainty,
        "reference": known and known.reference,
        "uuid": known and known.uuid,
        "trans_id": claim.trans_id,
        "order_id": claim.order_id or (known and known.order_id),
        "paid_on": claim.paid_on and claim.paid_on.isoformat(),
        "direction": claim.direction,
        "gross_minor": bank_line.gross_minor,
        "fee_minor": bank_line.fee_minor,
        "net_minor": bank_line.net_minor,
        "known_amount_minor": known and known.amount_minor,
        "known_currency": known and known.currency,
        "known_status": known and known.status,
        "file_id": claim.file_id,
        "file_name": bank_line.listed_row.kept_file.file_name,
        "line": claim.line_number,
    }


def _chargeback(listed_row: ListedRow) -> dict[str, Any]:
    known = listed_row.match.known
    reference, currency = (known.reference, known.currency) if known else (None, None)
    return chargeback_data(listed_row, reference, currency) | {
        "trans_id": listed_row.claim.trans_id,
        "contract": listed_row.claim.contract,
    }


def _sum_by_reference(chargebacks: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for each in chargebacks:
        if each["reference"] is not None:
            sums[each["reference"]] = sums.get(each["reference"], 0) + (each["amount_minor"] or 0)
    return sums
