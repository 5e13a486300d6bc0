"""Play what the acquirer decides later: authorisations of deferred payments, new statuses."""

from collections.abc import Iterator

from ledger.simulator.payment_lives import (
    BANK,
    BATCH,
    BATCH_AUTO,
    CAPTURE,
    PAY,
    Call,
    Means,
    Payment,
)
from ledger.simulator.stories.story import story
from ledger.simulator.synthetic_life import Life

PAYPAL = Means("PAYPAL", "PAYPAL", "", "PAYPAL", "PP-0001")
MULTIBANCO = Means("MULTIBANCO", "MULTIBANCO", "", "PPRO", "MB-0001")


def _deferred(life: Life, status: str = "WAITING_AUTHORISATION") -> Payment:
    life.change_request(capture_days=30)
    is_validated_by_hand = status.endswith("TO_VALIDATE")
    return life.payment(
        status, authorisation_mode="MARK", is_validated_by_hand=is_validated_by_hand
    )


@story("deferred-authorised", "Captured in a month, authorised then.", ends="DEBIT AUTHORISED")
def deferred_authorised(life: Life) -> Iterator[Call]:
    payment = _deferred(life)
    yield life.call("deferred", PAY, payment)
    life.wait(days=29)
    payment = payment.changed(status="AUTHORISED", authorisation_mode="FULL")
    yield life.call("authorised", BATCH_AUTO, payment)


@story("deferred-refused", "Captured in a month, refused then.", ends="DEBIT REFUSED")
def deferred_refused(life: Life) -> Iterator[Call]:
    payment = _deferred(life)
    yield life.call("deferred", PAY, payment)
    life.wait(days=29)
    payment = payment.changed(authorisation_mode="FULL").refused("51")
    yield life.call("refused", BATCH_AUTO, payment)


@story(
    "deferred-validated",
    "Captured in a month, validated by hand at once, authorised then.",
    ends="DEBIT AUTHORISED",
)
def deferred_validated(life: Life) -> Iterator[Call]:
    payment = _deferred(life, "WAITING_AUTHORISATION_TO_VALIDATE")
    yield life.call("deferred", PAY, payment)
    life.wait(days=2)
    payment = payment.changed(status="WAITING_AUTHORISATION", user="agent-007")
    yield life.back_office_call("validated", payment)
    life.wait(days=27)
    payment = payment.changed(status="AUTHORISED", authorisation_mode="FULL")
    yield life.call("authorised", BATCH_AUTO, payment)


@story(
    "deferred-authorised-to-validate",
    "Captured in a month, authorised then, not yet validated.",
    ends="DEBIT AUTHORISED_TO_VALIDATE",
)
def deferred_authorised_to_validate(life: Life) -> Iterator[Call]:
    payment = _deferred(life, "WAITING_AUTHORISATION_TO_VALIDATE")
    yield life.call("deferred", PAY, payment)
    life.wait(days=29)
    payment = payment.changed(status="AUTHORISED_TO_VALIDATE", authorisation_mode="FULL")
    yield life.call("authorised", BATCH_AUTO, payment)


@story("expired", "Nobody validates in time.", ends="DEBIT EXPIRED")
def expired(life: Life) -> Iterator[Call]:
    payment = life.payment("AUTHORISED_TO_VALIDATE", is_validated_by_hand=True)
    yield life.call("to validate", PAY, payment)
    life.wait(days=7)
    yield life.call("expired", BATCH, payment.changed(status="EXPIRED"))


@story("external-captured", "Paid at a cash machine, told later.", ends="DEBIT CAPTURED")
def external_captured(life: Life) -> Iterator[Call]:
    life.means = MULTIBANCO
    payment = life.payment("INITIAL")
    yield life.call("waiting for the buyer", PAY, payment)
    life.wait(days=1)
    yield life.call("captured", BATCH, payment.changed(status="CAPTURED", captured_at=life.now))


@story("verified-captured", "Held for a fraud check, then captured.", ends="DEBIT CAPTURED")
def verified_captured(life: Life) -> Iterator[Call]:
    life.means = PAYPAL
    payment = life.payment("UNDER_VERIFICATION")
    yield life.call("under verification", PAY, payment)
    life.wait(days=1)
    yield life.call("captured", BATCH, payment.changed(status="CAPTURED", captured_at=life.now))


@story("verified-refused", "Held for a fraud check, then refused.", ends="DEBIT REFUSED")
def verified_refused(life: Life) -> Iterator[Call]:
    life.means = PAYPAL
    payment = life.payment("UNDER_VERIFICATION")
    yield life.call("under verification", PAY, payment)
    life.wait(days=1)
    yield life.call("refused", BATCH, payment.changed(status="REFUSED", refusal=BANK))


@story(
    "capture-failed",
    "Capture goes wrong; support repairs it.",
    ends="DEBIT CAPTURED",
)
def capture_failed(life: Life) -> Iterator[Call]:
    life.means = PAYPAL
    payment = life.payment(alias=life.new_reference(), occurrence_type="RECURRENT_INTERMEDIAIRE")
    yield life.call("accepted", PAY, payment)
    life.wait(days=1)
    failed = payment.changed(status="CAPTURE_FAILED", refusal=CAPTURE)
    yield life.call("capture failed", BATCH, failed)
    life.wait(days=1)
    yield life.call("captured", BATCH, payment.changed(status="CAPTURED", captured_at=life.now))


@story("suspended", "The acquirer holds the capture back, then captures.", ends="DEBIT CAPTURED")
def suspended(life: Life) -> Iterator[Call]:
    payment = life.payment()
    yield life.call("accepted", PAY, payment)
    life.wait(days=1)
    yield life.call("suspended", BATCH, payment.changed(status="SUSPENDED"))
    life.wait(days=1)
    yield life.call("captured", BATCH, payment.changed(status="CAPTURED", captured_at=life.now))
