"""One payment in several calls, some with its uuid and some without, and what is known of it."""

from typing import Any

from ledger.application import Ledger
from ledger.queries.find_by_name import TRANSACTION, events_known, find_stream
from ledger.queries.history import history_data, timeline
from ledger.queries.orders import order, order_history
from ledger.queries.readable import readable_events
from ledger.queries.state import current_state
from tests.builders import SHOP_ID, UUID, a_form_call
from tests.projections.helpers import all_rows, follow

AN_ORDER = "CMD-2026-0001"
REFERENCE = "20260310-100001-1-DEBIT"


def without_uuid(status: str = "AUTHORISED", source: str = "PAY", **fields: str | None) -> bytes:
    return a_form_call(status, source, **({"trans_uuid": None} | fields))


def without_number(status: str = "AUTHORISED", source: str = "PAY", **fields: str | None) -> bytes:
    """A call that names its uuid and not its attempt."""
    return a_form_call(status, source, **({"sequence_number": None} | fields))


def state(ledger: Ledger, name: str = UUID, **known: Any) -> dict[str, Any]:
    return current_state(
        readable_events(
            ledger,
            events_known(ledger, find_stream(ledger, TRANSACTION, SHOP_ID, "TEST", name), **known),
        )
    )


def history(ledger: Ledger, name: str = UUID) -> list[dict[str, Any]]:
    stream_id = find_stream(ledger, TRANSACTION, SHOP_ID, "TEST", name)
    return [
        history_data(entry)
        for entry in timeline(readable_events(ledger, events_known(ledger, stream_id)))
    ]


def balance(ledger: Ledger) -> dict[str, Any]:
    follow(ledger)
    of_order = order(
        order_history(ledger, SHOP_ID, "TEST", AN_ORDER),
        shop_id=SHOP_ID,
        mode="test",
        order_id=AN_ORDER,
    )
    (own,) = of_order["balances"]
    (row,) = (row for row in all_rows(ledger)["orders"] if row["order_id"] == AN_ORDER)
    assert {name: row[name] for name in own if name in row} == own
    assert len(of_order["transactions"]) == own["transactions"]
    return own
