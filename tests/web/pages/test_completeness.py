"""The pages that say for which days it is proven that everything was told, and each report."""

import io
import re
from datetime import datetime
from typing import Any

import pytest

from ledger.access.log import accesses
from ledger.reconciliation.files import listed_files
from ledger.reconciliation.report_store import StoredReport
from tests.builders import OTHER_SHOP_ID, SHOP_ID
from tests.queries.filling import follow
from tests.reconciliation.comparing import (
    ROWS,
    a_journal,
    a_row,
    import_journal,
    receive_at,
    receive_the_day,
    report_of_day,
)
from tests.reconciliation.money import an_unpaid_row, import_unpaid
from tests.web.pages.visiting import HTML, Visiting, csrf_token
from web.pages.completeness import FILES_BYTES_MAX

FILES = f"/test/shops/{SHOP_ID}/files"
MULTIPART = "multipart/form-data; boundary=x"
REPORTS = f"/test/shops/{SHOP_ID}/reports"
NAMES = ("TEST_JT_BOUTIQUE_12345678_260310.csv", "TEST_JT_BOUTIQUE_12345678_260311.csv")


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


def test_a_report_says_why_something_was_not_told(own_pages: Visiting) -> None:
    own_pages.sign_in("auditor")
    receive_at(own_pages.ledger, "100000", "140000")
    lines = (a_row(500_000 + number, f"11{number}000") for number in range(5))
    import_journal(own_pages.ledger, a_journal(*lines))
    follow(own_pages.ledger)
    report = report_of_day(own_pages.ledger)

    page = own_pages.get(f"/test/reports/{report.id}").text

    assert page.count("No notification at all came") == 5
    assert "10:00:00" in page
    assert "14:00:00" in page


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


@pytest.fixture
def operator(own_pages: Visiting) -> Visiting:
    """An operator, two days after a day that was told."""
    own_pages.now = datetime.fromisoformat("2026-03-12T09:00:00Z")
    own_pages.sign_in("operator")
    receive_the_day(own_pages.ledger)
    return own_pages


def upload(visit: Visiting, *journals: tuple[bytes, str], at: str = FILES, **fields: str) -> Any:
    """Send the form with these files."""
    token = csrf_token(visit.get("/test/completeness").text)
    parts = {"file": [(io.BytesIO(content), name) for content, name in journals]}
    return visit.client.post(
        at, data=parts | fields | {"csrf_token": token}, headers=HTML, follow_redirects=True
    )


def test_files_are_put_here_several_at_once_and_each_leaves_a_line(operator: Visiting) -> None:
    next_day = a_journal("TRANSACTION;410010;1;DEBIT;700;700;978;20260311;000500;C;AUTHORISED;")

    page = upload(operator, (a_journal(), NAMES[0]), (next_day, NAMES[1]))
    again = upload(operator, (a_journal(), NAMES[0]))

    assert page.status_code == 200
    assert page.text.count(": kept <") == 2
    assert all(name in page.text for name in NAMES)
    assert "kept before" in again.text
    with operator.ledger.database.connect() as connection:
        lines = accesses(connection, limit=10, kind="file", shops=None)
    assert len({line.reference for line in lines}) == 2
    assert [(line.method, line.status, line.role) for line in lines] == [
        ("POST", 200, "operator")
    ] * 3


def test_a_file_that_is_refused_says_why_and_stops_no_other(operator: Visiting) -> None:
    """The reason in the reader's language, and the line at fault."""
    cut = a_journal()[:-20]

    page = upload(operator, (b"some;notes", "notes.txt"), (a_journal(), NAMES[0]), (cut, NAMES[1]))

    assert page.status_code == 422
    assert page.text.count("refused.") == 2
    assert "It has labels that nobody knows" in page.text
    assert "Its end or its beginning is missing" in page.text
    assert ": kept <" in page.text


def test_an_export_says_its_days_in_the_form(operator: Visiting) -> None:
    for days in (
        {"first_day": "2026-03-10"},
        {"first_day": "2026-03-11", "last_day": "2026-03-10"},
    ):
        page = upload(operator, (a_journal(), NAMES[0]), **days)

        assert page.status_code == 422
        assert "Write both days, the earlier one first" in page.text
    assert "Choose at least one file." in upload(operator).text


@pytest.mark.parametrize(
    ("role", "at", "status"),
    [
        ("auditor-personal", FILES, 403),
        ("operator", f"/production/shops/{SHOP_ID}/files", 422),
        ("operator", f"/test/shops/{OTHER_SHOP_ID}/files", 422),
    ],
)
def test_nobody_puts_a_file_where_it_does_not_belong(
    own_pages: Visiting, role: str, at: str, status: int
) -> None:
    own_pages.sign_in(role)

    page = upload(own_pages, (a_journal(), NAMES[0]), at=at)

    assert page.status_code == status
    with own_pages.ledger.database.connect() as connection:
        assert listed_files(connection, limit=1, shops=None) == []


def test_a_form_of_another_site_and_one_that_is_too_large_are_refused(
    operator: Visiting,
) -> None:
    file = {"file": (io.BytesIO(a_journal()), NAMES[0])}

    forged = operator.client.post(FILES, data=file, headers=HTML)
    large = operator.client.post(
        FILES, data=b" " * (FILES_BYTES_MAX + 1), content_type=MULTIPART, headers=HTML
    )

    assert (forged.status_code, large.status_code) == (400, 413)
    assert "kept before" not in upload(operator, (a_journal(), NAMES[0])).text


def test_only_who_may_put_files_here_may_send_much(own_pages: Visiting) -> None:
    own_pages.sign_in("auditor")

    assert upload(own_pages, (b" " * 100_000, NAMES[0])).status_code == 413


def test_days_are_compared_and_lead_to_their_report(operator: Visiting) -> None:
    upload(operator, (a_journal(), NAMES[0]))
    days = {"first_day": "2026-03-10", "last_day": "2026-03-11"}

    redirect = operator.post(REPORTS, "/test/completeness", **days)

    assert redirect.status_code == 303
    page = operator.get(redirect.location).text
    assert "Report 2026-03-10 – 2026-03-11" in page
    assert "Never notified" in page
    with operator.ledger.database.connect() as connection:
        (line,) = accesses(connection, limit=10, kind="report", shops=None)
    assert redirect.location.endswith(f"/{line.reference}")


@pytest.mark.parametrize(
    "span",
    [
        {},
        {"first_day": "2026-03-10"},
        {"first_day": "2026-03-11", "last_day": "2026-03-10"},
        {"first_day": "2020-03-11", "last_day": "2026-03-10"},
        {"first_day": "soon", "last_day": "2026-03-10"},
    ],
)
def test_days_that_cannot_be_compared_are_named(operator: Visiting, span: dict[str, str]) -> None:
    page = operator.post(REPORTS, "/test/completeness", **span)

    assert page.status_code == 422
    assert 'role="alert">Write ' in page.text


def test_auditors_see_no_form(visit: Visiting) -> None:
    page = visit.get("/test/completeness").text

    assert 'name="file"' not in page
    assert "Compare days" not in page


def test_the_overview_says_what_is_missing_and_leads_there(operator: Visiting) -> None:
    before = operator.get("/test").text
    import_journal(operator.ledger, a_journal())
    unproven = operator.get("/test").text
    report_of_day(operator.ledger)
    with_gaps = operator.get("/test").text

    assert "no day is proven" in unproven
    assert "no day is proven" not in before + with_gaps
    assert "2 missing</p>" in with_gaps
    assert "payments that the platform's files list</a>" in with_gaps
    assert "2 missing" not in operator.get("/production").text


def test_the_overview_names_the_last_proven_day(operator: Visiting) -> None:
    import_journal(operator.ledger, a_journal(ROWS[3]))
    report_of_day(operator.ledger)

    page = operator.get("/test").text

    assert "the last day that is proven" in page
    assert '<time datetime="2026-03-10">' in page


def test_an_order_says_what_a_file_lists_of_it_that_was_never_told(
    compared: tuple[Visiting, StoredReport],
) -> None:
    visit, _ = compared
    follow(visit.ledger)

    page = visit.get(f"/test/shops/{SHOP_ID}/orders/CMD-1").text

    alerts = re.findall(r'<p class="alert" role="status">(.*?)</p>', page)
    (alert,) = [each for each in alerts if "never notified" in each]
    assert NAMES[0] in alert
    assert "in line 7" in alert
    assert "900004" in alert
