"""What a call says otherwise than before beside the facts is news, and is news once."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.aggregates.alias import Alias
from ledger.aggregates.news import VOLATILE
from ledger.aggregates.subscription import Subscription
from ledger.aggregates.transaction import Transaction
from tests.aggregates.given import (
    Happening,
    a_payment,
    a_plan,
    a_request,
    a_use,
    happened,
    in_form,
    in_rest,
)
from tests.recording.given import Given, given

REPORTED = Transaction.DetailsReported


def saying(**details: str) -> Any:
    """Return a payment with these details."""
    return replace(a_payment(), details=[[name, text] for name, text in details.items()])


def said(told_at: float | None = None, /, **details: str) -> Given:
    """Begin with a payment that was reported with these details."""
    return given().when(
        saying(**details), occasion=in_form() if told_at is None else in_rest(told_at)
    )


def reported(snapshot: Any, **attributes: Any) -> Happening:
    return happened(REPORTED, snapshot, **({"moved": []} | attributes))


def test_a_detail_with_another_value_is_news() -> None:
    other = saying(metadata="b", state="1")

    said(metadata="a", state="1").when(other).then(reported(other, details=other.details))


def test_a_detail_that_is_missing_is_no_news() -> None:
    said(metadata="a", state="1").when(saying(state="1")).then()


def test_news_is_news_once() -> None:
    said(metadata="a").when(saying(metadata="b")).when(saying(metadata="b")).then()


def test_what_was_said_before_is_news_when_it_is_so_again() -> None:
    back = saying(metadata="a")

    said(metadata="a").when(saying(metadata="b")).when(back).then(reported(back))


def test_a_late_call_that_says_what_was_said_before_is_no_news() -> None:
    scenario = said(1, metadata="a").when(saying(metadata="b"), occasion=in_rest(3))

    scenario.when(saying(metadata="a"), occasion=in_rest(2)).then()


def test_a_late_call_that_says_what_nobody_has_said_is_late_news() -> None:
    late = saying(metadata="c")

    said(1, metadata="a").when(saying(metadata="b"), occasion=in_rest(3)).when(
        late, occasion=in_rest(2)
    ).then(reported(late, late=True))


def test_late_news_does_not_make_what_stands_news_again() -> None:
    scenario = said(3, metadata="b").when(saying(metadata="a"), occasion=in_rest(2))

    scenario.when(saying(metadata="b"), occasion=in_rest(4)).then()


def test_a_name_that_is_new_among_known_names_is_news() -> None:
    more = saying(metadata="a", other="1")

    said(metadata="a").when(more).then(reported(more))


def test_only_new_names_are_the_words_of_the_other_format() -> None:
    said(vads_ext_info_a="1").when(saying(metadata="1", paymentMethodType="CARD")).then()


def test_what_the_other_format_says_otherwise_than_its_first_call_is_news() -> None:
    first, other = saying(metadata="1", kind="CARD"), saying(metadata="2", kind="CARD")

    scenario = said(vads_ext_info_a="1").when(first).when(first).when(other)

    scenario.then(reported(other)).when(other).then()


@pytest.mark.parametrize("name", VOLATILE)
def test_a_volatile_name_is_no_news(name: str) -> None:
    said(**{"state": "1", name: "a"}).when(saying(**{"state": "1", name: "b"})).then()


def test_both_formats_in_turn_say_the_same_again_and_again() -> None:
    form, answer = saying(vads_x="1"), saying(metadata="1")
    scenario = given().when(form).when(answer, occasion=in_rest(1, "PAY"))

    scenario.when(form, occasion=in_form("RETRY")).then()
    scenario.when(answer, occasion=in_rest(2, "RETRY")).then()


def test_what_is_about_a_person_is_news_too() -> None:
    before = replace(a_payment(), personal=[["vads_cust_email", "a@example.test"]])
    after = replace(a_payment(), personal=[["vads_cust_email", "b@example.test"]])

    given().when(before).when(after).then(reported(after, personal=after.personal))


def test_a_call_may_say_two_things_of_one_transaction() -> None:
    first, second = saying(metadata="a"), saying(metadata="b")

    given().when(first, second).then(happened(Transaction.PaymentAccepted, first), reported(second))


def test_a_doubtful_call_makes_no_news_of_what_stands() -> None:
    doubtful = in_form(doubts=("name-unknown vads_x",))
    scenario = said(metadata="a").when(saying(metadata="b"), occasion=doubtful)

    scenario.when(saying(metadata="a")).then()


def test_a_doubtful_form_does_not_hide_what_forms_said_before() -> None:
    doubtful, other = in_form(doubts=("name-unknown vads_x",)), saying(vads_x="3")
    scenario = (
        said(1, metadata="a").when(saying(vads_x="1")).when(saying(vads_x="2"), occasion=doubtful)
    )

    scenario.when(other).then(reported(other))


def test_a_doubtful_call_is_recorded_once() -> None:
    doubtful = [in_form(doubts=("name-unknown vads_x",)) for _ in range(3)]
    scenario = said(metadata="a").when(saying(metadata="b"), occasion=doubtful[0])

    scenario.when(saying(metadata="b"), occasion=doubtful[1]).then()
    scenario.when(saying(metadata="a"), occasion=doubtful[2]).then()


# -- aliases and subscriptions --------------------------------------------------------------------


def test_another_card_behind_an_alias_is_news() -> None:
    before = a_request("CREATED", 1, personal=[["vads_card_number", "497010XXXXXX0055"]])
    after = a_request("CREATED", 1, personal=[["vads_card_number", "497010XXXXXX0063"]])

    scenario = given().when(before).when(after)

    scenario.then(
        happened(Alias.DetailsReported, after, moved=[], personal=after.personal, status="CREATED")
    )
    scenario.when(after).then()


def test_the_use_of_an_alias_is_no_news_of_it() -> None:
    use = replace(a_use(2), personal=[["vads_card_number", "497010XXXXXX0063"]])

    given().when(a_request("CREATED", 1)).when(use).then()


def test_a_plan_with_another_detail_is_news() -> None:
    before, after = (replace(a_plan(), details=[["vads_sub_desc", text]]) for text in "ab")

    scenario = given().when(before).when(after)

    scenario.then(happened(Subscription.DetailsReported, after, moved=[], status="CREATED"))
    scenario.when(after).then()
