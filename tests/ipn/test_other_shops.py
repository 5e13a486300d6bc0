"""A refusal is explained cheaply at arrival, and in full for whoever looks at it later."""

import pytest

from ledger.errors import NotificationError
from ledger.ipn.other_shops import is_signed_for_another_shop
from ledger.ipn.parse import read
from ledger.ipn.shops_and_keys import FORM_HMAC, REST_BROWSER, REST_PASSWORD
from tests.builders import (
    OTHER_SHOP_ID,
    SHOP_ID,
    a_delivery,
    a_form,
    a_shop,
    an_answer,
    form_body,
    rest_body,
    secret,
    shops,
)
from tests.ipn.reading import LIMITS, reason_of, without
from tests.timing import takes_less

TWO_SHOPS = shops(a_shop(), a_shop(OTHER_SHOP_ID))
THOUSAND_SHOPS = shops(a_shop(), *(a_shop(str(20_000_000 + number)) for number in range(999)))
OF_ANOTHER_SHOP = {
    "form": form_body(a_form(), secret(OTHER_SHOP_ID, "TEST", FORM_HMAC)),
    "form-other-mode": form_body(a_form(), secret(OTHER_SHOP_ID, "PRODUCTION", FORM_HMAC)),
    "form-unreadable": form_body(
        a_form(vads_amount="12,50"), secret(OTHER_SHOP_ID, "TEST", FORM_HMAC)
    ),
    "rest": rest_body(an_answer(), key=secret(OTHER_SHOP_ID, "TEST", REST_PASSWORD)),
}
OF_NO_OTHER_SHOP = {
    "own": form_body(a_form()),
    "nobody": form_body(a_form(), "another"),
    "unsigned": without(form_body(a_form()), "signature"),
    "no-mode": form_body(a_form(vads_ctx_mode="")),
    "no-form": b"payment=accepted",
    "browser": rest_body(an_answer(), key=secret(OTHER_SHOP_ID, "TEST", REST_BROWSER)),
}


@pytest.mark.parametrize("body", OF_ANOTHER_SHOP.values(), ids=OF_ANOTHER_SHOP)
def test_the_key_of_another_shop_is_found_by_who_looks_not_at_arrival(body: bytes) -> None:
    assert reason_of(body) == "signature-mismatch"
    assert is_signed_for_another_shop(a_delivery(body), TWO_SHOPS, LIMITS)


@pytest.mark.parametrize("body", OF_NO_OTHER_SHOP.values(), ids=OF_NO_OTHER_SHOP)
def test_what_no_other_shop_signed_is_not_said_to_be_of_one(body: bytes) -> None:
    assert not is_signed_for_another_shop(a_delivery(body), TWO_SHOPS, LIMITS)


@pytest.mark.parametrize("format_", ["form", "rest"])
def test_a_refusal_costs_the_same_with_a_thousand_shops(format_: str) -> None:
    """A stranger's call of 250 kB takes less than ten milliseconds."""
    filler = "x" * 250_000
    body = form_body(a_form(vads_ext_info_note=filler), "another")
    if format_ == "rest":
        body = rest_body(an_answer(whole={"note": filler}), key="another")
    delivery = a_delivery(body)

    def refused() -> None:
        with pytest.raises(NotificationError, match="no key of this shop and mode"):
            read(delivery, THOUSAND_SHOPS, LIMITS)

    assert len(THOUSAND_SHOPS.shop_by_id) == 1000
    assert SHOP_ID in THOUSAND_SHOPS.shop_by_id
    assert takes_less(0.010, refused)
