"""What a form says of an alias and of a subscription, with or without a payment."""

import pytest

from ledger.ipn.snapshots import is_instalment
from tests.builders import example
from tests.ipn.test_form_v2 import read_form

PLAN = example("form-v2", "subscription-created")["fields"]
INSTALMENT = example("form-v2", "subscription-installment-accepted")["fields"]
ALIAS = example("form-v2", "token-created")["fields"]
LEFT = {"identifier_status": None, "operation_type": None, "trans_status": "ABANDONED"}


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
        # a page that was left shows nothing of an alias that its form named
        (LEFT, None, False, False),
        # the word says what became of the alias, the status what became of the payment
        ({"trans_status": "REFUSED"}, "CREATED", True, True),
        ({"identifier_status": "UPDATED", "trans_status": "REFUSED"}, "UPDATED", True, True),
        (
            {"identifier_status": "NOT_UPDATED", "trans_status": "CAPTURED"},
            "NOT_UPDATED",
            True,
            False,
        ),
        # a word that says nothing is a request all the same
        ({"identifier_status": "MELTED", "operation_type": "DEBIT"}, None, True, True),
        ({"identifier_status": "created", "trans_status": "REFUSED"}, None, True, False),
        ({"identifier_status": "MELTED", "trans_status": "ABANDONED"}, None, True, False),
    ],
)
def test_a_request_for_an_alias_is_told_from_its_mere_use(
    changes: dict[str, str | None], request_: str | None, was_asked: bool, is_accepted: bool
) -> None:
    (alias,) = read_form(ALIAS, **changes).aliases

    assert alias.facts.get("request") == request_
    assert (alias.was_asked, alias.is_accepted) == (was_asked, is_accepted)


def test_a_word_of_a_request_that_says_nothing_is_odd_and_kept() -> None:
    (alias,) = read_form(ALIAS, identifier_status="MELTED").aliases

    assert alias.odd == ("vads_identifier_status",)
    assert alias.details == [["vads_identifier_status", "MELTED"]]


def test_the_subscription_of_a_refused_payment_is_read_from_its_own_word() -> None:
    (plan,) = read_form(PLAN, trans_status="REFUSED").subscriptions

    assert plan.facts["request"] == "CREATED"


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
        ({"recurrence_status": "UPDATED"}, "CREATED"),
        ({"recurrence_status": "?", "trans_status": "REFUSED"}, "NOT_CREATED"),
        ({"recurrence_status": None, "occurrence_type": None}, "CREATED"),
        ({"recurrence_status": None, "trans_status": "ABANDONED"}, "NOT_CREATED"),
    ],
)
def test_a_plan_is_opened_or_refused_also_where_a_replay_lost_the_word(
    changes: dict[str, str | None], request_: str
) -> None:
    (plan,) = read_form(PLAN, **changes).subscriptions

    assert plan.facts["request"] == request_


STEPS: list[tuple[dict[str, str | None], bool, bool]] = [
    # fields beside a debit of a known alias in the middle of a series; instalment, opening
    ({"recurrence_number": "2"}, True, False),
    ({"recurrence_number": "abc"}, True, False),
    ({"recurrence_number": "9" * 40}, True, False),
    ({"recurrence_number": "x", "recurrence_status": "CREATED"}, True, False),
    ({"recurrence_number": "x", "identifier_status": "CREATED"}, True, False),
    ({"recurrence_number": "x", "occurrence_type": "RECURRENT_INITIAL"}, True, False),
    ({"recurrence_number": "x", "url_check_src": "RETRY"}, True, False),
    ({"recurrence_status": "CREATED"}, False, True),
    ({"recurrence_status": "NOT_CREATED"}, False, True),
    ({"recurrence_status": "?"}, False, True),
    ({"sub_desc": "RRULE:FREQ=MONTHLY"}, False, True),
    ({"sub_effect_date": "?", "url_check_src": "RETRY"}, False, True),
    ({"identifier_status": "UPDATED"}, False, False),
    ({"url_check_src": "BO"}, False, False),
    ({}, True, False),
    ({"occurrence_type": "?"}, False, False),
    ({"operation_type": "CREDIT", "occurrence_type": "RECURRENT_INITIAL"}, False, False),
    ({"operation_type": "CREDIT", "recurrence_number": "2"}, False, False),
    ({"operation_type": "CREDIT", "recurrence_number": "x"}, False, False),
    ({"operation_type": "CREDIT", "recurrence_status": "CREATED"}, False, False),
    ({"operation_type": "VERIFICATION"}, False, True),
]


@pytest.mark.parametrize(("changes", "is_an_instalment", "is_an_opening"), STEPS)
def test_the_fields_that_a_call_has_decide_between_opening_and_instalment(
    changes: dict[str, str | None], is_an_instalment: bool, is_an_opening: bool
) -> None:
    call = {"recurrence_number": None, "url_check_src": "BATCH", **changes}

    content = read_form(INSTALMENT, **call)

    assert is_instalment(content.transactions[0].facts) == is_an_instalment
    assert bool(content.subscriptions) == is_an_opening


def test_an_instalment_whose_number_cannot_be_read_is_one_without_its_number() -> None:
    (payment,) = read_form(INSTALMENT, recurrence_number="abc", subscription=None).transactions

    assert "instalment_number" not in payment.facts
    assert payment.facts["instalment"] == "YES"
    assert payment.odd == ("vads_recurrence_number",)


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
