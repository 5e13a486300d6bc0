"""Play what an operator does in the Back Office."""

from collections.abc import Iterator
from datetime import timedelta

from ledger.simulator.payment_lives import PAY, Call, Payment
from ledger.simulator.stories.story import story
from ledger.simulator.synthetic_life import Life


def _captured(life: Life, payment: Payment) -> Payment:
    """Capture a card payment after a day, which no call announces."""
    life.wait(days=1)
    return payment.changed(status="CAPTURED", captured_at=life.now)


@story("validated", "To be validated by hand, and validated.", ends="DEBIT AUTHORISED")
def validated(life: Life) -> Iterator[Call]:
    payment = life.payment("AUTHORISED_TO_VALIDATE", is_validated_by_hand=True)
    yield life.call("to validate", PAY, payment)
    life.wait(days=1)
    yield life.back_office_call("validated", payment.changed(status="AUTHORISED"))


@story(
    "changed-and-cancelled",
    "Captured in three days: amount lowered, date moved, cancelled.",
    ends="DEBIT CANCELLED",
)
def changed_and_cancelled(life: Life) -> Iterator[Call]:
    life.change_request(capture_days=3)
    payment = life.payment()
    yield life.call("accepted", PAY, payment)
    life.wait(hours=5)
    payment = payment.changed(amount_minor=life.partial_amount())
    yield life.back_office_call("amount lowered", payment)
    life.wait(hours=5)
    payment = payment.changed(capture_at=payment.capture_at - timedelta(days=1))
    yield life.back_office_call("capture brought forward", payment)
    life.wait(hours=5)
    yield life.back_office_call("cancelled", payment.changed(status="CANCELLED"))


@story(
    "amount-lowered",
    "The amount is lowered before capture.",
    ends="DEBIT AUTHORISED",
)
def amount_lowered(life: Life) -> Iterator[Call]:
    payment = life.payment()
    yield life.call("accepted", PAY, payment)
    life.wait(hours=3)
    yield life.back_office_call(
        "amount lowered", payment.changed(amount_minor=life.partial_amount())
    )


@story(
    "instalment-cancelled",
    "Paid in two times; an operator cancels the second.",
    ends="DEBIT AUTHORISED; DEBIT CANCELLED",
)
def instalment_cancelled(life: Life) -> Iterator[Call]:
    second = life.request.amount_minor // 2
    first = life.request.amount_minor - second
    life.change_request(payment_config=f"MULTI:first={first};count=2;period=30")
    first_payment = life.payment(amount_minor=first)
    second_payment = life.payment(
        "WAITING_AUTHORISATION",
        amount_minor=second,
        sequence_number=2,
        capture_at=life.now + timedelta(days=30),
        authorisation_mode="MARK",
    )
    yield life.call("first accepted", PAY, first_payment, second_payment)
    life.wait(days=10)
    yield life.back_office_call("second cancelled", second_payment.changed(status="CANCELLED"))


@story(
    "refunded-in-part",
    "A part is given back.",
    ends="DEBIT AUTHORISED; CREDIT AUTHORISED",
)
def refunded_in_part(life: Life) -> Iterator[Call]:
    payment = life.payment()
    yield life.call("accepted", PAY, payment)
    payment = _captured(life, payment)
    yield life.back_office_call("refunded in part", life.refund(payment, life.partial_amount()))


@story(
    "refunded-in-full",
    "All is given back, and captured.",
    ends="DEBIT AUTHORISED; CREDIT CAPTURED",
)
def refunded_in_full(life: Life) -> Iterator[Call]:
    payment = life.payment()
    yield life.call("accepted", PAY, payment)
    payment = _captured(life, payment)
    refund = life.refund(payment)
    yield life.back_office_call("refunded in full", refund)
    yield life.back_office_call("refund captured", _captured(life, refund))


@story(
    "refund-refused",
    "A refund is refused.",
    ends="DEBIT AUTHORISED; CREDIT REFUSED",
)
def refund_refused(life: Life) -> Iterator[Call]:
    payment = life.payment()
    yield life.call("accepted", PAY, payment)
    payment = _captured(life, payment)
    yield life.back_office_call(
        "refund refused", life.refund(payment, life.partial_amount()).refused("05")
    )


@story(
    "refund-to-retry",
    "A refund must be tried again, and is accepted then.",
    ends="DEBIT AUTHORISED; CREDIT AUTHORISED",
)
def refund_to_retry(life: Life) -> Iterator[Call]:
    payment = life.payment()
    yield life.call("accepted", PAY, payment)
    payment = _captured(life, payment)
    refund = life.refund(payment, life.partial_amount(), status="REFUND_TO_RETRY")
    yield life.back_office_call("refund to retry", refund)
    life.wait(days=1)
    yield life.back_office_call("refund accepted", refund.changed(status="AUTHORISED"))


@story(
    "duplicated",
    "A refused payment is made again by an operator.",
    ends="DEBIT REFUSED; DEBIT AUTHORISED",
)
def duplicated(life: Life) -> Iterator[Call]:
    payment = life.payment().refused("51")
    yield life.call("refused", PAY, payment)
    life.wait(days=8)
    yield life.back_office_call("duplicated", life.payment_by_operator(parent_uuid=payment.uuid))


@story("manual-payment-accepted", "Typed in by an operator.", ends="DEBIT AUTHORISED")
def manual_payment_accepted(life: Life) -> Iterator[Call]:
    life.change_request(order_id=f"TEL-{life.rng.randrange(10**6):06d}")
    yield life.back_office_call("accepted", life.payment_by_operator(payment_source="MOTO"))


@story("manual-payment-refused", "Typed in by an operator, refused.", ends="DEBIT REFUSED")
def manual_payment_refused(life: Life) -> Iterator[Call]:
    life.change_request(order_id=f"TEL-{life.rng.randrange(10**6):06d}")
    yield life.back_office_call(
        "refused", life.payment_by_operator(payment_source="MOTO").refused("54")
    )
