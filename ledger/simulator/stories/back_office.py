"""What an operator does in the Back Office."""

from collections.abc import Iterator
from datetime import timedelta

from ledger.simulator.lives import PAY, Call, Payment
from ledger.simulator.stories.story import story
from ledger.simulator.synthesis import Life


def _captured(life: Life, payment: Payment) -> Payment:
    """Card captures are told by no call: the platform just knows."""
    life.wait(days=1)
    return payment.but(status="CAPTURED", captured_at=life.now)


@story("validated", "To be validated by hand, and validated.", ends="DEBIT AUTHORISED")
def validated(life: Life) -> Iterator[Call]:
    payment = life.payment("AUTHORISED_TO_VALIDATE", is_validated_by_hand=True)
    yield life.tell("to validate", PAY, payment)
    life.wait(days=1)
    yield life.operate("validated", payment.but(status="AUTHORISED"))


@story(
    "changed-and-cancelled",
    "Captured in three days: amount lowered, date moved, cancelled.",
    ends="DEBIT CANCELLED",
)
def changed_and_cancelled(life: Life) -> Iterator[Call]:
    life.asks(capture_days=3)
    payment = life.payment()
    yield life.tell("accepted", PAY, payment)
    life.wait(hours=5)
    payment = payment.but(amount_minor=life.part())
    yield life.operate("amount lowered", payment)
    life.wait(hours=5)
    payment = payment.but(capture_at=payment.capture_at - timedelta(days=1))
    yield life.operate("capture brought forward", payment)
    life.wait(hours=5)
    yield life.operate("cancelled", payment.but(status="CANCELLED"))


@story(
    "amount-lowered",
    "The amount is lowered before capture.",
    ends="DEBIT AUTHORISED",
)
def amount_lowered(life: Life) -> Iterator[Call]:
    payment = life.payment()
    yield life.tell("accepted", PAY, payment)
    life.wait(hours=3)
    yield life.operate("amount lowered", payment.but(amount_minor=life.part()))


@story(
    "instalment-cancelled",
    "Paid in two times; an operator cancels the second.",
    ends="DEBIT AUTHORISED; DEBIT CANCELLED",
)
def instalment_cancelled(life: Life) -> Iterator[Call]:
    second = life.order.amount_minor // 2
    first = life.order.amount_minor - second
    life.asks(payment_config=f"MULTI:first={first};count=2;period=30")
    now = life.payment(amount_minor=first)
    later = life.payment(
        "WAITING_AUTHORISATION",
        amount_minor=second,
        sequence_number=2,
        capture_at=life.now + timedelta(days=30),
        authorisation_mode="MARK",
    )
    yield life.tell("first accepted", PAY, now, later)
    life.wait(days=10)
    yield life.operate("second cancelled", later.but(status="CANCELLED"))


@story(
    "refunded-in-part",
    "A part is given back.",
    ends="DEBIT AUTHORISED; CREDIT AUTHORISED",
)
def refunded_in_part(life: Life) -> Iterator[Call]:
    payment = life.payment()
    yield life.tell("accepted", PAY, payment)
    payment = _captured(life, payment)
    yield life.operate("refunded in part", life.refund(payment, life.part()))


@story(
    "refunded-in-full",
    "All is given back, and captured.",
    ends="DEBIT AUTHORISED; CREDIT CAPTURED",
)
def refunded_in_full(life: Life) -> Iterator[Call]:
    payment = life.payment()
    yield life.tell("accepted", PAY, payment)
    payment = _captured(life, payment)
    refund = life.refund(payment)
    yield life.operate("refunded in full", refund)
    yield life.operate("refund captured", _captured(life, refund))


@story(
    "refund-refused",
    "A refund is refused.",
    ends="DEBIT AUTHORISED; CREDIT REFUSED",
)
def refund_refused(life: Life) -> Iterator[Call]:
    payment = life.payment()
    yield life.tell("accepted", PAY, payment)
    payment = _captured(life, payment)
    yield life.operate("refund refused", life.refund(payment, life.part()).refused("05"))


@story(
    "refund-to-retry",
    "A refund must be tried again, and is accepted then.",
    ends="DEBIT AUTHORISED; CREDIT AUTHORISED",
)
def refund_to_retry(life: Life) -> Iterator[Call]:
    payment = life.payment()
    yield life.tell("accepted", PAY, payment)
    payment = _captured(life, payment)
    refund = life.refund(payment, life.part(), status="REFUND_TO_RETRY")
    yield life.operate("refund to retry", refund)
    life.wait(days=1)
    yield life.operate("refund accepted", refund.but(status="AUTHORISED"))


@story(
    "duplicated",
    "A refused payment is made again by an operator.",
    ends="DEBIT REFUSED; DEBIT AUTHORISED",
)
def duplicated(life: Life) -> Iterator[Call]:
    payment = life.payment().refused("51")
    yield life.tell("refused", PAY, payment)
    life.wait(days=8)
    yield life.operate("duplicated", life.by_operator(parent_uuid=payment.uuid))


@story("manual-payment-accepted", "Typed in by an operator.", ends="DEBIT AUTHORISED")
def manual_payment_accepted(life: Life) -> Iterator[Call]:
    life.asks(order_id=f"TEL-{life.rng.randrange(10**6):06d}")
    yield life.operate("accepted", life.by_operator(payment_source="MOTO"))


@story("manual-payment-refused", "Typed in by an operator, refused.", ends="DEBIT REFUSED")
def manual_payment_refused(life: Life) -> Iterator[Call]:
    life.asks(order_id=f"TEL-{life.rng.randrange(10**6):06d}")
    yield life.operate("refused", life.by_operator(payment_source="MOTO").refused("54"))
