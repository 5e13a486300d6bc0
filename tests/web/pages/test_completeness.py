"""The pages that say for which days it is proven that everything was told, and each report."""

import re
from datetime import datetime

import pytest

from ledger.reconciliation.report_store import StoredReport
from tests.queries.filling import follow
from tests.reconciliation.comparing import a_journal, import_journal, receive_the_day, report_of_day
from tests.reconciliation.money import an_unpaid_row, import_unpaid
from tests.web.pages.visiting import Visiting


@pytest.fixture
def compared(visit: Visiting) -> tuple[Visiting, StoredReport]:
    """The pages of a ledger that was told of a day, with the platform's file of it."""
    receive_the_day(visit.ledger)
    import_journal(visit.ledger, a_journal())
    return visit, report_of_day(visit.ledger)


def test_without_a_file_nothing_is_proven(visit: Visiting) -> None:
    page = visit.get("/test/completeness").text

    assert "nothing is proven" in page
    assert "Proven</span>" not in page


def test_a_report_shows_both_sides_of_each_payment(
    compared: tuple[Visiting, StoredReport],
) -> None:
    visit, report = compared

    page = visit.get(f"/test/reports/{report.id}").text

    assert page.count("Never notified</span>") == 1 + 2  # the total, and each of them
    assert report.digest in page
    assert f'href="/test/shops/12345678/transactions/{410001:032x}"' in page
    assert "45.00" in page
    assert "50.00" in page


def test_a_report_of_the_other_mode_is_not_found(
    compared: tuple[Visiting, StoredReport],
) -> None:
    visit, report = compared

    assert visit.get(f"/production/reports/{report.id}").status_code == 404
    assert visit.get("/test/reports/unknown").status_code == 404


def test_the_days_lead_to_their_report_and_files_are_listed(own_pages: Visiting) -> None:
    own_pages.now = datetime.fromisoformat("2026-03-20T09:00:00Z")
    own_pages.sign_in("auditor")
    receive_the_day(own_pages.ledger)
    import_journal(own_pages.ledger, a_journal())
    report = report_of_day(own_pages.ledger)

    page = own_pages.get("/test/completeness").text

    assert re.search(r"2026-03-10.*?Gaps</span>", page, re.DOTALL)
    assert f'href="/test/reports/{report.id}"' in page
    assert "TEST_JT_BOUTIQUE_12345678_260310.csv" in page
    assert page.count("Unproven</span>") == 29


def test_a_chargeback_that_a_file_lists_is_on_the_pages_of_payment_and_order(
    compared: tuple[Visiting, StoredReport],
) -> None:
    visit, _ = compared
    follow(visit.ledger)
    shop = "/test/shops/12345678"
    addresses = [f"{shop}/transactions/{410001:032x}", f"{shop}/orders/CMD-1"]
    before = [visit.get(address).text for address in addresses]

    import_unpaid(visit.ledger, an_unpaid_row(amount="1990"))

    for address, page_before in zip(addresses, before, strict=True):
        page = visit.get(address).text
        assert "listed: chargeback</span>" in page
        assert "19.90" in page
        assert "TEST_JRI_BOUTIQUE_12345678_260401_V1.csv" in page
        assert "listed: chargeback" not in page_before
        assert page.count("Authorised</span>") == page_before.count("Authorised</span>")
