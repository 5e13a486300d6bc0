"""What one notification adds to everything that is known, without a database."""

from typing import Any

from ledger.aggregates.alias import Alias
from ledger.aggregates.subscription import Subscription
from ledger.aggregates.transaction import Transaction
from ledger.ipn.snapshots import Fact
from ledger.recording.decider import instalment_facts, streams_of
from tests.aggregates.given import (
    ALIAS,
    MODE,
    OTHER_UUID,
    PLAN,
    SHOP_ID,
    UUID,
    a_payment,
    a_plan,
    a_request,
    happened,
    in_form,
    in_rest,
    minute,
)
from tests.recording.given import content_of, given


def an_instalment(status: str = "AUTHORISED", uuid: str = UUID, **facts: Fact | None) -> Any:
    """Return the transaction of a first instalment."""
    instalment: dict[str, Fact | None] = {
        "subscription_id": PLAN,
        "alias": ALIAS,
        "instalment_number": 1,
        "order_id": "ABO-1",
    }
    return a_payment(status, uuid, **(instalment | facts))


def followed(status: str = "AUTHORISED", uuid: str = UUID, **facts: Fact | None) -> Any:
    """Return what the subscription records of that transaction."""
    return instalment_facts(uuid, an_instalment(status, uuid, **facts).facts)


PAYMENT_ID = Transaction.id_of(SHOP_ID, MODE, UUID)
ALIAS_ID = Alias.id_of(SHOP_ID, MODE, ALIAS)
PLAN_ID = Subscription.id_of(SHOP_ID, MODE, PLAN, ALIAS)

PAID = happened(Transaction.PaymentAccepted, an_instalment())
OPENED = happened(Subscription.Opened, a_plan())


# -- one notification, several streams ------------------------------------------------------------


def test_a_notification_adds_to_every_stream_that_it_names() -> None:
    payment, alias, plan = a_payment(), a_request("CREATED", 1), a_plan()

    given().when(payment, alias, plan).then(
        happened(Transaction.PaymentAccepted, payment),
        happened(Alias.Registered, alias),
        happened(Subscription.Opened, plan),
    ).repeats({})


def test_the_parts_of_a_split_payment_are_transactions_of_their_own() -> None:
    vouchers, card = a_payment(amount_minor=1000), a_payment(uuid=OTHER_UUID, amount_minor=1990)

    given().when(vouchers, card).then(
        happened(Transaction.PaymentAccepted, vouchers, uuid=UUID),
        happened(Transaction.PaymentAccepted, card, uuid=OTHER_UUID),
    )


def test_a_notification_may_name_one_transaction_twice() -> None:
    """The later snapshot sees what the earlier one added, and is counted with it."""
    decided = given().when(a_payment("AUTHORISED"), a_payment("CAPTURED"), occasion=in_rest(1))

    decided.then(
        happened(Transaction.PaymentAccepted, a_payment("AUTHORISED")),
        happened(Transaction.Captured, a_payment("CAPTURED"), moved=["status"]),
    ).repeats({})
    assert len(decided.decision.changed) == 1


def test_what_is_known_already_is_repeated() -> None:
    alias = a_request("CREATED", 1)

    given(
        happened(Transaction.PaymentAccepted, a_payment()),
        happened(Transaction.Captured, a_payment("CAPTURED"), moved=["status"]),
        happened(Alias.Registered, alias),
    ).when(a_payment(), alias).then().repeats({PAYMENT_ID: 1, ALIAS_ID: 1})


def test_a_notification_may_repeat_one_stream_and_change_another() -> None:
    refund = a_payment(uuid=OTHER_UUID, operation_type="CREDIT")

    given(happened(Transaction.PaymentAccepted, a_payment())).when(
        a_payment(), refund, occasion=in_form("MERCH_BO")
    ).then(happened(Transaction.RefundIssued, refund, uuid=OTHER_UUID)).repeats({PAYMENT_ID: 1})


def test_a_stream_of_which_nothing_becomes_known_is_no_repeat() -> None:
    refused_use = a_request(None, 1, was_asked=False, is_accepted=False)

    given().when(a_payment("REFUSED"), refused_use).then(
        happened(Transaction.PaymentRefused, a_payment("REFUSED"))
    ).repeats({})


# -- confirmations --------------------------------------------------------------------------------

PLANNED = a_payment(capture_at="2026-03-11T00:00:00Z")
EARLIER_PLAN = a_payment(capture_at="2026-03-12T00:00:00Z")


def test_a_confirmed_value_stands_against_what_is_older_than_its_confirmation() -> None:
    known = happened(Transaction.PaymentAccepted, PLANNED, told_at=minute(1))

    given(known, confirmed={PAYMENT_ID: minute(3)}).when(EARLIER_PLAN, occasion=in_rest(2)).then(
        happened(Transaction.PaymentAccepted, EARLIER_PLAN, late=True, moved=[])
    )


def test_a_form_has_no_time_to_be_compared_with_a_confirmation() -> None:
    known = happened(Transaction.PaymentAccepted, PLANNED, told_at=minute(1))

    given(known, confirmed={PAYMENT_ID: minute(3)}).when(EARLIER_PLAN).then(
        happened(Transaction.CaptureRescheduled, EARLIER_PLAN, moved=["capture_at"])
    )


# -- instalments ----------------------------------------------------------------------------------


def test_an_instalment_is_followed_by_its_subscription() -> None:
    decided = given(OPENED).when(an_instalment(), occasion=in_form("REC"))

    decided.then(PAID, happened(Subscription.InstalmentAccepted, followed(), moved=[]))
    assert decided.decision.order_by_subscription == {PLAN_ID: "ABO-1"}


def test_an_instalment_whose_number_cannot_be_read_is_followed_too() -> None:
    numberless = an_instalment(instalment_number=None, instalment="YES")

    given(OPENED).when(numberless, occasion=in_form("REC")).then(
        happened(Transaction.PaymentAccepted, numberless, rule="instalment"),
        happened(Subscription.InstalmentAccepted, followed(instalment_number=None), moved=[]),
    )


def test_the_payment_that_opened_a_plan_on_a_known_alias_stays_no_instalment() -> None:
    """Its replay has lost what said so, and stands in the middle of a series."""
    in_series = {"instalment_number": None, "occurrence_type": "RECURRENT_INTERMEDIAIRE"}
    opening, replay = an_instalment(**in_series, instalment="NO"), an_instalment(**in_series)
    captured = an_instalment("CAPTURED", **in_series)

    decided = given().when(opening, a_plan(), occasion=in_form())
    decided.then(
        happened(Transaction.PaymentAccepted, opening, rule="end-of-payment"),
        happened(Subscription.Opened, a_plan()),
    )
    decided.when(replay, occasion=in_form("RETRY")).then()
    decided.when(captured, occasion=in_form("RETRY")).then(
        happened(Transaction.Captured, captured, moved=["status"], rule="acquirer-status")
    )


def test_the_subscription_follows_how_the_transaction_stands_not_what_was_reported() -> None:
    captured = an_instalment("CAPTURED", amount_minor=None, instalment_number=None)

    given(OPENED, PAID).when(captured, occasion=in_form("BATCH")).then(
        happened(Transaction.Captured, captured, moved=["status"]),
        happened(Subscription.InstalmentAccepted, followed("CAPTURED"), moved=[]),
    )


def test_a_late_notification_does_not_move_an_instalment_back() -> None:
    decided = given(OPENED).when(an_instalment("CAPTURED")).when(an_instalment("AUTHORISED"))

    assert [event.TOPIC for event in decided.events] == ["transaction.payment-accepted"]
    decided.repeats({PLAN_ID: 2})


def test_an_instalment_reported_again_is_a_repeat() -> None:
    decided = given(OPENED).when(an_instalment())

    decided.when(an_instalment(), occasion=in_form("RETRY")).then().repeats(
        {PAYMENT_ID: 1, PLAN_ID: 2}
    )


def test_the_payment_that_opened_a_plan_is_no_instalment() -> None:
    opening = a_payment(subscription_id=PLAN, alias=ALIAS, occurrence_type="RECURRENT_INITIAL")

    given().when(opening, a_plan()).then(happened(Transaction.PaymentAccepted, opening), OPENED)


def test_an_instalment_in_rest_has_no_number() -> None:
    instalment = an_instalment(instalment_number=None, occurrence_type="RECURRENT_INTERMEDIAIRE")

    given(OPENED).when(instalment, occasion=in_rest(1, "REC")).then(
        happened(Transaction.PaymentAccepted, instalment),
        happened(Subscription.InstalmentAccepted, followed(instalment_number=None), moved=[]),
    )


def test_an_instalment_without_an_id_of_the_platform_is_not_followed() -> None:
    instalment = an_instalment(uuid=None)

    given(OPENED).when(instalment).then(
        happened(Transaction.PaymentAccepted, instalment, uuid=None, reference=instalment.reference)
    )


def test_the_same_id_on_another_alias_is_another_plan() -> None:
    decided = given(OPENED).when(an_instalment(alias="d4" * 16), occasion=in_form("REC"))

    plan = decided.events[-1]
    assert (plan.alias, plan.originator_version) == ("d4" * 16, 1)


# -- lost references ------------------------------------------------------------------------------

LOST = an_instalment(uuid=OTHER_UUID, subscription_id=None)
FOLLOWED = happened(Subscription.InstalmentAccepted, followed(uuid=OTHER_UUID), moved=[])
UNFOLLOWED = happened(Transaction.PaymentAccepted, LOST, uuid=OTHER_UUID, rule="instalment")
RETRY = in_form("RETRY")


def test_a_replay_without_its_subscription_is_found_by_alias_and_order() -> None:
    given(OPENED).when(LOST, occasion=RETRY).then(UNFOLLOWED, FOLLOWED)


def test_a_replay_of_a_known_instalment_needs_no_subscription() -> None:
    decided = given(OPENED).when(an_instalment())

    captured = an_instalment("CAPTURED", subscription_id=None)

    decided.when(captured, occasion=in_form("BO")).then(
        happened(Transaction.Captured, captured, moved=["status"]),
        happened(Subscription.InstalmentProgressed, followed("CAPTURED"), moved=[]),
    )


def test_nothing_is_guessed_for_another_order() -> None:
    lost = an_instalment(uuid=OTHER_UUID, subscription_id=None, order_id="ABO-2")

    given(OPENED).when(lost, occasion=RETRY).then(
        happened(Transaction.PaymentAccepted, lost, uuid=OTHER_UUID)
    )


def test_nothing_is_guessed_without_an_alias_or_an_order() -> None:
    for name in ("alias", "order_id"):
        lost = an_instalment(uuid=OTHER_UUID, subscription_id=None, **{name: None})

        given(OPENED).when(lost, occasion=RETRY).then(
            happened(Transaction.PaymentAccepted, lost, uuid=OTHER_UUID)
        )


def test_an_unknown_plan_is_not_made_up() -> None:
    given().when(LOST, occasion=RETRY).then(UNFOLLOWED)


# -- streams --------------------------------------------------------------------------------------


def test_a_notification_names_its_streams_each_subscription_once() -> None:
    snapshots = (an_instalment(), an_instalment(uuid=OTHER_UUID), a_request("CREATED", 1), a_plan())

    assert streams_of(content_of(snapshots, in_form())) == [
        PAYMENT_ID,
        Transaction.id_of(SHOP_ID, MODE, OTHER_UUID),
        ALIAS_ID,
        PLAN_ID,
    ]
