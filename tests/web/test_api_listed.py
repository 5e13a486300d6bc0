"""What files list is one member of a transaction and of an order, and nothing else of them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.storage.database import Database
from tests.reconciliation.comparing import NOW, receive_the_day
from tests.reconciliation.money import a_bank_row, an_unpaid_row, import_bank, import_unpaid
from tests.web.asking import AT, Asking, asking

TRANSACTION = f"{AT}/transactions/{410001:032x}"
ORDER = f"{AT}/orders/CMD-1"
LISTS = [f"/api/v1/{name}" for name in ("orders", "transactions", "events", "totals")]


@pytest.fixture
def api(database: Database) -> Asking:
    api = asking(database, now=NOW)
    receive_the_day(api.ledger)
    api.follow()
    return api


@pytest.mark.parametrize("address", [TRANSACTION, ORDER])
def test_a_chargeback_is_listed_and_all_else_stays_as_it_was(api: Asking, address: str) -> None:
    before = api.call(address)

    import_unpaid(api.ledger, an_unpaid_row())
    import_bank(api.ledger, a_bank_row())

    after = api.call(address)
    assert before.headers["ETag"] == after.headers["ETag"]
    assert _without_listed(after.get_json()) == _without_listed(before.get_json())
    assert before.get_json()["listed"]["chargebacks"] == []
    (chargeback,) = after.get_json()["listed"]["chargebacks"]
    assert (chargeback["amount_minor"], chargeback["currency"]) == (2990, "EUR")
    assert (chargeback["day"], chargeback["line"]) == ("2026-04-01", 3)


@pytest.mark.parametrize("address", LISTS)
def test_a_file_changes_no_list_and_no_total_by_a_byte(api: Asking, address: str) -> None:
    before = api.call(address)

    import_unpaid(api.ledger, an_unpaid_row())

    assert before.status_code == 200, before.text
    assert api.call(address).data == before.data


@pytest.mark.parametrize("address", [TRANSACTION, ORDER])
def test_as_of_a_moment_before_the_file_nothing_was_listed(api: Asking, address: str) -> None:
    import_unpaid(api.ledger, an_unpaid_row(), now=datetime(2027, 1, 2, tzinfo=UTC))

    then = api.get(f"{address}?as_of=2027-01-01T23:59:59Z")
    now = api.get(f"{address}?as_of=2027-01-02T00:00:01Z")

    assert then["listed"]["chargebacks"] == []
    assert len(now["listed"]["chargebacks"]) == 1


def _without_listed(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "listed"}


def test_an_order_says_in_which_remittance_its_payments_are_and_what_is_not_known(
    api: Asking,
) -> None:
    unknown = a_bank_row("900004", "990", "99000", "0", operation="CT", order_id="CMD-1")
    import_bank(api.ledger, a_bank_row(), unknown, a_bank_row("410002", "5000", "494000", "60"))

    listed = api.get(ORDER)["listed"]

    assert [(line["result"], line["number"]) for line in listed["remitted"]] == [
        ("matched", "7"),
        ("unmatched", "7"),
    ]
    (of_currency,) = listed["sums"]
    assert of_currency == {
        "currency": "EUR",
        "listed_minor": 2000,
        "known_minor": 2990,
        "difference_minor": -990,
    }
    (line,) = api.get(TRANSACTION)["listed"]["remitted"]
    assert (line["fee_minor"], line["net_minor"]) == (35, 2955)
