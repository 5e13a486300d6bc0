"""Calls that nobody made: payment forms of a shop, signed by it, under the names of a call.

The forger never has the key. They fill in a shop's form as a buyer, see the signature, and name
the signed values anew: in their order, joined where that helps, since values are joined by `+`.
"""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlencode

from ledger.ipn.form_v2_names import NAMES
from ledger.ipn.signature import form_text, sign_form_hmac
from tests.builders import SHOP_ID, secret

ORDER_ID = "ORDER-4711"
FAKE_UUID = "c4" * 16
TEXTS = {
    "vads_effective_amount": "999900",
    "vads_effective_currency": "978",
    "vads_hash": "a" * 24,
    "vads_operation_type": "DEBIT",
    "vads_order_id": ORDER_ID,
    "vads_site_id": SHOP_ID,
    "vads_trans_date": "20261126140000",
    "vads_trans_id": "123456",
    "vads_trans_status": "AUTHORISED",
    "vads_trans_uuid": FAKE_UUID,
    "vads_url_check_src": "PAY",
}
"""What a buyer types, by the name that a forger wants it to have."""

MORE_TEXTS = {"vads_result": "00", "vads_sequence_number": "1", "vads_version": "V2"}
"""What else a careful forger types, so that nothing is missing."""

BUYER_FIELDS = tuple(
    f"vads_{name}"
    for name in (
        *("cust_address", "cust_cell_phone", "cust_city", "cust_first_name", "cust_last_name"),
        *("cust_phone", "cust_state", "ship_to_city", "ship_to_first_name", "ship_to_last_name"),
        *("ship_to_name", "ship_to_phone_num", "ship_to_state", "ship_to_street"),
    )
)


def a_payment_form(mode: str, buyer: Mapping[str, str], fillers: int = 0) -> dict[str, str]:
    """The form of a shop, with what its buyer typed, and some data of the merchant's own."""
    return {
        "vads_action_mode": "INTERACTIVE",
        "vads_amount": "100",
        "vads_capture_delay": "0",
        "vads_ctx_mode": mode,
        "vads_currency": "978",
        "vads_language": "fr",
        "vads_order_id": ORDER_ID,
        "vads_page_action": "PAYMENT",
        "vads_payment_config": "SINGLE",
        "vads_return_mode": "POST",
        "vads_site_id": SHOP_ID,
        "vads_trans_date": "20261126140000",
        "vads_trans_id": "123456",
        "vads_url_return": "https://shop.example/back",
        "vads_validation_mode": "0",
        "vads_version": "V2",
        **{f"vads_ext_info_{number:02d}": f"filler {number}" for number in range(fillers)},
        **buyer,
    }


def typed(texts: Iterable[str]) -> dict[str, str]:
    """What a buyer types into the fields of a form, in this order."""
    return dict(zip(BUYER_FIELDS, texts, strict=False))


def forged(form: Mapping[str, str], pretended: Mapping[str, str], naming: str) -> dict[str, str]:
    """Name the values of a signed form anew, so that as many as can be have a wanted name.

    Shape: `naming` says how the others are named: `invented`, `free` (behind prefixes of which the
    platform has many fields) or `platform` (only names that it documents, values joined).
    """
    pieces = form_text(form).split("+")
    places = _places(pieces, sorted({**pretended, "vads_ctx_mode": form["vads_ctx_mode"]}.items()))
    fields: dict[str, str] = {}
    name, begin = "vads_", 0
    for wanted_name, place in [*places, ("w", len(pieces))]:
        left_over = pieces[begin:place]
        named = _fillers(left_over, name, wanted_name, naming)
        fields |= named
        if place < len(pieces):
            fields[wanted_name] = pieces[place]
        name, begin = wanted_name, place + 1
    assert form_text(fields) == form_text(form)
    return fields


def forged_body(form: Mapping[str, str], fields: Mapping[str, str]) -> bytes:
    """The forged call, with the signature that the shop made for its form."""
    key = secret(SHOP_ID, form["vads_ctx_mode"], "form-hmac-sha256")
    signature = sign_form_hmac(form_text(form), key)
    return urlencode({**fields, "signature": signature}).encode()


def _places(pieces: Sequence[str], goals: Sequence[tuple[str, str]]) -> list[tuple[str, int]]:
    """Return the most wanted names whose values stand in their order, with their places."""
    best: list[list[tuple[str, int]]] = [[]]
    for name, value in goals:
        for chain in list(best):
            begin = chain[-1][1] + 1 if chain else 0
            if value in pieces[begin:]:
                best.append([*chain, (name, pieces.index(value, begin))])
        best = sorted(best, key=lambda chain: (-len(chain), chain[-1][1] if chain else 0))[:40]
    return best[0]


def _fillers(left_over: Sequence[str], after: str, before: str, naming: str) -> dict[str, str]:
    if not left_over:
        return {}
    known = sorted(name for name in NAMES if after < name < before)
    if naming == "platform" and known:
        rest = left_over[len(known) - 1 :]
        values = [*left_over[: len(known) - 1], *(["+".join(rest)] if rest else [])]
        return dict(zip(known, values, strict=False))
    names = []
    prefixes = ("vads_cust_x", "vads_ext_info_", "vads_product_label9", "vads_ship_to_x")
    free = next((prefix for prefix in prefixes if after < prefix < before), None)
    stem = free if naming == "free" and free else f"{after}_"
    for number in range(len(left_over)):
        names.append(f"{stem}{number:04d}")
    return dict(zip(names, left_over, strict=True))
