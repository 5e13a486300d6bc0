"""Remittances: which payments are in which, to the cent, and what of them is not known."""

from datetime import date

import pytest

from ledger.application import Ledger
from ledger.reconciliation.remittances import LineResult, Remittance, SettledDays, settled_days
from ledger.reconciliation.report_store import Scope
from ledger.storage.database import Database
from tests.builders import SHOP_ID, receive
from tests.reconciliation.comparing import a_ledger_of_the_day, a_payment, money
from tests.reconciliation.money import a_bank_row, an_unpaid_row, import_bank, import_unpaid

MATCHED, UNREADABLE = LineResult.MATCHED, LineResult.UNREADABLE


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return a_ledger_of_the_day(database)


def settled(ledger: Ledger, first: str = "2026-03-12", last: str = "2026-04-30") -> SettledDays:
    days = date.fromisoformat(first), date.fromisoformat(last)
    with ledger.database.connect() as connection:
        return settled_days(connection, Scope(SHOP_ID, "TEST", *days))


def remittances(ledger: Ledger) -> tuple[Remittance, ...]:
    return settled(ledger).remittances


def test_the_scale_is_recognised_and_the_sums_are_right_to_the_cent(ledger: Ledger) -> None:
    import_bank(ledger, a_bank_row(), a_bank_row("410002", "5000", "494000", "60"))

    (remittance,) = remittances(ledger)

    assert (remittance.gross_minor, remittance.fee_minor, remittance.net_minor) == (7990, 95, 7895)
    assert (remittance.known_minor, remittance.difference_minor) == (7990, 0)
    assert remittance.count(MATCHED) == 2


def test_numbers_that_fit_no_scale_are_unreadable_and_not_guessed(ledger: Ledger) -> None:
    import_bank(ledger, a_bank_row(net="295499"), a_bank_row("410002", "5000", "494000", "60"))

    (remittance,) = remittances(ledger)

    first, second = remittance.bank_lines
    assert (first.line_result, first.gross_minor, first.net_minor) == (UNREADABLE, None, None)
    assert second.line_result is MATCHED
    assert remittance.gross_minor == 5000
    assert remittance.net_minor is None
    assert not settled(ledger).is_explained


def test_a_refund_is_taken_off(ledger: Ledger) -> None:
    refund = {"operation_type": "CREDIT", "trans_status": "CAPTURED", **money(990)}
    receive(ledger, a_payment("900004", "150000", order_id="CMD-1", **refund))
    import_bank(ledger, a_bank_row(), a_bank_row("900004", "990", "99000", "0", operation="CT"))

    (remittance,) = remittances(ledger)

    assert (remittance.payments_minor, remittance.refunds_minor) == (2990, 990)
    assert (remittance.gross_minor, remittance.net_minor) == (2000, 1965)
    assert remittance.difference_minor == 0


def test_what_the_rows_say_more_than_is_known_is_the_difference(ledger: Ledger) -> None:
    import_bank(
        ledger,
        a_bank_row("410002", "4500", "444600", "54"),
        a_bank_row("777777", "1000", "98800", "12"),
    )

    (remittance,) = remittances(ledger)

    results = [line.line_result for line in remittance.bank_lines]
    assert results == [LineResult.DIFFERS, LineResult.UNMATCHED]
    assert (remittance.gross_minor, remittance.known_minor) == (5500, 5000)
    assert remittance.difference_minor == 500


def test_a_number_that_comes_again_is_another_remittance(ledger: Ledger) -> None:
    later = a_bank_row("410002", "5000", "494000", "60", remitted_on="20260313")
    import_bank(ledger, a_bank_row(), later)

    assert [each.remittance_key.number for each in remittances(ledger)] == ["7", "7"]
    assert [each.gross_minor for each in remittances(ledger)] == [2990, 5000]


def test_the_days_are_those_of_the_remittance(ledger: Ledger) -> None:
    import_bank(ledger, a_bank_row(), a_bank_row("410002", remitted_on="20260314"))

    (remittance,) = settled(ledger, "2026-03-13", "2026-03-14").remittances

    assert remittance.bank_lines[0].listed_row.claim.trans_id == "410002"


def test_a_wallet_has_neither_fee_nor_net(ledger: Ledger) -> None:
    import_bank(ledger, a_bank_row(net="", fee=""))

    (remittance,) = remittances(ledger)

    assert (remittance.gross_minor, remittance.net_minor) == (2990, None)
    assert remittance.bank_lines[0].line_result is MATCHED


def test_what_was_taken_back_stands_beside(ledger: Ledger) -> None:
    import_bank(ledger, a_bank_row())
    import_unpaid(ledger, an_unpaid_row(), an_unpaid_row("777777"))

    chargebacks = settled(ledger).chargebacks

    assert [each.match.known is not None for each in chargebacks] == [True, False]
    assert settled(ledger, "2026-03-12", "2026-03-31").chargebacks == ()


def test_a_file_that_lists_a_remittance_again_adds_nothing(ledger: Ledger) -> None:
    import_bank(ledger, a_bank_row())
    import_bank(ledger, a_bank_row(), name="TEST_JRB_BOUTIQUE_12345678_26M03.csv")

    (remittance,) = remittances(ledger)

    assert remittance.gross_minor == 2990
