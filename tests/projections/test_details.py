"""A read model may take harmless details of the platform, and never what is about a person."""

import re
from typing import Any

import msgspec
import pytest

from ledger.application import Ledger
from ledger.projections.definition import (
    Projection,
)
from ledger.projections.details import HarmlessDetail
from ledger.projections.engine.fingerprints import compute_fingerprint
from ledger.projections.engine.leadership import ProjectionRunner
from ledger.storage.database import Database
from tests.builders import a_form_call, a_rest_call, minutes, receive
from tests.projections.cards import COUNTRY, MODEL, card, cards, with_cards
from tests.projections.helpers import eventually, follow, rebuilt, rows


@pytest.fixture
def ledger(database: Database, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    return with_cards(database, monkeypatch)


def countries(ledger: Ledger) -> list[str | None]:
    return [row["card_country"] for row in rows(ledger, "cards")["cards"]]


def in_rest(country: str, **more: Any) -> bytes:
    details = {"cardDetails": {"country": country}}
    return a_rest_call(transactionDetails=details, **more)


@pytest.mark.parametrize("body", [a_form_call(card_country="FR"), in_rest("FR")])
def test_a_detail_becomes_a_column_in_either_format(ledger: Ledger, body: bytes) -> None:
    receive(ledger, body)

    follow(ledger)

    assert countries(ledger) == ["FR"]


def test_a_rebuild_takes_it_too(ledger: Ledger) -> None:
    receive(ledger, a_form_call(card_country="FR"))
    receive(ledger, a_form_call(trans_uuid="b2" * 16, trans_id="200002", card_country="DE"))
    follow(ledger)

    assert rebuilt(ledger, "cards").is_identical
    assert sorted(map(str, countries(ledger))) == ["DE", "FR"]


def test_late_news_replaces_no_detail(ledger: Ledger) -> None:
    receive(ledger, in_rest("FR", at=minutes(10)))
    receive(ledger, in_rest("DE", at=minutes(5)))

    follow(ledger)

    assert countries(ledger) == ["FR"]


def test_an_event_without_it_leaves_it_as_it_was(ledger: Ledger) -> None:
    receive(ledger, a_form_call(card_country="FR"))
    receive(ledger, a_form_call("CAPTURED", "BATCH"))

    follow(ledger)

    assert countries(ledger) == ["FR"]


def test_what_a_doubtful_form_says_does_not_remain(ledger: Ledger) -> None:
    receive(ledger, a_form_call(card_country="XX", note="x"), is_from_named_range=False)
    receive(ledger, a_form_call("CAPTURED", "BATCH", card_country=None))

    follow(ledger)

    assert countries(ledger) == [None]


def test_models_that_read_together_share_what_one_of_them_needs(ledger: Ledger) -> None:
    receive(ledger, a_form_call(card_country="FR"))
    runner = ProjectionRunner(ledger)
    runner.start()
    try:
        eventually(lambda: countries(ledger) == ["FR"])
    finally:
        runner.stop()


@pytest.mark.parametrize(
    "name",
    [
        *("vads_cust_email", "vads_order_info", "vads_ext_info_country", "customer.email", "x"),
        *("vads_card_holder_name", "transactionDetails.cardDetails.pan"),
        "transactionDetails.fraudManagement.riskControl.*.name",
    ],
)
def test_a_name_that_is_not_harmless_is_refused_at_once(name: str) -> None:
    with pytest.raises(ValueError, match=re.escape(name)):
        HarmlessDetail("vads_card_country", name)


def test_a_detail_that_a_model_has_not_named_cannot_be_read() -> None:
    with pytest.raises(AssertionError, match="name it"):
        COUNTRY.within(msgspec.UNSET)


def test_a_detail_belongs_to_the_fingerprint() -> None:
    other = HarmlessDetail("vads_card_brand", "transactionDetails.cardDetails.country")
    changed = Projection("cards", (cards,), card, kinds=("transaction",), harmless_details=(other,))

    assert compute_fingerprint(MODEL, version=1) != compute_fingerprint(changed, version=1)
