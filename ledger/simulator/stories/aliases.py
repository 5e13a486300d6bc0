"""Play stored means of payment: made, refused, changed, used."""

from collections.abc import Iterator
from typing import Any

from ledger.simulator.payment_lives import MERCH_BO, PAY, RETRY, Call
from ledger.simulator.stories.story import story
from ledger.simulator.synthetic_life import Life


def _register(life: Life, page_action: str = "REGISTER") -> None:
    """Request an alias only from the page: no payment, no order."""
    life.change_request(page_action=page_action, trans_id=None, order_id=None, trans_date=life.now)


@story(
    "alias-created-and-updated",
    "An alias is made, told again, and gets another card.",
    ends="VERIFICATION ACCEPTED; VERIFICATION ACCEPTED; alias UPDATED",
)
def created_and_updated(life: Life) -> Iterator[Call]:
    alias = life.new_reference()
    _register(life)
    created = life.call("created", PAY, life.verification(alias), alias_status="CREATED")
    yield created
    life.wait(minutes=15)
    yield life.repeat(RETRY, created)
    life.wait(days=20)
    _register(life, "REGISTER_UPDATE")
    life.means = life.card()
    yield life.call("updated", PAY, life.verification(alias), alias_status="UPDATED")


@story(
    "alias-refused",
    "The card does not pass its check: no alias.",
    ends="VERIFICATION REFUSED",
)
def not_created(life: Life) -> Iterator[Call]:
    _register(life)
    check = life.verification(None).refused("14")
    yield life.call("refused", PAY, check, alias_status="NOT_CREATED")


@story(
    "alias-update-refused",
    "An alias is made; its new card does not pass the check.",
    ends="VERIFICATION ACCEPTED; VERIFICATION REFUSED; alias CREATED",
)
def not_updated(life: Life) -> Iterator[Call]:
    alias = life.new_reference()
    _register(life)
    yield life.call("created", PAY, life.verification(alias), alias_status="CREATED")
    life.wait(days=20)
    _register(life, "REGISTER_UPDATE")
    life.means = life.card()
    check = life.verification(alias).refused("51")
    yield life.call("update refused", PAY, check, alias_status="NOT_UPDATED")


@story(
    "alias-registration-abandoned",
    "The buyer leaves instead of leaving a card.",
    ends="ABANDONED",
)
def registration_abandoned(life: Life) -> Iterator[Call]:
    _register(life)
    life.wait(minutes=10)
    yield life.call("abandoned", PAY, is_abandoned=True, alias_status="ABANDONED")


@story(
    "alias-created-with-payment",
    "Paid, and the card is kept.",
    ends="DEBIT AUTHORISED; alias CREATED",
)
def created_with_payment(life: Life) -> Iterator[Call]:
    life.change_request(page_action="REGISTER_PAY")
    payment = life.payment(alias=life.new_reference(), occurrence_type="RECURRENT_INITIAL")
    yield life.call("paid and kept", PAY, payment, alias_status="CREATED")


@story(
    "alias-refused-with-payment",
    "The payment is refused, so no alias is made.",
    ends="DEBIT REFUSED",
)
def not_created_payment_refused(life: Life) -> Iterator[Call]:
    life.change_request(page_action="REGISTER_PAY")
    payment = life.payment().refused("51")
    yield life.call("refused", PAY, payment, alias_status="NOT_CREATED")


@story("alias-declined", "Paid; the buyer keeps no card.", ends="DEBIT AUTHORISED")
def declined(life: Life) -> Iterator[Call]:
    life.change_request(page_action="ASK_REGISTER_PAY")
    yield life.call("paid only", PAY, life.payment())


@story(
    "alias-known-already",
    "The card was known: its first alias comes back.",
    ends="DEBIT AUTHORISED; DEBIT AUTHORISED; alias CREATED",
)
def known_already(life: Life) -> Iterator[Call]:
    life.change_request(page_action="REGISTER_PAY")
    alias = life.new_reference()
    with_alias: dict[str, Any] = {"alias": alias, "occurrence_type": "RECURRENT_INITIAL"}
    yield life.call("paid and kept", PAY, life.payment(**with_alias), alias_status="CREATED")
    life.wait(days=9)
    life.change_request(trans_date=life.now)
    yield life.call(
        "paid, known", PAY, life.payment(**with_alias), alias_status="CREATED", is_known_means=True
    )


@story(
    "alias-updated-with-payment",
    "An alias is made, used, and gets another card while paying.",
    ends="VERIFICATION ACCEPTED; DEBIT AUTHORISED; DEBIT AUTHORISED; alias UPDATED",
)
def used_and_updated(life: Life) -> Iterator[Call]:
    alias, request = life.new_reference(), life.request
    _register(life)
    yield life.call("created", PAY, life.verification(alias), alias_status="CREATED")
    life.wait(days=3)
    life.request = request
    life.change_request(trans_date=life.now)
    by_alias: dict[str, Any] = {
        "alias": alias,
        "occurrence_type": "RECURRENT_INTERMEDIAIRE",
        "authentication": None,
    }
    yield life.call("paid by alias", PAY, life.payment(**by_alias))
    life.wait(days=3)
    life.change_request(trans_date=life.now, page_action="REGISTER_UPDATE_PAY")
    life.means = life.card()
    yield life.call("paid, updated", PAY, life.payment(alias=alias), alias_status="UPDATED")


@story(
    "alias-made-by-operator",
    "An operator makes an alias, then changes it.",
    ends="VERIFICATION ACCEPTED; VERIFICATION ACCEPTED; alias UPDATED",
)
def made_by_operator(life: Life) -> Iterator[Call]:
    alias = life.new_reference()
    by_hand: dict[str, Any] = {
        "payment_source": "MOTO",
        "user": "agent-007",
        "authentication": None,
    }
    _register(life)
    check = life.verification(alias, **by_hand)
    yield life.call("created", MERCH_BO, check, alias_status="CREATED")
    life.wait(days=30)
    life.means = life.card()
    check = life.verification(alias, **by_hand)
    yield life.call("updated", MERCH_BO, check, alias_status="UPDATED")


@story(
    "alias-created-before-2018",
    "An alias made when checks were not transactions yet.",
    ends="alias CREATED",
    form_only="before the end of 2018 there was no transaction, and REST tells only transactions",
)
def created_before_2018(life: Life) -> Iterator[Call]:
    _register(life)
    yield life.call(
        "created", PAY, alias=life.new_reference(), alias_status="CREATED", means=life.means
    )
