"""What files list is one member of a transaction and of an order, and nothing else of them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.reconciliation.report import make_report
from ledger.reconciliation.report_store import Scope
from ledger.storage.database import Database
from tests.builders import SHOP_ID, receive
from tests.reconciliation.comparing import (
    DAY,
    NAME,
    NOW,
    ROWS,
    a_journal,
    a_payment,
    import_journal,
    money,
    receive_the_day,
    report_of_day,
)
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


@pytest.mark.parametrize(
    ("order_id", "finding"),
    [
        (
            "CMD-1",
            {
                "rule": "listed-never-told",
                "trans_id": "900004",
                "reference": None,
                "status": "CAPTURED",
                "amount_minor": 2990,
                "currency": "EUR",
                "line": 3,
            },
        ),
        (
            "CMD-2",
            {
                "rule": "listed-otherwise",
                "trans_id": "410002",
                "reference": f"{410002:032x}",
                "status": "AUTHORISED",
                "amount_minor": 5000,
                "currency": "USD",
                "line": 4,
            },
        ),
    ],
)
def test_what_a_journal_lists_otherwise_of_an_order_is_a_finding_of_it_and_nothing_else(
    api: Asking, order_id: str, finding: dict[str, Any]
) -> None:
    address = f"{AT}/orders/{order_id}"
    before = api.call(address)
    import_journal(api.ledger, a_journal(ROWS[-1], ROWS[1].replace("4500;978", "5000;840")))
    report_of_day(api.ledger)

    after = api.call(address)

    (said,) = after.get_json()["findings"]
    assert {name: said[name] for name in finding} == finding
    assert said["file_name"] == NAME
    assert before.headers["ETag"] == after.headers["ETag"]
    assert before.get_json() == after.get_json() | {"findings": []}


def test_a_finding_is_there_from_its_report_on_until_a_later_one_finds_the_day_whole(
    api: Asking,
) -> None:
    scope = Scope(SHOP_ID, "TEST", DAY, DAY)
    import_journal(api.ledger, a_journal(ROWS[-1]))
    make_report(api.ledger, scope, datetime(2027, 1, 2, tzinfo=UTC))
    refund = {"operation_type": "CREDIT", "trans_status": "CAPTURED", **money(2990)}
    receive(api.ledger, a_payment("900004", "150000", order_id="CMD-1", **refund))
    api.follow()
    make_report(api.ledger, scope, datetime(2027, 1, 4, tzinfo=UTC))

    counts = [
        len(api.get(f"{ORDER}?as_of={day}T12:00:00Z")["findings"])
        for day in ("2027-01-01", "2027-01-03", "2027-01-05")
    ]

    assert counts == [0, 1, 0]
