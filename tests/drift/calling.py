"""Calls of both formats, each the first with its signed content, received in a given order."""

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import select

from ledger.application import Ledger
from ledger.drift.catalogue import LEARNED_CALLS
from ledger.drift.follower import DriftIndex
from ledger.storage.database import Database
from ledger.storage.drift_tables import drift_findings, drift_kinds, drift_names, drift_values
from tests.builders import a_delivery, a_form_call, a_ledger, a_rest_call

TABLES = (drift_kinds, drift_names, drift_values, drift_findings)
_numbers = count(1)


def a_call(status: str = "AUTHORISED", **changes: Any) -> bytes:
    """An answer about another transaction each time."""
    return a_rest_call(status, uuid=f"{next(_numbers):032x}", **changes)


def a_form(status: str = "AUTHORISED", **fields: str | None) -> bytes:
    """A form about another transaction each time."""
    return a_form_call(status, trans_uuid=f"{next(_numbers):032x}", **fields)


def tell(ledger: Ledger, *bodies: bytes, received_at: datetime | None = None) -> list[str]:
    """Receive bodies in their order; return the ids of the deliveries."""
    arrival = {} if received_at is None else {"received_at": received_at}
    deliveries = [a_delivery(body, **arrival) for body in bodies]
    for delivery in deliveries:
        ledger.receive(delivery)
    return [delivery.id for delivery in deliveries]


def a_learned_ledger(database: Database) -> Ledger:
    """A ledger that was told of enough payments in REST to know what they look like."""
    ledger = a_ledger(database)
    tell(ledger, *(a_call() for _ in range(LEARNED_CALLS)))
    return ledger


def noticed(ledger: Ledger) -> list[tuple[str, str, str, str]]:
    """What is news once all is read. Shape: what, name, value, delivery; in the order of time."""
    DriftIndex(ledger).catch_up()
    c = drift_findings.c
    query = select(c.drift, c.name, c.value, c.delivery_id).order_by(c.noticed_at, c.drift, c.name)
    with ledger.database.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def stored(ledger: Ledger) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the tables of drift."""
    with ledger.database.connect() as connection:
        return {
            table.name: sorted(tuple(row) for row in connection.execute(select(table)))
            for table in TABLES
        }


def texts(ledger: Ledger) -> Iterator[str]:
    """Every text in the tables of drift."""
    for rows in stored(ledger).values():
        for row in rows:
            yield from (cell for cell in row if isinstance(cell, str))
