"""What is recorded of a doubtful form: shown and marked, it counts nowhere until confirmed."""

from typing import Any

import pytest

from ledger.aggregates.transaction import Transaction
from ledger.application import Ledger
from ledger.errors import NotFoundError
from ledger.queries.orders import order, order_history
from ledger.queries.readable import readable_events
from ledger.queries.state import current_state
from ledger.recording.confirmation import Voucher
from tests.builders import (
    SHOP_ID,
    UUID,
    a_delivery,
    a_form,
    a_form_call,
    a_rest_call,
    form_body,
    minutes,
    opened_events,
    receive,
)
from tests.forgeries import (
    FAKE_UUID,
    MORE_TEXTS,
    ORDER_ID,
    TEXTS,
    a_payment_form,
    forged,
    forged_body,
    typed,
)
from tests.projections.helpers import all_rows, follow, rebuilt

FROM_ANYWHERE = {"is_from_named_range": False}
AN_ORDER = "CMD-2026-0001"


def a_forgery() -> bytes:
    wanted = TEXTS | MORE_TEXTS
    form = a_payment_form("TEST", typed(text for _, text in sorted(wanted.items())))
    return forged_body(form, forged(form, wanted, "invented"))


def a_doubtful_call(status: str = "AUTHORISED", **fields: str | None) -> bytes:
    """A call about the payment of all tests, with a name that is not the platform's."""
    return a_form_call(status, never_documented="x", **fields)


def state(ledger: Ledger, uuid: str = UUID) -> dict[str, Any]:
    events = ledger.events.history(Transaction.id_of(SHOP_ID, "TEST", uuid))
    return current_state(readable_events(ledger, events))


def balance(ledger: Ledger, order_id: str = AN_ORDER) -> dict[str, Any]:
    follow(ledger)
    history = order_history(ledger, SHOP_ID, "TEST", order_id)
    (own,) = order(history, shop_id=SHOP_ID, mode="test", order_id=order_id)["balances"]
    (row,) = (row for row in all_rows(ledger)["orders"] if row["order_id"] == order_id)
    assert {name: row[name] for name in own if name in row} == own
    return own


def test_a_forged_payment_is_shown_and_counts_nowhere(ledger: Ledger) -> None:
    receipt = receive(ledger, a_forgery(), **FROM_ANYWHERE)

    assert receipt.outcome == "recorded"
    assert state(ledger, FAKE_UUID)["doubtful"]
    assert ledger.events.events_after(0, 10)[0].event.doubtful
    own = balance(ledger, ORDER_ID)
    assert own["doubtful"] == own["transactions"] == 1
    assert {own[name] for name in own if name.endswith("_minor")} == {0}
    assert all_rows(ledger)["daily_totals"] == []
    (row,) = all_rows(ledger)["transactions"]
    assert (row["is_doubtful"], row["amount_minor"]) == (1, None)


def test_a_call_in_rest_confirms_it_by_what_it_says_itself(ledger: Ledger) -> None:
    receive(ledger, a_doubtful_call(effective_amount="999900"), **FROM_ANYWHERE)
    assert balance(ledger)["authorised_minor"] == 0

    receipt = receive(ledger, a_rest_call("AUTHORISED", at=minutes(1)), **FROM_ANYWHERE)

    assert receipt.outcome == "recorded"
    assert not state(ledger)["doubtful"]
    assert state(ledger)["amount_minor"] == 2990
    assert balance(ledger)["authorised_minor"] == 2990


def test_the_details_of_a_doubtful_form_are_shown_in_its_event_alone(ledger: Ledger) -> None:
    receive(ledger, a_form_call(ext_info_basket="B-1"), **FROM_ANYWHERE)
    before = state(ledger)["details"]

    receipt = receive(ledger, a_doubtful_call(ext_info_basket="FAKE"), **FROM_ANYWHERE)
    again = receive(ledger, a_doubtful_call(ext_info_basket="FAKE"), **FROM_ANYWHERE)

    assert (receipt.outcome, again.outcome) == ("recorded", "repeated")
    assert state(ledger)["details"] == before
    assert before["vads_ext_info_basket"] == "B-1"


def test_nothing_remains_of_what_a_doubtful_form_said(ledger: Ledger) -> None:
    receive(ledger, a_doubtful_call(order_id="ANOTHER", wallet="FAKE"), **FROM_ANYWHERE)
    assert balance(ledger, "ANOTHER")["doubtful"] == 1

    receive(ledger, a_form_call(order_id=None), **FROM_ANYWHERE)

    assert (state(ledger)["order_id"], state(ledger)["wallet"]) == (None, None)
    follow(ledger)
    assert all_rows(ledger)["orders"] == []


def test_a_doubtful_form_takes_no_honest_money_away(ledger: Ledger) -> None:
    receive(ledger, a_form_call("AUTHORISED"))
    before = balance(ledger)

    receive(ledger, a_doubtful_call("REFUSED", effective_amount="0"), **FROM_ANYWHERE)
    receive(ledger, a_doubtful_call("CAPTURED", effective_amount="999900"), **FROM_ANYWHERE)

    assert balance(ledger) == before
    assert (state(ledger)["status"], state(ledger)["doubtful"]) == ("AUTHORISED", False)
    assert [bool(each.event.doubtful) for each in ledger.events.events_after(0, 10)] == [
        False,
        True,
        True,
    ]


def test_an_honest_call_is_not_late_because_of_a_doubtful_one(ledger: Ledger) -> None:
    receive(ledger, a_doubtful_call("CAPTURED"), **FROM_ANYWHERE)

    receive(ledger, a_form_call("AUTHORISED"))

    newest = ledger.events.events_after(0, 10)[-1].event
    assert not newest.late
    assert not newest.contradiction
    assert [rebuilt(ledger, name) for name in ("transactions", "orders", "totals")]
    assert state(ledger)["status"] == "AUTHORISED"


def test_an_operator_confirms_what_they_have_seen(ledger: Ledger) -> None:
    receive(ledger, a_doubtful_call(), **FROM_ANYWHERE)
    names = (SHOP_ID, "TEST", UUID)
    seen = ledger.confirmation.doubtful_events(*names)
    receive(ledger, a_doubtful_call("CAPTURED", effective_amount="999900"), **FROM_ANYWHERE)

    with pytest.raises(NotFoundError, match="has changed"):
        ledger.confirmation.confirm(*names, Voucher("ada", "asked the bank", len(seen)))
    ledger.confirmation.confirm(*names, Voucher("ada", "asked the bank", 2))

    event = opened_events(ledger)[-1].event
    assert event.TOPIC == "transaction.confirmed-by-operator"
    assert event.details == [["reason", "asked the bank"], ["operator", "ada"]]
    assert balance(ledger)["captured_minor"] == 999900
    with pytest.raises(NotFoundError):
        ledger.confirmation.doubtful_events(*names)


def test_what_is_not_doubtful_cannot_be_confirmed(ledger: Ledger) -> None:
    receive(ledger, a_form_call())

    with pytest.raises(NotFoundError):
        ledger.confirmation.confirm(SHOP_ID, "TEST", UUID, Voucher("ada", "why not", 1))


# -- one signed text under two sets of names -----------------------------------------------------


def renamed(fields: dict[str, str], old: str, new: str) -> bytes:
    body = form_body({new if name == old else name: text for name, text in fields.items()})
    assert body.rpartition(b"signature=")[2] == form_body(fields).rpartition(b"signature=")[2]
    return body


REAL = a_form(vads_trans_uuid=UUID)
RENAMED = renamed(REAL, "vads_effective_amount", "vads_effective_amounu")
PLAUSIBLE = renamed(REAL, "vads_cust_city", "vads_cust_cell_phone")


@pytest.mark.parametrize("sender", [FROM_ANYWHERE, {}])
def test_a_renamed_call_after_the_real_one_is_refused(ledger: Ledger, sender: Any) -> None:
    receive(ledger, form_body(REAL), **sender)

    receipt = receive(ledger, RENAMED, **sender)

    assert (receipt.outcome, receipt.reason) == ("quarantined", "relabelled-form")
    assert balance(ledger)["authorised_minor"] == 2990


def test_the_real_call_wins_although_a_renamed_one_came_first(ledger: Ledger) -> None:
    receive(ledger, RENAMED, **FROM_ANYWHERE)

    receipt = receive(ledger, form_body(REAL), **FROM_ANYWHERE)

    assert receipt.outcome == "recorded"
    assert balance(ledger)["authorised_minor"] == 2990
    assert receive(ledger, form_body(REAL), **FROM_ANYWHERE).outcome == "repeated"
    assert receive(ledger, PLAUSIBLE, **FROM_ANYWHERE).reason == "names-contradict"
    another = renamed(REAL, "vads_effective_amount", "vads_effective_amounv")
    assert receive(ledger, another, **FROM_ANYWHERE).reason == "relabelled-form"


def test_where_both_could_be_the_platforms_the_second_is_undecided(ledger: Ledger) -> None:
    receive(ledger, form_body(REAL), **FROM_ANYWHERE)

    receipt = receive(ledger, PLAUSIBLE, **FROM_ANYWHERE)

    assert (receipt.outcome, receipt.reason) == ("undecided", "names-contradict")


def test_both_in_one_commit_are_told_apart(ledger: Ledger) -> None:
    bodies = (form_body(REAL), RENAMED, PLAUSIBLE)

    receipts = ledger.receive_many([a_delivery(body, **FROM_ANYWHERE) for body in bodies])

    assert [receipt.outcome for receipt in receipts] == ["recorded", "quarantined", "undecided"]
