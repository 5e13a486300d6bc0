"""The same news again: automatic retries and manual resends."""

from collections.abc import Iterator

from ledger.simulator.lives import BO, MERCH_BO, PAY, RETRY, Call
from ledger.simulator.stories.story import story
from ledger.simulator.synthesis import Life


@story(
    "paid-and-refunded",
    "Paid, told again, captured, told by hand, refunded twice, one refund cancelled.",
    ends="DEBIT CAPTURED; CREDIT AUTHORISED; CREDIT CANCELLED",
)
def paid_and_refunded(life: Life) -> Iterator[Call]:
    payment = life.payment()
    accepted = life.tell("accepted", PAY, payment)
    yield accepted
    life.wait(minutes=15)
    yield life.tell_again(RETRY, accepted)
    life.wait(days=1)
    payment = payment.but(status="CAPTURED", captured_at=life.now)
    yield life.tell_again(BO, accepted, payment, lost=frozenset({"payment_certificate"}))
    life.wait(days=4)
    amount = life.part()
    yield life.tell("refunded in part", MERCH_BO, life.refund(payment, amount))
    life.wait(days=1)
    remainder = life.refund(payment, payment.amount_minor - amount)
    yield life.tell("remainder refunded", MERCH_BO, remainder)
    life.wait(hours=2)
    yield life.tell("second refund cancelled", MERCH_BO, remainder.but(status="CANCELLED"))


@story(
    "retried-four-times",
    "The merchant's server was down for an hour: four automatic retries.",
    ends="DEBIT AUTHORISED",
)
def retried_four_times(life: Life) -> Iterator[Call]:
    accepted = life.tell("accepted", PAY, life.payment())
    yield accepted
    for _ in range(4):
        life.wait(minutes=15)
        yield life.tell_again(RETRY, accepted)


@story(
    "resent-by-hand-days-later",
    "An operator sends an accepted payment again, twice.",
    ends="DEBIT CAPTURED",
)
def resent_by_hand(life: Life) -> Iterator[Call]:
    payment = life.payment()
    accepted = life.tell("accepted", PAY, payment)
    yield accepted
    life.wait(days=3)
    payment = payment.but(status="CAPTURED", captured_at=life.now)
    yield life.tell_again(BO, accepted, payment)
    life.wait(days=3)
    yield life.tell_again(BO, accepted, payment)


@story(
    "refund-retried",
    "A refund is told again: its source is lost, its content is not.",
    ends="DEBIT AUTHORISED; CREDIT AUTHORISED",
)
def refund_retried(life: Life) -> Iterator[Call]:
    payment = life.payment()
    yield life.tell("accepted", PAY, payment)
    life.wait(days=2)
    refunded = life.operate("refunded in part", life.refund(payment, life.part()))
    yield refunded
    life.wait(minutes=15)
    yield life.tell_again(RETRY, refunded)
