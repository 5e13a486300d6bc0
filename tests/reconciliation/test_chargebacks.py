"""Chargebacks: listed beside a payment by a file, and nothing else of it changes."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from ledger.application import Ledger
from ledger.audit.reports import check_reports
from ledger.reconciliation.chargebacks import chargebacks_of
from ledger.reconciliation.listed import Names, names_of_order
from ledger.reconciliation.money_again import make_money_again
from ledger.storage.database import Database
from ledger.storage.listed_money import forget_listed, listed_money
from ledger.storage.sealed_rows import destroy_secrets
from tests.builders import SHOP_ID, receive
from tests.queries.filling import follow
from tests.reconciliation.comparing import NOW, a_ledger_of_the_day, a_payment, money
from tests.reconciliation.money import a_bank_row, an_unpaid_row, import_bank, import_unpaid

FIRST = f"{410001:032x}"


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return a_ledger_of_the_day(database)


def names_of(*numbers: int) -> Names:
    texts = frozenset(map(str, numbers))
    uuids = frozenset(f"{number:032x}" for number in numbers)
    return Names(SHOP_ID, "TEST", texts, frozenset(), uuids, uuids)


def listed(ledger: Ledger, *numbers: int, **when: Any) -> list[dict[str, Any]]:
    with ledger.database.connect() as connection:
        return chargebacks_of(connection, names_of(*(numbers or (410001,))), **when)


def test_a_row_says_day_amount_file_and_line(ledger: Ledger) -> None:
    file_id = import_unpaid(ledger, an_unpaid_row())

    (chargeback,) = listed(ledger)

    assert chargeback == {
        "reference": FIRST,
        "day": "2026-04-01",
        "amount_minor": 2990,
        "currency": "EUR",
        "certainty": "sure",
        "file_id": file_id,
        "file_name": "TEST_JRI_BOUTIQUE_12345678_260401_V1.csv",
        "line": 3,
    }
    assert listed(ledger, 410002) == []


def test_a_payment_may_be_taken_back_in_two_parts(ledger: Ledger) -> None:
    import_unpaid(ledger, an_unpaid_row(amount="1000"), an_unpaid_row(amount="1990"))

    assert [each["amount_minor"] for each in listed(ledger)] == [1000, 1990]


def test_a_file_that_lists_the_same_row_again_lists_no_second_chargeback(ledger: Ledger) -> None:
    import_unpaid(ledger, an_unpaid_row())
    later = import_unpaid(ledger, an_unpaid_row(), name="TEST_JRI_BOUTIQUE_12345678_26M04_V1.csv")

    assert [each["file_id"] for each in listed(ledger)] == [later]


def test_of_several_attempts_the_one_that_moved_money_was_taken_back(ledger: Ledger) -> None:
    refused = {"trans_uuid": "f" * 32, "trans_status": "REFUSED"}
    receive(ledger, a_payment("410001", "091504", order_id="CMD-1", **refused))
    import_unpaid(ledger, an_unpaid_row(), an_unpaid_row(amount="1"))

    with ledger.database.connect() as connection:
        names = names_of_order(connection, SHOP_ID, "test", "CMD-1")
        chargebacks = chargebacks_of(connection, names)

    assert {each["reference"] for each in chargebacks} == {FIRST}
    assert len(chargebacks) == 2


def test_a_payment_that_becomes_known_later_has_its_chargeback(ledger: Ledger) -> None:
    import_unpaid(ledger, an_unpaid_row("410077"))
    before = listed(ledger, 410077)

    receive(ledger, a_payment("410077", "130000", order_id="CMD-77", **money(2990)))
    follow(ledger)

    assert before == []
    assert len(listed(ledger, 410077)) == 1


def test_a_chargeback_was_not_listed_before_its_file_came(ledger: Ledger) -> None:
    import_unpaid(ledger, an_unpaid_row())

    assert listed(ledger, recorded_until=NOW - timedelta(seconds=1)) == []
    assert len(listed(ledger, recorded_until=NOW)) == 1


def test_with_its_file_what_it_listed_goes(ledger: Ledger) -> None:
    file_id = import_unpaid(ledger, an_unpaid_row())
    with ledger.database.begin() as connection:
        forget_listed(connection, [file_id])
        destroy_secrets(connection, [file_id])

    assert listed(ledger) == []
    assert make_money_again(ledger) == 0
    assert listed(ledger) == []


def test_rows_are_made_again_from_the_files(ledger: Ledger) -> None:
    import_unpaid(ledger, an_unpaid_row())
    import_bank(ledger, a_bank_row())
    before = listed(ledger)
    with ledger.database.begin() as connection:
        connection.execute(delete(listed_money))

    assert [fault.reason for fault in check_reports(ledger.database, ledger.sealing).faults] == [
        "listed-differs",
        "listed-differs",
    ]
    assert make_money_again(ledger) == 2
    assert listed(ledger) == before
    assert check_reports(ledger.database, ledger.sealing).faults == []


def test_an_audit_names_a_row_that_was_changed(ledger: Ledger) -> None:
    import_unpaid(ledger, an_unpaid_row())
    with ledger.database.begin() as connection:
        connection.execute(update(listed_money).values(claim={"unpaid_amount_minor": 1}))

    faults = check_reports(ledger.database, ledger.sealing).faults

    assert [fault.reason for fault in faults] == ["listed-differs"]


def test_an_amount_that_nobody_can_read_is_not_guessed(ledger: Ledger) -> None:
    import_unpaid(ledger, an_unpaid_row(amount="29,9"))

    (chargeback,) = listed(ledger)

    assert chargeback["amount_minor"] is None


def test_the_files_of_the_other_mode_list_nothing_here(ledger: Ledger) -> None:
    import_unpaid(ledger, an_unpaid_row(), name="JRI_BOUTIQUE_12345678_260401_V1.csv")

    assert listed(ledger) == []
