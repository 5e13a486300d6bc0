"""Play redeliveries: automatic retries and manual resends."""

from collections.abc import Iterator

from ledger.simulator.payment_lives import BO, MERCH_BO, PAY, RETRY, Call
from ledger.simulator.stories.story import story
from ledger.simulator.synthetic_life import Life


@story(
    "paid-and-refunded",
    "Paid, told again, captured, told by hand, refunded twice, one refund cancelled.",
    ends="DEBIT CAPTURED; CREDIT AUTHORISED; CREDIT CANCELLED",
)
def paid_and_refunded(life: Life) -> Iterator[Call]:
    payment = life.payment()
    accepted = life.call("accepted", PAY, payment)
    yield accepted
    life.wait(minutes=15)
    yield life.repeat(RETRY, accepted)
    life.wait(days=1)
    payment = payment.changed(status="CAPTURED", captured_at=life.now)
    yield life.repeat(BO, accepted, payment, dropped_fields=frozenset({"payment_certificate"}))
    life.wait(days=4)
    amount = life.partial_amount()
    yield life.call("refunded in part", MERCH_BO, life.refund(payment, amount))
    life.wait(days=1)
    remainder = life.refund(payment, payment.amount_minor - amount)
    yield life.call("remainder refunded", MERCH_BO, remainder)
    life.wait(hours=2)
    yield life.call("second refund cancelled", MERCH_BO, remainder.changed(status="CANCELLED"))


@story(
    "retried-four-times",
    "The merchant's server was down for an hour: four automatic retries.",
    ends="DEBIT AUTHORISED",
)
def retried_four_times(life: Life) -> Iterator[Call]:
    accepted = life.call("accepted", PAY, life.payment())
    yield accepted
    for _ in range(4):
        life.wait(minutes=15)
        yield life.repeat(RETRY, accepted)


@story(
    "resent-by-hand-days-later",
    "An operator sends an accepted payment again, twice.",
    ends="DEBIT CAPTURED",
)
def resent_by_hand(life: Life) -> Iterator[Call]:
    payment = life.payment()
    accepted = life.call("accepted", PAY, payment)
    yield accepted
    life.wait(days=3)
    payment = payment.changed(status="CAPTURED", captured_at=life.now)
    yield life.repeat(BO, accepted, payment)
    life.wait(days=3)
    yield life.repeat(BO, accepted, payment)


@story(
    "refund-retried",
    "A refund is told again: its source is lost, its content is not.",
    ends="DEBIT AUTHORISED; CREDIT AUTHORISED",
)
def refund_retried(life: Life) -> Iterator[Call]:
    payment = life.payment()
    yield life.call("accepted", PAY, payment)
    life.wait(days=2)
    refunded = life.back_office_call(
        "refunded in part", life.refund(payment, life.partial_amount())
    )
    yield refunded
    life.wait(minutes=15)
    yield life.repeat(RETRY, refunded)
