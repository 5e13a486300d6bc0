"""What a form says: its transactions and its rule, as snapshots."""

import json

import pytest

from ledger.ipn.snapshots import NotificationContent
from tests.builders import UUID, a_form, form_body
from tests.ipn.reading import content_of


def read_form(fields: dict[str, str] | None = None, **changes: str | None) -> NotificationContent:
    """Read a form; fields are named without `vads_`, one of None is left out."""
    changed = {f"vads_{name}": value for name, value in changes.items()}
    merged = {**(fields or a_form()), **changed}
    return content_of(form_body({name: text for name, text in merged.items() if text is not None}))


# -- transactions ---------------------------------------------------------------------------------


def test_a_form_says_how_its_transaction_stands() -> None:
    (payment,) = read_form(trans_uuid=UUID).transactions

    assert (payment.uuid, payment.reference) == (UUID, UUID)
    assert payment.facts["status"] == "AUTHORISED"
    assert payment.facts["created_at"] == "2026-03-10T09:15:47Z"
    assert payment.facts["authorisation_result"] == "0"


def test_the_amount_asked_for_stands_beside_the_amount_moved() -> None:
    facts = read_form(effective_amount="3267", effective_currency="840").transactions[0].facts

    assert (facts["amount_minor"], facts["currency"]) == (3267, "USD")
    assert (facts["requested_amount_minor"], facts["requested_currency"]) == (2990, "EUR")


@pytest.mark.parametrize("empty", ["", None])
def test_a_missing_or_empty_field_is_no_fact(empty: str | None) -> None:
    facts = read_form(auth_number=empty, trans_status=empty).transactions[0].facts

    assert {"authorisation_number", "status"}.isdisjoint(facts)


def test_what_is_about_the_buyer_stays_apart_from_the_details() -> None:
    (payment,) = read_form().transactions

    assert dict(payment.personal)["vads_cust_last_name"] == "Lefèvre"
    assert dict(payment.personal)["vads_card_number"] == "497010XXXXXX0055"
    assert "vads_page_action" in dict(payment.details)
    assert not {"vads_cust_last_name", "vads_card_number"} & dict(payment.details).keys()


def test_without_an_id_of_the_platform_day_number_and_direction_identify_it() -> None:
    (payment,) = read_form(trans_uuid=None).transactions

    assert (payment.uuid, payment.reference) == (None, "20260310-100001-1-DEBIT")


def test_without_a_number_the_time_of_the_form_identifies_it() -> None:
    (payment,) = read_form(trans_uuid=None, trans_id=None).transactions

    assert payment.reference == "20260310091502-1-DEBIT"


@pytest.mark.parametrize(
    ("source", "changes", "rule", "certainty"),
    [
        ("PAY", {}, "end-of-payment", "told"),
        ("PAY", {"trans_status": "ABANDONED"}, "cancellation", "told"),
        ("PAY", {"operation_type": "VERIFICATION"}, "alias", "told"),
        (
            "PAY",
            {"operation_type": "VERIFICATION", "recurrence_status": "CREATED"},
            "subscription",
            "told",
        ),
        ("REC", {}, "instalment", "told"),
        ("BATCH", {}, "acquirer-status", "told"),
        ("MERCH_BO", {"operation_type": "VERIFICATION"}, "back-office", "told"),
        ("RETRY", {}, None, "inferred"),
        ("NEVER_SEEN", {}, None, "inferred"),
    ],
)
def test_a_signed_source_names_the_rule(
    source: str, changes: dict[str, str], rule: str | None, certainty: str
) -> None:
    content = read_form(url_check_src=source, **changes)

    assert (content.rule, content.rule_certainty) == (rule, certainty)
    assert (content.source, content.told_at) == (source, None)


# -- split payments -------------------------------------------------------------------------------


def a_split(*parts: dict[str, object], name: str = "transactions") -> str:
    return json.dumps({name: parts})


CARD = {"trans_uuid": UUID, "trans_status": "AUTHORISED", "amount": 1990, "auth_result": "00"}
VOUCHER = {
    "trans_id": "000002",
    "amount": "1000",
    "operation_type": "DEBIT",
    "card_brand": "CONECS",
}


@pytest.mark.parametrize("name", ["transactions", "transaction"])
def test_each_part_of_a_split_payment_is_a_transaction(name: str) -> None:
    card, voucher = read_form(payment_seq=a_split(CARD, VOUCHER, name=name)).transactions

    assert (card.uuid, card.facts["amount_minor"], card.facts["currency"]) == (UUID, 1990, "EUR")
    assert (voucher.reference, voucher.facts["amount_minor"]) == ("20260310-000002-DEBIT", 1000)
    assert (voucher.facts["payment_method"], voucher.facts["order_id"]) == (
        "CONECS",
        "CMD-2026-0001",
    )
    assert dict(voucher.personal)["vads_cust_last_name"] == "Lefèvre"
    assert "vads_card_number" not in dict(voucher.personal)


@pytest.mark.parametrize("text", ["{broken", "[]", "{}", '{"transactions": ["a"]}', "null"])
def test_the_parent_of_a_split_payment_that_cannot_be_read_is_no_money(text: str) -> None:
    (payment,) = read_form(payment_seq=text).transactions

    assert payment.odd == ("vads_payment_seq",)
    assert "amount_minor" not in payment.facts
