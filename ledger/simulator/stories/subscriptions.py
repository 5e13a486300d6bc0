"""Subscriptions: opened, refused, abandoned, and their instalments."""

from collections.abc import Iterator
from typing import Any

from ledger.simulator.lives import BATCH_AUTO, BO, PAY, REC, RETRY, Call
from ledger.simulator.stories.story import story
from ledger.simulator.synthesis import Life

_OPENED: dict[str, Any] = {"alias_status": "CREATED", "subscription_status": "CREATED"}


def _subscribe(life: Life, page_action: str) -> None:
    order_id = f"ABO-{life.now:%Y}-{life.rng.randrange(10**6):06d}"
    trans_id = life.order.trans_id if "PAY" in page_action else None
    life.asks(page_action=page_action, order_id=order_id, trans_id=trans_id)


@story(
    "subscription",
    "Opened; paid and told again; refused; announced and authorised; paid a last time.",
    ends="VERIFICATION ACCEPTED; DEBIT CAPTURED; DEBIT REFUSED; DEBIT AUTHORISED;"
    " DEBIT AUTHORISED; alias CREATED; subscription CREATED, 4 instalments",
)
def subscription(life: Life) -> Iterator[Call]:
    _subscribe(life, "REGISTER_SUBSCRIBE")
    name, alias, plan = life.name(), life.name(), life.plan()
    check = life.verification(alias, occurrence_type="RECURRENT_INITIAL")
    yield life.tell("opened", PAY, check, subscription_id=name, plan=plan, **_OPENED)

    life.wait(days=30)
    first = life.instalment(plan, name, alias, 1)
    told = life.tell("first paid", REC, first)
    yield told
    life.wait(minutes=15)
    yield life.tell_again(RETRY, told, lost=frozenset({"subscription", "payment_certificate"}))
    life.wait(days=3)
    captured = first.but(status="CAPTURED", captured_at=life.now)
    yield life.tell_again(BO, told, captured)

    life.wait(days=27)
    yield life.tell("second refused", REC, life.instalment(plan, name, alias, 2).refused("51"))

    life.wait(days=27)
    third = life.instalment(plan, name, alias, 3)
    waiting = third.but(status="WAITING_AUTHORISATION", authorisation_mode=None)
    yield life.tell("third announced", REC, waiting)
    life.wait(days=1)
    yield life.tell("third authorised", BATCH_AUTO, third)

    life.wait(days=270)
    last = life.instalment(plan, name, alias, 12).but(occurrence_type="RECURRENT_FINAL")
    yield life.tell("last paid", REC, last)


@story(
    "subscription-with-payment",
    "Paid and subscribed at once: that payment is no instalment.",
    ends="DEBIT AUTHORISED; DEBIT AUTHORISED; alias CREATED; subscription CREATED, 1 instalments",
)
def with_payment(life: Life) -> Iterator[Call]:
    _subscribe(life, "REGISTER_PAY_SUBSCRIBE")
    name, alias, plan = f"ABO-CLIENT-{life.name()[:8]}", life.name(), life.plan()
    payment = life.payment(alias=alias, occurrence_type="RECURRENT_INITIAL")
    yield life.tell("paid and opened", PAY, payment, subscription_id=name, plan=plan, **_OPENED)
    life.wait(days=30)
    yield life.tell("first paid", REC, life.instalment(plan, name, alias, 1))


@story(
    "subscription-instalment-tried-again",
    "An instalment is refused and tried again under the same number.",
    ends="VERIFICATION ACCEPTED; DEBIT REFUSED; DEBIT AUTHORISED; alias CREATED;"
    " subscription CREATED, 2 instalments",
)
def instalment_tried_again(life: Life) -> Iterator[Call]:
    _subscribe(life, "REGISTER_SUBSCRIBE")
    name, alias, plan = life.name(), life.name(), life.plan()
    check = life.verification(alias)
    yield life.tell("opened", PAY, check, subscription_id=name, plan=plan, **_OPENED)
    life.wait(days=30)
    yield life.tell("first refused", REC, life.instalment(plan, name, alias, 1).refused("51"))
    life.wait(days=3)
    yield life.tell("first paid", REC, life.instalment(plan, name, alias, 1))


@story(
    "subscription-refused",
    "The card does not pass its check: no alias, no subscription.",
    ends="VERIFICATION REFUSED",
)
def not_created(life: Life) -> Iterator[Call]:
    _subscribe(life, "REGISTER_SUBSCRIBE")
    yield life.tell(
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
    yield life.tell(
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
    yield life.tell(
        "opened",
        PAY,
        alias=life.name(),
        means=life.means,
        subscription_id=life.name(),
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
    yield life.tell("first paid", REC, life.instalment(life.plan(), life.name(), life.name(), 1))
