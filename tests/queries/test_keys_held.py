"""Which keys are held, when each last verified a call, and since when calls fail."""

import pytest

from ledger.application import Ledger
from ledger.ipn.shops_and_keys import FORM_HMAC, Shops
from ledger.queries.activity import Scope
from ledger.queries.keys_held import FailingCalls, ShopKeys, keys_held
from ledger.storage.database import Database
from tests.builders import (
    NOON,
    OTHER_SHOP_ID,
    SHOP_ID,
    a_form_call,
    a_ledger,
    a_rest_call,
    a_shop,
    receive,
    shops,
)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return a_ledger(database)


def fails(ledger: Ledger, body: bytes) -> None:
    """A call that comes before its key."""
    known, ledger.shops = ledger.shops, shops(a_shop(kinds=()))
    assert receive(ledger, body).reason == "no-key"
    ledger.shops = known


def cards(ledger: Ledger, keyring: Shops | None = None, *shop_ids: str) -> list[ShopKeys]:
    scope = Scope("TEST", shop_ids or (SHOP_ID,), is_limited=bool(shop_ids))
    with ledger.database.connect() as connection:
        return keys_held(connection, keyring or ledger.shops, scope, now=NOON)


def form_failures(ledger: Ledger) -> FailingCalls:
    (failing,) = cards(ledger)[0].failing
    return failing


def test_each_key_says_what_it_verified_last(ledger: Ledger) -> None:
    receive(ledger, a_form_call())

    (card,) = cards(ledger)

    form_key, rest_key, browser_key = card.keys
    assert (form_key.kind, form_key.format, form_key.is_valid) == (FORM_HMAC, "form-v2", True)
    assert form_key.last_verified_at is not None
    assert (rest_key.last_verified_at, browser_key.format) == (None, None)
    assert card.failing == ()


def test_all_calls_of_a_format_fail_since_the_first_after_the_last_verified_one(
    ledger: Ledger,
) -> None:
    fails(ledger, a_form_call("AUTHORISED"))
    receive(ledger, a_form_call("CAPTURED"))
    one_failed = form_failures(ledger)
    fails(ledger, a_form_call("CANCELLED"))
    all_fail = form_failures(ledger)

    assert (one_failed.count, one_failed.all_fail_since) == (1, None)
    assert all_fail.last_verified_at is not None
    assert all_fail.all_fail_since is not None
    assert all_fail.first_at < all_fail.last_verified_at < all_fail.all_fail_since
    assert all_fail.all_fail_since == all_fail.last_at
    assert (all_fail.format, all_fail.count, all_fail.reasons) == ("form-v2", 2, {"no-key": 2})


def test_formats_fail_apart(ledger: Ledger) -> None:
    receive(ledger, a_form_call())
    fails(ledger, a_rest_call())

    assert form_failures(ledger).format == "rest-v4"
    assert form_failures(ledger).last_verified_at is None


def test_a_number_that_the_shops_file_does_not_have_is_shown_to_whoever_sees_all(
    ledger: Ledger,
) -> None:
    assert receive(ledger, a_form_call(site_id=OTHER_SHOP_ID)).reason == "unknown-shop"

    known, unknown = cards(ledger)
    limited = cards(ledger, None, SHOP_ID)

    assert (known.shop_id, unknown.shop_id, unknown.keys) == (SHOP_ID, OTHER_SHOP_ID, ())
    assert unknown.failing[0].reasons == {"unknown-shop": 1}
    assert [card.shop_id for card in limited] == [SHOP_ID]
