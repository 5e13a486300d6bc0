"""Play what happens on the payment page: paid, refused, abandoned, by every means."""

from collections.abc import Iterator
from datetime import timedelta

from ledger.simulator.payment_lives import (
    BATCH_AUTO,
    DCF,
    FIRST_INSTALMENT,
    PAY,
    PAYMENT_ORDER,
    RISK,
    TECHNICAL,
    Call,
    Means,
    Payment,
)
from ledger.simulator.stories.story import story
from ledger.simulator.synthetic_life import Life

VOUCHERS = Means("E_CHEQUE_VACANCES", "E-CHEQUE-VACANCES", "", "ECV", "ECV-0001")
MANDATE = Means("SDD", "SDD", "FR7630001XXXXXXXXXXXXXXX123_BDEMFRPPXXX", "SEPA", "SDD-0001")


@story("payment-accepted", "A card payment, accepted at once.", ends="DEBIT AUTHORISED")
def accepted(life: Life) -> Iterator[Call]:
    yield life.call("accepted", PAY, life.payment())


@story(
    "payment-special-characters",
    "A payment whose texts hold accents, line ends, plus signs and an emoji.",
    ends="DEBIT AUTHORISED",
)
def special_characters(life: Life) -> Iterator[Call]:
    life.change_request(
        info={"order_info": "a+b = c  d", "order_info2": "", "order_info3": "100% 🙂 \\/ <b>&amp;"},
        metadata={"coupon": "PROMO+10", "note": "ligne 1\nligne 2"},
    )
    yield life.call("accepted", PAY, life.payment())


@story("payment-refused", "The bank refuses.", ends="DEBIT REFUSED")
def refused(life: Life) -> Iterator[Call]:
    yield life.call("refused", PAY, life.payment().refused("51"))


@story("payment-refused-by-risk-control", "A risk control refuses.", ends="DEBIT REFUSED")
def refused_by_risk_control(life: Life) -> Iterator[Call]:
    payment = life.payment(authentication=None)
    yield life.call("refused by risk control", PAY, payment.refused(None, RISK))


@story("payment-technical-error", "The acquirer cannot be reached.", ends="DEBIT REFUSED")
def technical_error(life: Life) -> Iterator[Call]:
    payment = life.payment(authentication=None)
    yield life.call("technical error", PAY, payment.refused("96", TECHNICAL))


@story("payment-abandoned", "The buyer leaves; no transaction exists.", ends="ABANDONED")
def abandoned(life: Life) -> Iterator[Call]:
    life.wait(minutes=10)
    yield life.call("abandoned", PAY, is_abandoned=True)


@story(
    "payment-abandoned-without-order",
    "The buyer leaves; the merchant had sent no order reference.",
    ends="ABANDONED",
)
def abandoned_without_order(life: Life) -> Iterator[Call]:
    life.change_request(order_id=None)
    life.wait(minutes=10)
    empty = {"vads_trans_uuid": ""}  # absent in other calls: both were seen
    yield life.call("abandoned", PAY, is_abandoned=True, extra_form_fields=empty)


@story(
    "payment-abandoned-after-refusal",
    "The bank refuses, then the buyer leaves instead of trying again.",
    ends="DEBIT REFUSED; ABANDONED",
)
def abandoned_after_refusal(life: Life) -> Iterator[Call]:
    payment = life.payment().refused("05")
    yield life.call("refused", PAY, payment, may_retry=True)
    life.wait(minutes=10)
    yield life.call("abandoned", PAY, payment, is_abandoned=True)


@story(
    "payment-third-attempt",
    "Two attempts are refused, the third is accepted.",
    ends="DEBIT REFUSED; DEBIT REFUSED; DEBIT AUTHORISED",
)
def third_attempt(life: Life) -> Iterator[Call]:
    first = life.payment().refused("51")
    yield life.call("first attempt refused", PAY, first, may_retry=True)
    life.wait(minutes=2)
    second = life.payment(sequence_number=2).refused("55")
    yield life.call("second attempt refused", PAY, second, first, may_retry=True)
    life.wait(minutes=2)
    third = life.payment(sequence_number=3, means=life.card())
    yield life.call("third attempt accepted", PAY, third, second, first)


@story(
    "payment-by-wallet-refunded",
    "A payment by wallet, given back in full.",
    ends="DEBIT AUTHORISED; CREDIT AUTHORISED",
)
def wallet_refunded(life: Life) -> Iterator[Call]:
    payment = life.payment(means=life.wallet())
    yield life.call("accepted", PAY, payment)
    life.wait(days=6)
    yield life.back_office_call("refunded in full", life.refund(payment))


@story(
    "payment-currency-conversion",
    "Asked for in dollars, captured in euros.",
    ends="DEBIT AUTHORISED",
)
def currency_conversion(life: Life) -> Iterator[Call]:
    life.change_request(currency="USD")
    rate = f"1.{life.rng.randrange(500, 2500):04d}"
    amount = round(life.request.amount_minor / float(rate))
    payment = life.payment(amount_minor=amount, currency="EUR", change_rate=f"{rate}000000")
    yield life.call("accepted", PAY, payment)


@story("payment-link", "Paid through a link sent by the merchant.", ends="DEBIT AUTHORISED")
def link(life: Life) -> Iterator[Call]:
    trans_id = life.platform_trans_id()
    life.change_request(trans_id=trans_id)
    payment = life.payment(payment_order_id=life.new_reference(), user="API REST")
    yield life.call("link paid", PAYMENT_ORDER, payment)


@story("data-collection-form", "Paid through a hosted form.", ends="DEBIT AUTHORISED")
def data_collection_form(life: Life) -> Iterator[Call]:
    life.change_request(trans_id=life.platform_trans_id())
    yield life.call("form paid", DCF, life.payment())


@story("sepa-debit", "A direct debit with a new mandate.", ends="DEBIT AUTHORISED; alias CREATED")
def sepa_debit(life: Life) -> Iterator[Call]:
    life.change_request(currency="EUR", page_action="REGISTER_PAY", capture_days=5)
    life.means = MANDATE
    payment = life.payment(alias=life.new_reference(), occurrence_type="RECURRENT_INITIAL")
    yield life.call("debit accepted", PAY, payment, alias_status="CREATED")


@story(
    "payment-split",
    "Paid with vouchers and a card: the parts are the payments.",
    ends="DEBIT CAPTURED; DEBIT AUTHORISED",
)
def split(life: Life) -> Iterator[Call]:
    vouchers, card = _parts(life)
    vouchers = vouchers.changed(status="CAPTURED", captured_at=life.now)
    yield life.call("both parts paid", PAY, vouchers, card, is_split=True)


@story(
    "payment-split-refused",
    "The card is refused, so the part paid with vouchers is cancelled.",
    ends="DEBIT CANCELLED; DEBIT REFUSED",
)
def split_refused(life: Life) -> Iterator[Call]:
    vouchers, card = _parts(life)
    vouchers = vouchers.changed(status="CANCELLED")
    yield life.call("second part refused", PAY, vouchers, card.refused("51"), is_split=True)


def _parts(life: Life) -> tuple[Payment, Payment]:
    life.change_request(currency="EUR")
    amount = life.partial_amount()
    rest = life.request.amount_minor - amount
    vouchers = life.payment(
        means=VOUCHERS,
        amount_minor=amount,
        requested_amount_minor=amount,
        authentication=None,
    )
    card = life.payment(amount_minor=rest, requested_amount_minor=rest, sequence_number=2)
    return vouchers, card


@story(
    "instalments",
    "Paid in three times: the second is authorised later, the third refused.",
    ends="DEBIT AUTHORISED; DEBIT AUTHORISED; DEBIT REFUSED",
)
def instalments(life: Life) -> Iterator[Call]:
    first, second, third = _instalments(life)
    yield life.call("first accepted", PAY, first, second, third)
    life.wait(days=29)
    second = second.changed(status="AUTHORISED", authorisation_mode="FULL")
    yield life.call("second authorised", BATCH_AUTO, second)
    life.wait(days=30)
    third = third.changed(authorisation_mode="FULL").refused("51")
    yield life.call("third refused", BATCH_AUTO, third)


@story(
    "instalments-first-refused",
    "Paid in three times: the first is refused, and so the others.",
    ends="DEBIT REFUSED; DEBIT REFUSED; DEBIT REFUSED",
)
def instalments_first_refused(life: Life) -> Iterator[Call]:
    first, *later_payments = _instalments(life)
    first = first.refused("51")
    later_payments = [payment.refused(None, FIRST_INSTALMENT) for payment in later_payments]
    yield life.call("first refused", PAY, first, *later_payments)
    for payment in later_payments:
        yield life.call(f"instalment {payment.sequence_number} refused", BATCH_AUTO, payment)


def _instalments(life: Life) -> tuple[Payment, Payment, Payment]:
    share = life.request.amount_minor // 3
    first = life.request.amount_minor - 2 * share
    life.change_request(payment_config=f"MULTI:first={first};count=3;period=30")
    payments = [life.payment(amount_minor=first)]
    for number in (2, 3):
        payment = life.payment(
            "WAITING_AUTHORISATION",
            amount_minor=share,
            sequence_number=number,
            capture_at=life.now + timedelta(days=30 * (number - 1)),
            authentication=None,
            authorisation_mode="MARK",
        )
        payments.append(payment)
    return payments[0], payments[1], payments[2]


@story(
    "two-tabs",
    "Paid in one tab, abandoned in another: the payment stands.",
    ends="DEBIT AUTHORISED; ABANDONED",
)
def two_tabs(life: Life) -> Iterator[Call]:
    yield life.call("accepted", PAY, life.payment())
    life.wait(minutes=10)
    life.change_request(trans_id=f"{int(life.request.trans_id or 0) + 1}")
    yield life.call("abandoned in the other tab", PAY, is_abandoned=True)


@story(
    "unknown-words",
    "A status, a source and a field that nobody knows yet.",
    ends="DEBIT NEW_STATUS",
)
def unknown_words(life: Life) -> Iterator[Call]:
    payment = life.payment("NEW_STATUS")
    yield life.call(
        "unheard of", "NEW_SOURCE", payment, extra_form_fields={"vads_new_field_2027": "x"}
    )
