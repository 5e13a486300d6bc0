"""Orders over HTTP: their transactions, refunds and balances."""

from typing import Any

from sqlalchemy import text

from tests.builders import UUID, a_form_call, a_rest_call, minutes, receive
from tests.web.asking import AT, Asking

ORDER = f"{AT}/orders/CMD-2026-0001"


def a_refund(amount: int, digit: str = "b", status: str = "CAPTURED", **more: Any) -> bytes:
    uuid = digit * 32
    return a_form_call(
        status,
        source="MERCH_BO",
        trans_uuid=uuid,
        operation_type="CREDIT",
        effective_amount=str(amount),
        amount=str(amount),
        **more,
    )


def test_an_order_has_its_transactions_and_balances(paid: Asking) -> None:
    receive(paid.ledger, a_refund(1000))
    paid.follow()

    state = paid.get(ORDER)

    (balance,) = state["balances"]
    assert [payment["operation_type"] for payment in state["transactions"]] == ["DEBIT", "CREDIT"]
    assert (balance["currency"], balance["transactions"]) == ("EUR", 2)
    assert (balance["captured_minor"], balance["refunded_minor"]) == (2990, 1000)
    assert balance["balance_minor"] == 1990
    assert state["view_position"] == state["position"] == 3


def test_a_refund_is_linked_when_only_one_debit_can_be_meant(paid_sqlite: Asking) -> None:
    receive(paid_sqlite.ledger, a_refund(2000, "b"))
    receive(paid_sqlite.ledger, a_refund(2000, "c"))  # more than is left
    paid_sqlite.follow()

    _, first, second = paid_sqlite.get(ORDER)["transactions"]

    assert first["original"] == {"uuid": UUID, "certainty": "inferred"}
    assert second["original"] is None


def test_a_refund_that_names_its_original_is_linked_as_told(paid_sqlite: Asking) -> None:
    call = a_rest_call(
        "CAPTURED",
        minutes(9),
        "MERCH_BO",
        uuid="b" * 32,
        operationType="CREDIT",
        amount=500,
        transactionDetails={"parentTransactionUuid": UUID},
    )
    receive(paid_sqlite.ledger, call)
    paid_sqlite.follow()

    *_, refund = paid_sqlite.get(ORDER)["transactions"]

    assert refund["original"] == {"uuid": UUID, "certainty": "told"}


def test_an_order_is_told_as_of_any_instant(paid: Asking) -> None:
    receive(paid.ledger, a_refund(1000))
    paid.follow()

    before = paid.get(f"{ORDER}?as_of=2026-11-23T12:00:00Z")

    assert [payment["status"] for payment in before["transactions"]] == ["AUTHORISED"]
    assert before["balances"][0]["captured_minor"] == 0
    assert paid.call(f"{ORDER}?as_of=2026-11-22").status_code == 404


def test_the_history_of_an_order_is_in_the_order_we_heard_of_it(paid: Asking) -> None:
    receive(paid.ledger, a_refund(1000))
    receive(paid.ledger, a_form_call("CANCELLED", source="MERCH_BO"))
    paid.follow()

    events = paid.get(f"{ORDER}/history")["events"]

    assert [event["position"] for event in events] == [1, 2, 3, 4]
    assert [event["reference"] for event in events] == [UUID, UUID, "b" * 32, UUID]


def test_an_order_that_its_view_does_not_know_yet_is_unknown(paid: Asking) -> None:
    assert paid.call(ORDER).status_code == 404


def test_without_its_view_an_order_is_not_guessed(paid: Asking) -> None:
    with paid.ledger.database.begin() as connection:
        connection.execute(text("UPDATE generations SET state = 'retired'"))

    response = paid.call(ORDER)

    assert (response.status_code, response.get_json()["code"]) == (503, "unavailable")
    assert "Retry-After" in response.headers
