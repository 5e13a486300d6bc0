"""What files of the platform list, as a reader may see it: the same for the API and the pages."""

from datetime import datetime
from typing import Any

from ledger.errors import ViewNotBuiltError
from ledger.queries.find_by_name import ORDER
from ledger.queries.state import State
from ledger.reconciliation.chargebacks import chargebacks_of
from ledger.reconciliation.listed import names_of_order, names_of_transaction
from ledger.reconciliation.order_claims import claims_about_order
from ledger.reconciliation.remittances import SettledDays
from ledger.reconciliation.remitted import remitted_of, sums_of
from ledger.reconciliation.settlement_data import LINES_MAX, settlement_data
from web.authentication import redact_for_reader
from web.context import ledger


def listed_of(state: State, as_of: datetime | None) -> dict[str, Any] | None:
    """Return what files list about a transaction or an order, as they were here by then.

    Shape: None while the read model is not built that says which payment a row is about.
    """
    with ledger().database.connect() as connection:
        try:
            if state["kind"] == ORDER:
                order = (state["shop_id"], state["mode"], state["order_id"])
                names = names_of_order(connection, *order)
            else:
                names = names_of_transaction(state)
            remitted = remitted_of(connection, names, recorded_until=as_of)
            return {
                "chargebacks": chargebacks_of(connection, names, recorded_until=as_of),
                "remitted": list(map(redact_for_reader, remitted)),
                "sums": sums_of(remitted),
            }
        except ViewNotBuiltError:
            return None


def add_claims(state: State, as_of: datetime | None) -> None:
    """Add to the findings of an order what files list otherwise of it, as was known by then."""
    with ledger().database.connect() as connection:
        state["findings"] += claims_about_order(connection, state, recorded_until=as_of)


def settlement_of(settled: SettledDays, lines_max: int = LINES_MAX) -> dict[str, Any]:
    """Return the remittances of some days. Shape: as `settlement_data`."""
    document = settlement_data(settled, lines_max)
    for remittance in document["remittances"]:
        remittance["lines"] = list(map(redact_for_reader, remittance["lines"]))
    return document
