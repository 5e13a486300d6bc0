"""The platform's files about money of the day that `comparing` has: remittances, chargebacks."""

from collections.abc import Iterable
from datetime import datetime

from ledger.application import Ledger
from tests.queries.filling import follow
from tests.reconciliation.comparing import NOW, import_journal

BANK_NAME = "TEST_JRB_BOUTIQUE_12345678_260312.csv"
UNPAID_NAME = "TEST_JRI_BOUTIQUE_12345678_260401_V1.csv"
_BANK = (
    "TITRE;BOUTIQUE;26/03/13_11:04:00;TABLE_V2;",
    "ENTETE;CONTRACT;PAYMENT_DATE;TRANSACTION_ID;CURRENCY_CODE;ORDER_ID;OPERATION_TYPE;"
    "REMITTANCE_DATE;BRUT_AMOUNT;MATCH_STATUS;REMITTANCE_NB;NET_AMOUNT;COMMISSION_AMOUNT;",
)
_UNPAID = (
    "TITRE;BOUTIQUE;26/04/02;V1;LES IMPAYÉS RAPPROCHÉS DU JOUR;",
    "ENTETE;MERCHANT_COUNTRY;MERCHANT_ID;CONTRACT;PAYMENT_DATE;TRANSACTION_ID;OPERATION_TYPE;"
    "SOURCE_AMOUNT;SIRET;",
)


def a_bank_row(
    number: str = "410001",
    gross: str = "2990",
    net: str = "295500",
    fee: str = "35",
    *,
    operation: str = "DT",
    remittance: str = "7",
    remitted_on: str = "20260312",
    order_id: str = "",
) -> str:
    """A row of a remittance; the net amount has two decimals more, as was seen."""
    cells = ("MATCHING", "1234567", "20260310", number, "978", order_id, operation, remitted_on)
    return ";".join((*cells, gross, "MATCH_OK", remittance, net, fee, ""))


def an_unpaid_row(number: str = "410001", amount: str = "2990") -> str:
    """A row about a payment of the day that was taken back."""
    return f"DETAIL;FR;0;1234567;20260310;{number};D;{amount};0;"


def import_bank(ledger: Ledger, *detail_lines: str, name: str = BANK_NAME) -> str:
    """Put a bank journal here; return the id of the file."""
    return _import(ledger, (*_BANK, *detail_lines, "FIN;"), name)


def import_unpaid(
    ledger: Ledger, *detail_lines: str, name: str = UNPAID_NAME, now: datetime = NOW
) -> str:
    """Put an unpaid journal here; return the id of the file."""
    return _import(ledger, (*_UNPAID, *detail_lines, "FIN;"), name, now)


def _import(ledger: Ledger, lines: Iterable[str], name: str, now: datetime = NOW) -> str:
    follow(ledger)
    content = "".join(f"{line}\r" for line in lines).encode()
    return import_journal(ledger, content, name, now=now).file.id
