"""What a form says: its transactions, its alias and its subscription, as snapshots."""

import json

import pytest

from ledger.ipn.snapshots import NotificationContent
from tests.builders import UUID, a_form, example, form_body
from tests.ipn.reading import content_of

PLAN = example("form-v2", "subscription-created")["fields"]
INSTALMENT = example("form-v2", "subscription-installment-accepted")["fields"]
ALIAS = example("form-v2", "token-created")["fields"]


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


# -- aliases --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "request_", "was_asked", "is_accepted"),
    [
        ({}, "CREATED", True, True),
        ({"identifier_status": "UPDATED"}, "UPDATED", True, True),
        ({"identifier_status": "NOT_UPDATED"}, "NOT_UPDATED", True, False),
        ({"identifier_status": "ABANDONED"}, "NOT_CREATED", True, False),
        ({"identifier_status": None}, None, True, True),
        ({"identifier_status": None, "trans_status": "REFUSED"}, None, True, False),
        ({"identifier_status": None, "operation_type": "DEBIT"}, None, False, True),
    ],
)
def test_a_request_for_an_alias_is_told_from_its_mere_use(
    changes: dict[str, str | None], request_: str | None, was_asked: bool, is_accepted: bool
) -> None:
    (alias,) = read_form(ALIAS, **changes).aliases

    assert alias.facts.get("request") == request_
    assert (alias.was_asked, alias.is_accepted) == (was_asked, is_accepted)


def test_an_alias_says_whether_its_means_was_known_before() -> None:
    assert not read_form(ALIAS).aliases[0].is_known_means
    known = read_form(ALIAS, identifier_previously_registered="true")
    assert known.aliases[0].is_known_means


def test_card_extracts_of_an_alias_are_personal() -> None:
    (alias,) = read_form(ALIAS).aliases

    assert dict(alias.personal)["vads_card_number"] == "497010XXXXXX0055"
    assert "497010" not in str(alias.facts)


def test_a_means_kept_before_there_were_verifications_needs_no_transaction() -> None:
    content = read_form(ALIAS, trans_uuid="", trans_status="", operation_type="")

    assert (len(content.transactions), len(content.aliases)) == (0, 1)


# -- subscriptions --------------------------------------------------------------------------------


def test_an_opened_plan_is_read_with_its_terms() -> None:
    (plan,) = read_form(PLAN).subscriptions

    assert (plan.subscription_id, plan.alias) == (
        PLAN["vads_subscription"],
        PLAN["vads_identifier"],
    )
    assert plan.facts == {
        "request": "CREATED",
        "order_id": "ABO-2026-0001",
        "effect_on": "2026-04-10",
        "schedule": "RRULE:FREQ=MONTHLY;COUNT=12;BYMONTHDAY=10",
        "amount_minor": 1990,
        "currency": "EUR",
        "initial_amount_minor": 990,
        "initial_amount_number": 2,
        "transaction_uuid": PLAN["vads_trans_uuid"],
    }


@pytest.mark.parametrize(
    ("changes", "request_"),
    [
        ({"recurrence_status": "NOT_CREATED"}, "NOT_CREATED"),
        ({"recurrence_status": "ABANDONED"}, "NOT_CREATED"),
        ({"recurrence_status": None}, "CREATED"),
        ({"recurrence_status": None, "trans_status": "REFUSED"}, "NOT_CREATED"),
        ({"recurrence_status": None, "operation_type": "DEBIT"}, "CREATED"),
    ],
)
def test_a_plan_is_opened_or_refused_also_where_a_replay_lost_the_word(
    changes: dict[str, str | None], request_: str
) -> None:
    (plan,) = read_form(PLAN, **changes).subscriptions

    assert plan.facts["request"] == request_


def test_an_instalment_opens_no_plan() -> None:
    assert read_form(INSTALMENT).subscriptions == ()
    assert read_form(INSTALMENT, recurrence_number=None).subscriptions == ()


def test_a_plan_on_a_known_alias_is_read_without_a_payment_and_without_its_word() -> None:
    """Opening it takes no payment: all that its replay still holds is the plan."""
    fields = example("form-v2", "subscription-created-existing-token")["fields"]

    (first,) = read_form(fields).subscriptions
    (replayed,) = read_form(fields, recurrence_status=None, url_check_src="RETRY").subscriptions

    assert first.facts["request"] == "CREATED"
    assert replayed.facts == {name: fact for name, fact in first.facts.items() if name != "request"}
