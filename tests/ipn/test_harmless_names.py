"""The list of harmless names is closed, and holds nothing about a person and no free text."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.ipn import rest_v4
from ledger.ipn.form_v2_names import is_name_of_a_call
from ledger.ipn.harmless_names import HARMLESS_NAMES, is_harmless
from ledger.ipn.rest_v4_json import flatten
from tests.builders import DATA, example, example_body, examples
from tests.ipn.reading import content_of

FORM_FIELDS = json.loads((DATA / "form-v2-fields.json").read_text())
"""Every documented field of the form format. Shape: group, direction and format by name."""

ABOUT_PERSONS = {"customer", "shipping"}
NOT_IN_CALLS = {"request only"}
TYPED_BY_SOMEBODY = {
    "vads_available_languages",
    "vads_contracts",
    "vads_contrib",
    "vads_ext_info_*",
    "vads_first_installment_delay",
    "vads_identifier",
    "vads_order_description",
    "vads_order_id",
    "vads_order_info",
    "vads_order_info2",
    "vads_order_info3",
    "vads_payment_cards",
    "vads_return_mode",
    "vads_shop_name",
    "vads_shop_url",
    "vads_sub_desc",
    "vads_subscription",
    "vads_theme_config",
    "vads_url_check",
    "vads_user_info",
    *(f"vads_product_{name}*" for name in ("amount", "label", "qty", "ref", "type", "vat")),
}
ABOUT_A_CARD_OR_ITS_HOLDER = {
    "vads_acquirer_transient_data",
    "vads_card_holder_name",
    "vads_card_number",
    "vads_cardholder_card_number",
    "vads_cardholder_expiry_month",
    "vads_cardholder_expiry_year",
    "vads_expiry_month",
    "vads_expiry_year",
    "vads_payment_seq",  # numbers of cards are within
    "vads_proof_of_id_number",
    "vads_proof_of_id_type",
    "vads_risk_analysis_result",  # the fingerprint of a browser is within
    "vads_risk_analyzer_result",
}
REST_NOT_HARMLESS = (
    "customer.",
    "metadata",
    "orderDetails.metadata",
    "orderDetails.orderId",
    "paymentMethodToken",
    "subMerchantDetails",
    "transactionDetails.acquirerDetails",
    "transactionDetails.subscriptionDetails.subscriptionId",
    "transactionDetails.userInfo",
    *(
        f"transactionDetails.{means}.{name}"
        for means in ("cardDetails", "paymentMethodDetails")
        for name in ("cardHolderName", "expiry", "identityDocument", "pan", "id")
    ),
)


def test_every_documented_name_of_a_form_is_harmless_or_has_a_reason_not_to_be() -> None:
    with_reason = {
        name
        for name, field in FORM_FIELDS.items()
        if field["group"] in ABOUT_PERSONS | NOT_IN_CALLS
    }
    with_reason |= TYPED_BY_SOMEBODY | ABOUT_A_CARD_OR_ITS_HOLDER | {"signature"}

    assert {name for name in FORM_FIELDS if not is_harmless(name)} == with_reason


def test_what_comes_back_from_a_payment_form_is_harmless_only_in_a_strict_format() -> None:
    """Beside the brand, which a call names as the platform took it."""
    echoed = {
        name
        for name, field in FORM_FIELDS.items()
        if is_harmless(name) and field["direction"] != "out" and field["format"].startswith("ans")
    }

    assert echoed == {"vads_card_brand"}


def test_every_harmless_name_of_a_form_is_one_of_a_call() -> None:
    names = [name for name in HARMLESS_NAMES if name.startswith("vads_")]

    assert [name for name in names if not is_name_of_a_call(name)] == []


def every_path() -> Iterator[str]:
    for format_, name in examples():
        if format_ == rest_v4.NAME:
            answer = example(format_, name)["answer"]
            transactions = answer.pop("transactions") or []
            for node in (answer, *transactions):
                yield from (path for path, _ in flatten(node))


def test_every_path_of_an_answer_is_harmless_or_has_a_reason_not_to_be() -> None:
    paths = set(every_path())

    without_reason = [
        path for path in paths if not is_harmless(path) and not path.startswith(REST_NOT_HARMLESS)
    ]
    both = [path for path in paths if is_harmless(path) and path.startswith(REST_NOT_HARMLESS)]

    assert (without_reason, both) == ([], [])


@pytest.mark.parametrize(("format_", "name"), examples())
def test_nothing_that_is_read_as_about_a_person_is_harmless(format_: str, name: str) -> None:
    content: Any = content_of(example_body(format_, name))

    named_texts = [
        pair
        for snapshot in (*content.transactions, *content.aliases, *content.subscriptions)
        for pair in snapshot.personal
    ]

    assert [name for name, _ in named_texts if is_harmless(name)] == []


@pytest.mark.parametrize(
    "name", ["vads_x", "metadata.uuid", '"uuid"', "vads_ext_info_amount", "transactionDetails.*"]
)
def test_a_name_that_is_not_on_the_list_is_not_harmless(name: str) -> None:
    assert not is_harmless(name)


def test_a_place_in_a_list_does_not_matter() -> None:
    names = [f"transactionDetails.fraudManagement.riskControl.{place}.name" for place in (0, 17)]

    assert all(map(is_harmless, names))
