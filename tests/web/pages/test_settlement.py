"""The page that says which payments are in which remittance."""

from tests.reconciliation.comparing import receive_the_day
from tests.reconciliation.money import a_bank_row, an_unpaid_row, import_bank, import_unpaid
from tests.web.pages.visiting import Visiting

DAYS = "settled_from=2026-03-12&settled_until=2026-04-30"


def test_a_remittance_shows_its_sums_and_names_what_is_not_known(visit: Visiting) -> None:
    receive_the_day(visit.ledger)
    import_bank(visit.ledger, a_bank_row(), a_bank_row("777777", "1000", "98800", "12"))
    import_unpaid(visit.ledger, an_unpaid_row())

    page = visit.get(f"/test/settlement?{DAYS}").text

    assert "39.43" in page
    assert 'bad-text">€10.00' in page
    assert page.count("Not known</span>") == 1
    assert f'href="/test/shops/12345678/transactions/{410001:032x}"' in page
    assert "listed: chargeback</span>" in page


def test_days_that_cannot_be_read_are_said_to_be_so(visit: Visiting) -> None:
    page = visit.get("/test/settlement?settled_from=2026-04-30&settled_until=2026-03-12")

    assert page.status_code == 422
    assert "the earlier day first" in page.text


def test_without_a_file_there_is_nothing_to_show(visit: Visiting) -> None:
    assert "lists a remittance of these days" in visit.get("/test/settlement").text
