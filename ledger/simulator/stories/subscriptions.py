"""Play subscriptions: opened, refused, abandoned, and their instalments."""

from collections.abc import Iterator
from typing import Any

from ledger.simulator.payment_lives import BATCH_AUTO, BO, PAY, REC, RETRY, Call
from ledger.simulator.stories.story import story
from ledger.simulator.synthetic_life import Life

_OPENED: dict[str, Any] = {"alias_status": "CREATED", "subscription_status": "CREATED"}
_NOT_RETRIED = frozenset({"subscription", "payment_certificate"})


def _subscribe(life: Life, page_action: str) -> None:
    order_id = f"ABO-{life.now:%Y}-{life.rng.randrange(10**6):06d}"
    trans_id = life.request.trans_id if "PAY" in page_action else None
    life.change_request(page_action=page_action, order_id=order_id, trans_id=trans_id)


@story(
    "subscription",
    "Opened; paid and told again; refused; announced and authorised; paid a last time.",
    ends="VERIFICATION ACCEPTED; DEBIT CAPTURED; DEBIT REFUSED; DEBIT AUTHORISED;"
    " DEBIT AUTHORISED; alias CREATED; subscription CREATED, 4 instalments",
)
def subscription(life: Life) -> Iterator[Call]:
    _subscribe(life, "REGISTER_SUBSCRIBE")
    name, alias, plan = life.new_reference(), life.new_reference(), life.plan()
    check = life.verification(alias, occurrence_type="RECURRENT_INITIAL")
    yield life.call("opened", PAY, check, subscription_id=name, plan=plan, **_OPENED)

    life.wait(days=30)
    first = life.instalment(plan, name, alias, 1)
    first_paid = life.call("first paid", REC, first)
    yield first_paid
    life.wait(minutes=15)
    yield life.repeat(RETRY, first_paid, dropped_fields=_NOT_RETRIED)
    life.wait(days=3)
    captured = first.changed(status="CAPTURED", captured_at=life.now)
    yield life.repeat(BO, first_paid, captured)

    life.wait(days=27)
    yield life.call("second refused", REC, life.instalment(plan, name, alias, 2).refused("51"))

    life.wait(days=27)
    third = life.instalment(plan, name, alias, 3)
    waiting = third.changed(status="WAITING_AUTHORISATION", authorisation_mode=None)
    yield life.call("third announced", REC, waiting)
    life.wait(days=1)
    yield life.call("third authorised", BATCH_AUTO, third)

    life.wait(days=270)
    last = life.instalment(plan, name, alias, 12).changed(occurrence_type="RECURRENT_FINAL")
    yield life.call("last paid", REC, last)


@story(
    "subscription-with-payment",
    "Paid and subscribed at once: that payment is no instalment.",
    ends="DEBIT AUTHORISED; DEBIT AUTHORISED; alias CREATED; subscription CREATED, 1 instalments",
)
def with_payment(life: Life) -> Iterator[Call]:
    _subscribe(life, "REGISTER_PAY_SUBSCRIBE")
    name, alias, plan = f"ABO-CLIENT-{life.new_reference()[:8]}", life.new_reference(), life.plan()
    payment = life.payment(alias=alias, occurrence_type="RECURRENT_INITIAL")
    yield life.call("paid and opened", PAY, payment, subscription_id=name, plan=plan, **_OPENED)
    life.wait(days=30)
    yield life.call("first paid", REC, life.instalment(plan, name, alias, 1))


@story(
    "subscription-instalment-tried-again",
    "An instalment is refused and tried again under the same number.",
    ends="VERIFICATION ACCEPTED; DEBIT REFUSED; DEBIT AUTHORISED; alias CREATED;"
    " subscription CREATED, 2 instalments",
)
def instalment_tried_again(life: Life) -> Iterator[Call]:
    _subscribe(life, "REGISTER_SUBSCRIBE")
    name, alias, plan = life.new_reference(), life.new_reference(), life.plan()
    check = life.verification(alias)
    yield life.call("opened", PAY, check, subscription_id=name, plan=plan, **_OPENED)
    life.wait(days=30)
    yield life.call("first refused", REC, life.instalment(plan, name, alias, 1).refused("51"))
    life.wait(days=3)
    yield life.call("first paid", REC, life.instalment(plan, name, alias, 1))


@story(
    "subscription-refused",
    "The card does not pass its check: no alias, no subscription.",
    ends="VERIFICATION REFUSED",
)
def not_created(life: Life) -> Iterator[Call]:
    _subscribe(life, "REGISTER_SUBSCRIBE")
    yield life.call(
        "refused",
        PAY,
        life.verification(None).refused("51"),
        alias_status="NOT_CREATED",
        subscription_status="NOT_CREATED",
        plan=life.plan(),
    )


@story(
    "subscription-abandoned",
    "The buyer leaves instead of subscribing.",
    ends="ABANDONED",
)
def abandoned(life: Life) -> Iterator[Call]:
    _subscribe(life, "REGISTER_SUBSCRIBE")
    life.wait(minutes=10)
    yield life.call(
        "abandoned",
        PAY,
        is_abandoned=True,
        alias_status="ABANDONED",
        subscription_status="ABANDONED",
        plan=life.plan(),
    )


@story(
    "subscription-on-known-alias",
    "Subscribed with an alias made before: no transaction.",
    ends="subscription CREATED, 0 instalments",
    form_only="no payment is made, and REST tells only transactions",
)
def on_known_alias(life: Life) -> Iterator[Call]:
    _subscribe(life, "SUBSCRIBE")
    yield life.call(
        "opened",
        PAY,
        alias=life.new_reference(),
        means=life.means,
        subscription_id=life.new_reference(),
        subscription_status="CREATED",
        plan=life.plan(),
    )


@story(
    "subscription-by-operator",
    "Opened outside the payment page: its first instalment is the first news.",
    ends="DEBIT AUTHORISED; subscription ?, 1 instalments",
)
def by_operator(life: Life) -> Iterator[Call]:
    _subscribe(life, "PAYMENT")
    yield life.call(
        "first paid",
        REC,
        life.instalment(life.plan(), life.new_reference(), life.new_reference(), 1),
    )
