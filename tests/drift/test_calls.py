"""What is read of one call: its kind, its names with types, and a few words; or that it cannot."""

from typing import Any

import pytest

from ledger.drift.calls import EMPTY, Call, Shape, read_call
from ledger.errors import MalformedNotificationError
from ledger.ipn.delivery import Limits
from tests.builders import a_delivery, a_form_call, an_answer, rest_body


def read(body: bytes) -> Call:
    return read_call(a_delivery(body), Limits())


def answered(**members: Any) -> Call:
    return read(rest_body({"shopId": "12345678", **members}))


def types_of(read_shape: Shape, *names: str) -> set[tuple[str, str]]:
    return {(name, json_type) for name, json_type in read_shape if name in names}


def test_a_kind_is_source_direction_and_status_in_the_spelling_of_forms() -> None:
    assert read(a_form_call("CANCELLED", source="BO")).kind == "BO DEBIT CANCELLED"
    assert read(rest_body(an_answer(detailedStatus="CANCELED"), "BO")).kind == "BO DEBIT CANCELLED"
    assert read(a_form_call("BRAND_NEW")).kind == "PAY DEBIT *"
    assert answered(orderStatus="ABANDONED", transactions=[]).kind == "PAY - ABANDONED"


def test_names_have_stars_for_places_and_for_what_is_no_name() -> None:
    call = answered(items=[{"a": 1}, {"b": "x", "7": True}], metadata={"basket": 1}, none=None)

    names = ("items", "items.*.a", "items.*.b", "items.*.*", "metadata", "metadata.basket", "none")
    assert types_of(call.shape, *names) == {
        ("items", "list"),
        ("items.*.a", "number"),
        ("items.*.b", "string"),
        ("items.*.*", "boolean"),
        ("metadata", "object"),
        ("none", EMPTY),
    }


def test_the_lines_of_a_cart_and_the_merchants_own_names_are_one_name_each() -> None:
    fields = {"product_label1": "x", "product_label27": "y", "ext_info_anything": "z"}
    call = read(a_form_call(**fields, payment_config=""))

    names = ("vads_product_label*", "vads_ext_info_*", "vads_payment_config")
    assert {name for name, _ in types_of(call.shape, *names)} == set(names)
    assert ("vads_payment_config", EMPTY) in call.shape
    assert not any("27" in name or "anything" in name for name, _ in call.shape)


def test_what_is_not_signed_in_a_form_is_not_read() -> None:
    call = read(a_form_call() + b"&loyalty=12")

    assert types_of(call.shape, "loyalty", "signature") == set()


@pytest.mark.parametrize("text", ["[]", "{", "[" * 100_000])
def test_what_cannot_be_read_says_so(text: str) -> None:
    with pytest.raises(MalformedNotificationError):
        read(rest_body(text))


def test_what_is_nested_without_end_has_names_that_an_index_takes() -> None:
    call = read(rest_body('{"shopId": "12345678", "a": ' + '{"a":' * 700 + "1" + "}" * 701))

    assert max(len(name) for name, _ in call.shape) == 511
