"""A read model of tests that takes a harmless detail: the country of each transaction's card."""

from collections.abc import MutableMapping

import pytest
from sqlalchemy import Column, MetaData, Table, Text

from ledger.application import Ledger
from ledger.projections.definition import EventRecord, Projection, Rows, stream_columns, stream_row
from ledger.projections.details import HarmlessDetail
from ledger.projections.engine import registry
from ledger.projections.engine.leadership import prepare_views
from ledger.storage.database import Database
from tests.builders import a_ledger

COUNTRY = HarmlessDetail("vads_card_country", "transactionDetails.cardDetails.country")
cards = Table("cards", MetaData(), *stream_columns(Column("card_country", Text)))


def card(event: EventRecord) -> Rows:
    yield cards, stream_row(event, {"card_country": event.detail(COUNTRY)})


MODEL = Projection("cards", (cards,), card, kinds=("transaction",), harmless_details=(COUNTRY,))


def with_cards(database: Database, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """Return a ledger with one more read model."""
    models: MutableMapping[str, Projection] = registry.PROJECTIONS  # type: ignore[assignment]
    monkeypatch.setitem(models, "cards", MODEL)
    prepare_views(database)
    return a_ledger(database)
