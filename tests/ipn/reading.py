"""Bodies read without a ledger: what one says, or why it is refused."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from ledger.errors import NotificationError
from ledger.ipn.delivery import Limits
from ledger.ipn.parse import read
from ledger.ipn.shops_and_keys import FORM_HMAC, REST_BROWSER, REST_PASSWORD, Shops
from ledger.ipn.snapshots import NotificationContent
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

LIMITS = Limits()
FORM_KEY = secret(SHOP_ID, "TEST", FORM_HMAC)
PASSWORD = secret(SHOP_ID, "TEST", REST_PASSWORD)
BROWSER_KEY = secret(SHOP_ID, "TEST", REST_BROWSER)

A_TEXT = json.dumps(an_answer(), separators=(",", ":"))
BODIES = {"form": form_body(a_form()), "rest": rest_body(an_answer())}
both_formats = pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)

Case = tuple[str, str, bytes]
"""A reason, what is wrong, and a body in which it is."""


def cases(table: list[Case]) -> pytest.MarkDecorator:
    """Run a test with each reason and body of a table."""
    rows = [pytest.param(reason, body, id=f"{reason}-{name}") for reason, name, body in table]
    return pytest.mark.parametrize(("reason", "body"), rows)


def content_of(body: bytes, keyring: Shops | None = None, **changes: Any) -> NotificationContent:
    """Return what a body says. Errors: NotificationError."""
    both_shops = shops(a_shop(), a_shop(OTHER_SHOP_ID))
    _, content = read(a_delivery(body, **changes), keyring or both_shops, LIMITS)
    return content


def reason_of(body: bytes, keyring: Shops | None = None, **changes: Any) -> str | None:
    """Return why a body is refused; None when it is not."""
    try:
        content_of(body, keyring, **changes)
    except NotificationError as refusal:
        return refusal.reason
    return None


def with_text(old: str, new: str) -> bytes:
    """Return an accepted payment with a piece of its JSON replaced before it is signed."""
    assert old in A_TEXT
    return rest_body(A_TEXT.replace(old, new))


def without(body: bytes, name: str) -> bytes:
    """Return a body without one of its fields, signed as before."""
    fields = body.split(b"&")
    return b"&".join(field for field in fields if not field.startswith(f"{name}=".encode()))


def signature_of(body: bytes) -> str:
    return dict(parse_qsl(body.decode()))["signature"]


BUYER = "x+DEBIT+12345678+20260310091502+100001+AUTHORISED+y"
A_SIGNED_FORM: Mapping[str, str] = {
    "vads_ctx_mode": "TEST",
    "vads_cust_last_name": BUYER,
    "vads_site_id": SHOP_ID,
}


def a_relabelled_form() -> bytes:
    """Names are not signed: a form whose buyer is called like a payment, posted as a call."""
    pretended = {
        "vads_ctx_mode": "TEST",
        "vads_hash": "x",
        "vads_operation_type": "DEBIT",
        "vads_order_info": BUYER.removeprefix("x+DEBIT+"),
        "vads_site_id": SHOP_ID,
    }
    return urlencode(pretended | {"signature": signature_of(form_body(A_SIGNED_FORM))}).encode()
