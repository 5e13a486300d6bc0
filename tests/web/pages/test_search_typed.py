"""The box takes what people hold in their hand: amounts, days, events, keys, and persons."""

import re
import uuid
from collections.abc import Iterator
from html import unescape

import pytest
from werkzeug.test import TestResponse

from ledger.access.log import Access, accesses
from ledger.instants import utc_now
from ledger.ipn.signature import digest
from ledger.proof.signer import LogSigner
from ledger.storage.answers import evidence_records
from tests.builders import SHOP_ID, UUID, a_form_call, receive
from tests.conftest import opened
from tests.privacy.erasing import EMAIL, a_paid_ledger
from tests.proof.logged import ids_in_order
from tests.queries.filling import follow
from tests.web.pages.payments import text_of_content, visited_by
from tests.web.pages.visiting import Visiting, add_users

HERE = "/test/search"


@pytest.fixture
def pages(sqlite_url: str, signer: LogSigner) -> Iterator[Visiting]:
    """Two payments of two people, and one in yen; an operator has signed in."""
    with opened(sqlite_url) as database:
        ledger = a_paid_ledger(database, signer)
        yen = {"currency": "392", "effective_currency": "392", "trans_uuid": "c3" * 16}
        receive(ledger, a_form_call(trans_id="900003", order_id="third", **yen))
        follow(ledger)
        add_users(ledger, utc_now())
        visit = Visiting(ledger)
        visit.sign_in("operator")
        yield visit


def type_(visit: Visiting, text: str) -> TestResponse:
    """Send the box, as a browser would, and open what it leads to."""
    page = visit.post(HERE, HERE, q=text)
    return visit.get(page.location) if page.status_code == 303 else page


def orders(page: TestResponse) -> list[str]:
    return re.findall(r'href="/test/shops/\d+/orders/([^"]+)"', page.text)


def lines(visit: Visiting) -> list[Access]:
    with visit.ledger.database.connect() as connection:
        return accesses(connection, limit=10, kind="person-search")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("29,90", ["second", "CMD-2026-0001"]),
        ("JPY 2990", ["third"]),
        ("2990", ["third"]),
        ("29.90 € 10/03/2026", ["second", "CMD-2026-0001"]),
        ("10 mar 2026", ["second", "third", "CMD-2026-0001"]),
        ("sec 29.90", ["second"]),
        ("29.90 11/03/2026", []),
    ],
)
def test_an_amount_and_a_day_list_payments_with_their_filters(
    pages: Visiting, text: str, wanted: list[str]
) -> None:
    page = type_(pages, text)

    assert sorted(orders(page)) == sorted(wanted)
    for href in re.findall(r'class="exports"><a href="([^"]+)"', page.text):
        assert sorted(orders(pages.get(unescape(href)))) == sorted(wanted)


def test_what_is_in_the_other_mode_is_said(pages: Visiting) -> None:
    page = pages.get("/production/search?q=29,90")

    assert 'href="/test/search?q=29,90">It exists in Test.' in page.text


def test_an_event_and_an_authorisation_number_lead_to_the_payment(pages: Visiting) -> None:
    payment = f"/test/shops/{SHOP_ID}/transactions"

    assert pages.get(f"{HERE}?q=%231").location == f"{payment}/{UUID}#event-1"
    assert pages.get(f"{HERE}?q=3FEDA2").location == f"{payment}/{UUID}"
    assert "Nothing found" in pages.get(f"{HERE}?q=%2399").text
    assert "Nothing found" in pages.get("/production/search?q=%231").text


def test_a_call_that_waits_is_found_by_the_names_of_its_payment(pages: Visiting) -> None:
    waits = a_form_call(trans_uuid="d4" * 16, trans_id="900077", order_id="waits")
    receive(pages.ledger, waits.replace(b"signature=", b"signature=x"))

    for name in ("WAITS", "900077", str(uuid.UUID("d4" * 16)).upper()):
        assert "1 unverified call names it:" in pages.get(f"{HERE}?q={name}").text


def test_the_fingerprint_of_a_key_says_whose_it_is(pages: Visiting) -> None:
    key = next(each for each in pages.ledger.shops.shop_by_id[SHOP_ID].keys if each.mode == "TEST")

    page = pages.get(f"{HERE}?q={key.fingerprint}")

    assert f"a key of the shop {SHOP_ID} ( {key.kind} )" in text_of_content(page.text)


def test_a_person_is_found_and_the_question_is_noted_by_its_tag(
    pages: Visiting, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    by_mail = pages.post(HERE, HERE, q=f" {EMAIL.upper()} ")
    by_address = pages.get(f"{HERE}?q={EMAIL}")

    (line,) = lines(pages)
    logged = caplog.text + "".join(capsys.readouterr())
    assert by_mail.status_code == 200
    assert orders(by_mail) == ["CMD-2026-0001"]
    assert re.fullmatch(r"email [0-9a-f]{32}", line.reference or "")
    assert (line.mode, line.token_name, line.status) == ("test", "operator", 200)
    assert EMAIL not in (logged + by_mail.text).lower()
    assert orders(by_address) == []
    assert "Search for the person" in by_address.text


def test_a_body_is_found_by_its_digest(pages: Visiting) -> None:
    id_ = ids_in_order(pages.ledger.database)[0]
    with pages.ledger.database.connect() as connection:
        records = evidence_records(connection, [id_]).values()
        (row,) = pages.ledger.sealing.with_bodies(connection, records)

    page = type_(pages, digest(row.body or b"").upper())

    assert f"/test/notifications/{id_}" in page.text


def test_a_role_without_personal_data_is_told_so(pages: Visiting) -> None:
    auditor = visited_by(pages, "auditor")

    page = auditor.post(HERE, HERE, q=EMAIL)

    assert "Searching for persons needs the role" in page.text
    assert orders(page) == []
    assert lines(pages) == []
    assert auditor.post(HERE, HERE, q="0055 29,90").status_code == 200
    assert visited_by(pages, "auditor-personal").post(HERE, HERE, q=EMAIL).text.count(UUID) > 0


def test_nobody_searches_for_person_after_person(pages: Visiting) -> None:
    answers = [pages.post(HERE, HERE, q=f"{n}@example.org").status_code for n in range(21)]
    of_names = [pages.post(HERE, HERE, q="second").status_code for _ in range(2)]

    assert answers == [200] * 20 + [429]
    assert of_names == [303, 303]
