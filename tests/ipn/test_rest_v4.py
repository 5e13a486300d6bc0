"""What a REST answer says: its transactions and its rule, as snapshots."""

from typing import Any

import pytest

from ledger.ipn.rest_v4_json import flatten
from ledger.ipn.snapshots import NotificationContent
from tests.builders import UUID, a_form, an_answer, example, form_body, minutes, rest_body
from tests.ipn.reading import content_of


def read_answer(source: str | None = "PAY", **changes: Any) -> NotificationContent:
    return content_of(rest_body(an_answer(**changes), source))


def test_both_formats_name_one_transaction_alike() -> None:
    (in_rest,) = read_answer(uuid=UUID).transactions
    (in_form,) = content_of(form_body(a_form(vads_trans_uuid=UUID))).transactions

    assert in_rest.reference == in_form.reference == UUID
    same = ("operation_type", "status", "amount_minor", "currency", "order_id")
    assert {name: in_rest.facts[name] for name in same} == {
        name: in_form.facts[name] for name in same
    }


@pytest.mark.parametrize(
    ("status", "fact"),
    [
        ("CANCELED", "CANCELLED"),
        ("WAITING_AUTHORIZATION", "WAITING_AUTHORISATION"),
        ("WAITING_AUTHORIZATION_TO_VALIDATE", "WAITING_AUTHORISATION_TO_VALIDATE"),
        ("AUTHORIZED", "AUTHORISED"),
        ("AUTHORIZED_TO_VALIDATE", "AUTHORISED_TO_VALIDATE"),
        ("MELTED", "MELTED"),
        ("authorised", "authorised"),
        ("CUSTOM_AUTHORIZED_WORD", "CUSTOM_AUTHORIZED_WORD"),
    ],
)
def test_a_status_is_read_in_the_spelling_of_the_form(status: str, fact: str) -> None:
    (payment,) = read_answer(detailedStatus=status).transactions

    assert payment.facts["status"] == fact


def test_the_server_date_is_the_platforms_time_of_the_message() -> None:
    assert read_answer(whole={"serverDate": "2026-03-10T10:01:00+01:00"}).told_at == minutes(1)
    assert read_answer(whole={"serverDate": "soon"}).told_at is None


def test_an_answer_lists_several_transactions_that_share_the_order() -> None:
    answer = an_answer(uuid=UUID)
    answer["transactions"] += an_answer(uuid="b2" * 16)["transactions"]

    first, second = content_of(rest_body(answer)).transactions

    assert (first.reference, second.reference) == (UUID, "b2" * 16)
    assert first.facts["order_id"] == second.facts["order_id"] == "CMD-2026-0001"
    assert dict(second.personal)["customer.email"] == "acheteur@example.com"


def test_a_refund_asks_for_itself_not_for_the_order() -> None:
    content = content_of(
        rest_body(example("rest-v4", "back-office-refund-partial")["answer"], "MERCH_BO")
    )

    (refund,) = content.transactions
    assert refund.facts["operation_type"] == "CREDIT"
    assert refund.facts["requested_amount_minor"] == refund.facts["amount_minor"]
    assert refund.facts["parent_uuid"]


def test_personal_fields_stay_apart_and_twins_are_left_out() -> None:
    details = an_answer()["transactions"][0]["transactionDetails"]
    twins = {"pan": details["cardDetails"]["pan"], "effectiveBrand": "VISA"}

    (payment,) = read_answer(
        transactionDetails=details | {"paymentMethodDetails": twins}
    ).transactions

    personal, kept = dict(payment.personal), dict(payment.details)
    assert personal["transactionDetails.cardDetails.pan"] == "497010XXXXXX0055"
    assert not any("pan" in name for name in kept)
    assert "transactionDetails.paymentMethodDetails.pan" not in personal
    assert payment.facts["payment_method"] == "CB"


@pytest.mark.parametrize(
    ("source", "rule", "certainty"),
    [
        ("PAY", "end-of-payment", "hinted"),
        ("REC", "instalment", "hinted"),
        (None, None, "inferred"),
    ],
)
def test_an_unsigned_source_hints_at_the_rule(
    source: str | None, rule: str | None, certainty: str
) -> None:
    content = read_answer(source)

    assert (content.rule, content.rule_certainty) == (rule, certainty)


# -- abandonments ---------------------------------------------------------------------------------

ABANDONED = example("rest-v4", "payment-abandoned")["answer"]


def test_an_abandoned_page_is_known_by_what_was_in_it_whenever_it_is_reported() -> None:
    first = content_of(rest_body(ABANDONED))
    again = content_of(rest_body(ABANDONED | {"serverDate": "2026-05-01T00:00:00Z"}))
    other = content_of(rest_body(ABANDONED | {"orderCycle": "OPEN", "extra": "x"}))

    assert first.rule == "cancellation"
    assert first.transactions[-1].facts["status"] == "ABANDONED"
    references = [each.transactions[-1].reference for each in (first, again, other)]
    assert references[0] == references[1] != references[2]


def test_a_page_may_be_abandoned_after_a_refusal() -> None:
    answer = example("rest-v4", "payment-abandoned-after-refusal")["answer"]

    refused, abandoned = content_of(rest_body(answer)).transactions

    assert (refused.facts["status"], abandoned.facts["status"]) == ("REFUSED", "ABANDONED")
    assert abandoned.uuid is None


# -- json -----------------------------------------------------------------------------------------


def test_every_scalar_is_kept_by_its_path() -> None:
    node = {"a": [1, {"b": None, "_type": "T"}, "x"], "c": {"d": True, "e": "1.50"}, "f": None}

    assert flatten(node) == [("a.0", "1"), ("a.2", "x"), ("c.d", "true"), ("c.e", "1.50")]
