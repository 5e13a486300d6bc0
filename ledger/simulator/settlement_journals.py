"""Write the journals about money at the bank: remittances (JRB) and chargebacks (JRI).

Source: delivery reference, sections 12.6, 12.7 and 13.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from ledger.simulator.form_v2_payment import currency_number
from ledger.simulator.journal_layout import Cells, JournalShop, journal_bytes, made_at
from ledger.simulator.payment_lives import CREDIT, Payment
from ledger.simulator.platform_truth import Capture, Chargeback, TrueTransaction

_BANK_COLUMNS = (
    *("MERCHANT_COUNTRY", "MERCHANT_ID", "CONTRACT", "PAYMENT_DATE", "TRANSACTION_ID"),
    *("ORIGIN_AMOUNT", "CURRENCY_CODE", "PAYMENT_METHOD", "ORDER_ID", "RETURN_CONTEXT"),
    *("CUSTOMER_ID", "OPERATION_TYPE", "OPERATION_NUMBER", "REMITTANCE_DATE", "REMITTANCE_TIME"),
    *("BRUT_AMOUNT", "MATCH_STATUS", "REMITTANCE_NB", "NET_AMOUNT", "COMMISSION_AMOUNT"),
    "COMMISSION_CURRENCY",
)
_UNPAID_COLUMNS = (
    *("MERCHANT_COUNTRY", "MERCHANT_ID", "CONTRACT", "PAYMENT_DATE", "TRANSACTION_ID"),
    *("OPERATION_TYPE", "SOURCE_AMOUNT", "SIRET"),
)
_BANK_HOUR = 11
_UNPAID_HOUR = 2
_NET_FACTOR = 100
"""The net amount has two decimals more than gross and commission, as was seen."""


def bank_journal(
    shop: JournalShop,
    day: date,
    captures: Sequence[Capture],
    transaction_by_uuid: Mapping[str, TrueTransaction],
) -> bytes:
    """Return the bank reconciliation journal V2 of a day, a line for each captured transaction."""
    title = (shop.label, f"{made_at(day, _BANK_HOUR):%y/%m/%d_%H:%M:%S}", "TABLE_V2")
    detail_lines = [
        _bank_cells(shop, capture, transaction_by_uuid[capture.payment.uuid])
        for capture in captures
    ]
    return journal_bytes(title, _BANK_COLUMNS, "MATCHING", detail_lines)


def unpaid_journal(shop: JournalShop, day: date, chargebacks: Sequence[Chargeback]) -> bytes:
    """Return the journal V1 of the chargebacks of a day."""
    name = "LES IMPAYÉS RAPPROCHÉS DU JOUR"
    title = (shop.label, f"{made_at(day, _UNPAID_HOUR):%y/%m/%d}", "V1", name)
    detail_lines = [
        {
            **_payment_cells(shop, chargeback.payment),
            "OPERATION_TYPE": "D",
            "SOURCE_AMOUNT": str(chargeback.payment.amount_minor),
            "SIRET": shop.siret,
        }
        for chargeback in chargebacks
    ]
    return journal_bytes(title, _UNPAID_COLUMNS, "DETAIL", detail_lines)


def _payment_cells(shop: JournalShop, payment: Payment) -> Cells:
    return {
        "MERCHANT_COUNTRY": "FR",
        "MERCHANT_ID": shop.merchant_id,
        "CONTRACT": payment.means.contract,
        "PAYMENT_DATE": f"{payment.created_at:%Y%m%d}",
        "TRANSACTION_ID": payment.trans_id,
    }


def _bank_cells(shop: JournalShop, capture: Capture, true_transaction: TrueTransaction) -> Cells:
    payment, call = capture.payment, true_transaction.states[0].call
    currency = currency_number(payment.currency)
    return {
        **_payment_cells(shop, payment),
        "ORIGIN_AMOUNT": str(true_transaction.states[0].payment.amount_minor),
        "CURRENCY_CODE": currency,
        "PAYMENT_METHOD": payment.means.brand,
        "ORDER_ID": payment.order_id or "",
        "RETURN_CONTEXT": "|".join(call.request.info.values()),
        "CUSTOMER_ID": call.buyer.reference,
        "OPERATION_TYPE": "CT" if payment.operation_type == CREDIT else "DT",
        "OPERATION_NUMBER": "1",
        "REMITTANCE_DATE": f"{capture.captured_at:%Y%m%d}",
        "REMITTANCE_TIME": f"{capture.captured_at:%H%M%S}",
        "BRUT_AMOUNT": str(payment.amount_minor),
        "MATCH_STATUS": "MATCH_OK",
        "REMITTANCE_NB": str(payment.remittance_number),
        "NET_AMOUNT": "" if capture.net_minor is None else str(capture.net_minor * _NET_FACTOR),
        "COMMISSION_AMOUNT": "" if capture.fee_minor is None else str(capture.fee_minor),
        "COMMISSION_CURRENCY": "" if capture.fee_minor is None else currency,
    }
