"""Write the journals that list every payment of a day: JT, JT with chosen columns, and JAM.

Source: delivery reference, sections 12.4, 12.8 and 13.
"""

from collections.abc import Sequence
from datetime import date, datetime

from ledger.simulator.form_v2_payment import currency_number
from ledger.simulator.journal_layout import Cells, JournalShop, journal_bytes, made_at
from ledger.simulator.payment_lives import VERIFICATION, Call, Payment
from ledger.simulator.platform_truth import TrueTransaction
from ledger.simulator.rest_v4 import status_of

_JT_HOUR = 2
_JAM_HOUR = 20

_COLUMNS = (
    *("TRANSACTION_ID", "MERCHANT_ID", "PAYMENT_MEANS", "CONTRACT", "TRANSACTION_TYPE"),
    *("ORIGIN_AMOUNT", "AMOUNT", "CURRENCY_CODE", "PAYMENT_DATE", "PAYMENT_TIME", "CARD_VALIDITY"),
    *("CARD_TYPE", "CARD_NUMBER", "RESPONSE_CODE", "COMPLEMENTARY_CODE", "CERTIFICATE"),
    *("AUTHORISATION_ID", "CAPTURE_DATE", "TRANSACTION_STATUS", "RETURN_CONTEXT", "ORDER_ID"),
    *("CUSTOMER_ID", "CUSTOMER_IP_ADDRESS"),
)
_RENAMED_COLUMNS = {
    "Date du paiement": "PAYMENT_DATE",
    "Date remise": "CAPTURE_DATE",
    "Commande": "ORDER_ID",
    "Contrat": "CONTRACT",
    "Type": "TRANSACTION_TYPE",
    "Montant": "AMOUNT",
    "Statut": "TRANSACTION_STATUS",
    "Moyen utilisé": "CARD_TYPE",
}
_JAM_COLUMNS = (
    *("TRANSACTION_UUID", "TRANSACTION_ID", "ORDER_ID", "OPERATION_TYPE", "OPERATION_DIRECTION"),
    *("TRANSACTION_STATUS", "MERCHANT_ID"),
    # the reference has no names from here on: those of the transactions journal
    *("CONTRACT", "PAYMENT_DATE", "PAYMENT_TIME", "ORIGIN_AMOUNT", "AMOUNT", "CURRENCY_CODE"),
)


def transactions_journal(
    shop: JournalShop, day: date, true_transactions: Sequence[TrueTransaction]
) -> bytes:
    """Return the transactions journal of a day, with the default columns V_CUSTOM."""
    at = made_at(day, _JT_HOUR)
    title = (shop.label, f"{at:%y/%m/%d_%H:%M:%S}", "TABLE_V_CUSTOM")
    detail_lines = [_cells(shop, true_transaction, at) for true_transaction in true_transactions]
    return journal_bytes(title, _COLUMNS, "TRANSACTION", detail_lines, has_end=False)


def customised_transactions_journal(
    shop: JournalShop, day: date, true_transactions: Sequence[TrueTransaction]
) -> bytes:
    """Return the same journal as a merchant chose it: French labels, no short number, no currency.

    Shape: ISO-8859-1. Source: delivery reference, section 13, seen in 2026.
    """
    at = made_at(day, _JT_HOUR)
    title = (shop.label, f"{at:%y/%m/%d %H:%M:%S}", "TABLE_V_CUSTOM")
    detail_lines = [_cells(shop, true_transaction, at) for true_transaction in true_transactions]
    return journal_bytes(
        title, _RENAMED_COLUMNS, "TRANSACTION", detail_lines, has_end=False, encoding="iso-8859-1"
    )


def merchant_journal(
    shop: JournalShop, day: date, true_transactions: Sequence[TrueTransaction]
) -> bytes:
    """Return the merchant journal of a day, with uuids; it is made of no payment, too.

    Shape: payments and refunds, no verifications; UTF-8.
    """
    at = made_at(day, _JAM_HOUR)
    title = (f"{at:%Y-%m-%dT%H:%M:%SZ}", "V1", shop.client_code, shop.label)
    detail_lines = [
        _merchant_cells(shop, true_transaction, at)
        for true_transaction in true_transactions
        if true_transaction.last.operation_type != VERIFICATION
    ]
    return journal_bytes(title, _JAM_COLUMNS, "TRANSACTION", detail_lines, encoding="utf-8")


def merchant_journal_name(shop: JournalShop, day: date) -> str:
    """Return the name of a daily merchant journal: the day stands before month and year."""
    return f"{shop.shop_id}_JAM_V1_{shop.client_code}_{shop.capital_label}_{day:%d%m%Y}.csv"


def _merchant_cells(shop: JournalShop, true_transaction: TrueTransaction, at: datetime) -> Cells:
    payment = true_transaction.state_at(at).payment
    return {
        **_cells(shop, true_transaction, at),
        "TRANSACTION_UUID": payment.uuid,
        "OPERATION_TYPE": "SINGLE",
        "OPERATION_DIRECTION": payment.operation_type,
        "TRANSACTION_STATUS": status_of(payment),
    }


def _cells(shop: JournalShop, true_transaction: TrueTransaction, at: datetime) -> Cells:
    state = true_transaction.state_at(at)
    payment = state.payment
    first_payment = true_transaction.states[0].payment
    return {
        "TRANSACTION_ID": payment.trans_id,
        "MERCHANT_ID": shop.merchant_id,
        "CONTRACT": payment.means.contract,
        "TRANSACTION_TYPE": payment.operation_type,
        "ORIGIN_AMOUNT": str(first_payment.amount_minor),
        "AMOUNT": str(payment.amount_minor),
        "CURRENCY_CODE": currency_number(payment.currency),
        "PAYMENT_DATE": f"{payment.created_at:%Y%m%d}",
        "PAYMENT_TIME": f"{payment.created_at:%H%M%S}",
        "CAPTURE_DATE": f"{payment.captured_at or payment.capture_at:%Y%m%d}",
        "TRANSACTION_STATUS": payment.status,
        "ORDER_ID": payment.order_id or "",
        **_means_cells(payment),
        **_buyer_cells(state.call),
    }


def _means_cells(payment: Payment) -> Cells:
    means = payment.means
    has_end = means.expiry_year is not None and means.expiry_month is not None
    return {
        "PAYMENT_MEANS": "CARD",
        "CARD_VALIDITY": f"{means.expiry_year}{means.expiry_month:02d}" if has_end else "",
        "CARD_TYPE": means.brand,
        "CARD_NUMBER": means.number,
        "RESPONSE_CODE": payment.authorisation_result or "",
        "COMPLEMENTARY_CODE": "",
        "CERTIFICATE": "",
        "AUTHORISATION_ID": payment.authorisation_number or "",
    }


def _buyer_cells(call: Call) -> Cells:
    return {
        "RETURN_CONTEXT": "|".join(call.request.info.values()),
        "CUSTOMER_ID": call.buyer.reference,
        "CUSTOMER_IP_ADDRESS": call.buyer.ip_address,
    }
