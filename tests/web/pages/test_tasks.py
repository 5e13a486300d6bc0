"""What readers come for, from the overview to the answer, in as few clicks as elsewhere.

Each test is one task in one language in a real browser: it reads the answer off the page, or out
of the file that was sent, and counts clicks and Enter. The bar is what the best of the tools that
people know needs, or, where none of them can do it, what the shortest way here needs.
"""

import csv
import io
import re
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from ledger.ipn.shops_and_keys import FORM_HMAC, Key
from ledger.proof.signer import LogSigner, create_key
from tests.builders import SHOP_ID
from tests.conftest import opened
from tests.proof.logged import sign
from tests.web.pages import busy_shop as shop
from tests.web.pages.counting_clicks import Reader
from tests.web.pages.lately import Clock
from tests.web.pages.visiting import SETTINGS, Visitor, add_users, served
from web import create_app

Come = Callable[[str], Reader]


@pytest.fixture(scope="module")
def _open_shop(
    browser: Browser, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Visitor]:
    """One service for all tasks."""
    place = tmp_path_factory.mktemp("tasks")
    (place / "ledger.sqlite").write_bytes(sqlite_template.read_bytes())
    with opened(f"sqlite:///{place}/ledger.sqlite") as database:
        clock = Clock()
        shop.hear_september(database, clock)
        ledger = shop.a_busy_ledger(database, clock)
        add_users(ledger, shop.NOW)
        create_key(place / "log-key", "ledger.example.com/tasks")
        sign(ledger, LogSigner.open(place / "log-key"))
        app = create_app(SETTINGS, ledger, clock=clock)
        with served(app) as url:
            yield Visitor(browser, url, app)


@pytest.fixture(params=["en", "fr"])
def come(request: pytest.FixtureRequest, _open_shop: Visitor) -> Iterator[Come]:
    """Lets somebody in by their role: they see the overview, and have clicked on nothing yet."""
    language: str = request.param
    _open_shop.faults.clear()

    def as_role(role: str) -> Reader:
        return Reader(_open_shop.open("/test", role=role, language=language), language)

    yield as_role
    _open_shop.close()
    assert _open_shop.faults == []


def orders(reader: Reader) -> list[str]:
    """Return the orders of a list of transactions."""
    return [name.strip() for name in reader.page.locator("td.order").all_inner_texts()]


def test_was_it_paid_and_refunded_and_since_when_is_it_known(come: Come) -> None:
    reader = come("auditor")

    reader.search(shop.ORDER)

    assert reader.text(".answer").startswith(
        {
            "en": "Paid (authorised) €74.29 on 22 Sept 2026 (capture planned for 22 Sept 2026, not "
            "notified for cards); refunded €30.00 on 27 Sept 2026; net €44.29; known to us since "
            "22 Sept 2026, 09:15:00 UTC; last changed on 27 Sept 2026, 09:15:00 UTC; verified by "
            "signature.",
            "fr": "Payé (autorisé) 74,29 € le 22 sept. 2026 (remise prévue le 22 sept. 2026, non "
            "notifiée pour les cartes) ; remboursé 30,00 € le 27 sept. 2026 ; net 44,29 € ; connu "
            "de nous depuis le 22 sept. 2026, 09:15:00 UTC ; dernier changement le 27 sept. 2026, "
            "09:15:00 UTC ; signature vérifiée.",
        }[reader.language]
    )
    assert reader.clicks <= 1


def test_an_order_is_found_by_part_of_its_reference(come: Come) -> None:
    reader = come("auditor")

    reader.search("cmd-2026-7000")

    assert sorted(orders(reader)) == [*shop.LARGE_REFUNDS, shop.SMALL_REFUND]
    assert reader.clicks <= 1


def test_a_payment_is_found_by_the_customers_address(come: Come) -> None:
    reader = come("auditor-personal")

    reader.search(shop.EMAIL)

    assert orders(reader) == [shop.ORDER]
    assert reader.clicks <= 1


def test_a_payment_is_found_by_the_end_of_its_card(come: Come) -> None:
    reader = come("auditor-personal")

    reader.search(f"{shop.CARD['card_number'][-4:]} 22/09/2026")

    assert orders(reader) == [shop.ORDER]
    assert reader.clicks <= 1


def test_a_payment_is_found_by_its_amount_and_day(come: Come) -> None:
    reader = come("auditor")

    reader.search({"en": "74.29 22 Sep 2026", "fr": "74,29 € 22/09/2026"}[reader.language])

    assert orders(reader) == [shop.ORDER]
    assert reader.clicks <= 1


def test_what_changed_on_one_day(come: Come) -> None:
    reader = come("auditor")
    day = {"en": "27 Sept 2026", "fr": "27 sept. 2026"}[reader.language]

    reader.click(reader.page.get_by_role("link", name=day, exact=True))

    assert reader.text("h1").endswith(day)
    (event,) = reader.page.locator(".events tbody tr").all_inner_texts()
    assert reader.word("Refund issued") in event
    assert {"en": "€30.00", "fr": "30,00 €"}[reader.language] in reader.plain(event)
    assert reader.clicks <= 1


def test_refunds_above_an_amount_and_what_they_add_up_to(come: Come) -> None:
    reader = come("auditor")
    refunded = {"en": "-€1,142.00", "fr": "-1 142,00 €"}[reader.language]

    reader.click(reader.page.get_by_role("link", name=refunded))
    reader.click(reader.page.locator(".filters summary", has_text=reader.word("Amount")))
    least = reader.page.get_by_label(reader.word("Amount, at least"))
    least.fill({"en": "300", "fr": "300,00"}[reader.language])
    least.blur()  # with script the list follows at once

    expect(reader.page.locator("#found tbody tr")).to_have_count(2)
    assert sorted(orders(reader)) == sorted(shop.LARGE_REFUNDS)
    assert {"en": "-€813.00", "fr": "-813,00 €"}[reader.language] in reader.text(".money-sums")
    assert reader.clicks <= 4


def test_why_a_payment_was_refused(come: Come) -> None:
    reader = come("auditor")

    reader.search(shop.REFUSED_ORDER)

    reason = {"en": "Insufficient funds, 51", "fr": "Provision insuffisante, 51"}[reader.language]
    assert reason in reader.text(".answer")
    assert reader.clicks <= 1


def test_which_instalments_never_came(come: Come) -> None:
    reader = come("auditor")

    reader.search(shop.PLAN)
    card = reader.page.locator(".meanings a", has_text=reader.word("Subscription"))
    reader.click(card)

    months = reader.page.locator(".months .missed .month").all_inner_texts()
    assert months == {"en": ["Jul", "Aug"], "fr": ["juil.", "août"]}[reader.language]
    assert reader.word("nothing heard") in reader.text(".months .missed")
    assert reader.clicks <= 2


def test_what_is_under_verification_for_too_long(come: Come) -> None:
    reader = come("auditor")

    reader.click(reader.link("Under verification for too long"))

    assert orders(reader) == [shop.VERIFIED_ORDER]
    assert reader.word("Under verification") in reader.text("#found tbody")
    assert reader.clicks <= 1


def test_what_waits_after_a_change_of_the_key_is_recorded(come: Come) -> None:
    """In one mode for each language: what has left the quarantine is not there again."""
    reader = come("operator")
    mode = {"en": "TEST", "fr": "PRODUCTION"}[reader.language]
    reader.page.goto(f"/{mode.lower()}")
    key = Key(SHOP_ID, mode, FORM_HMAC, shop.NEW_KEY)

    reader.click(reader.link("what to do about them"))
    assert key.fingerprint in reader.text(".keys-held")
    since = {"en": "28 Sept 2026, 08:00:00 UTC", "fr": "28 sept. 2026, 08:00:00 UTC"}
    assert since[reader.language] in reader.text(".keys-held .alert")
    reader.click(reader.link("Verify again…"))
    reader.click(reader.page.locator("main form .primary"))

    done = {
        "en": "1 left the quarantine and was recorded",
        "fr": "1 a quitté la quarantaine et est enregistrée",
    }
    assert done[reader.language] in reader.text("[role=status]")
    reader.page.goto(f"/{mode.lower()}/quarantine")
    assert reader.word("Nothing waits.") in reader.text()
    assert reader.clicks <= 4


def test_the_state_of_two_days_side_by_side(come: Come) -> None:
    reader = come("auditor")

    reader.search(shop.ORDER)
    reader.click(reader.page.locator(".comparing summary"))
    reader.page.locator("#compared-as_of").fill("2026-09-23")
    reader.page.locator("#against").fill("2026-09-27")
    reader.click(reader.page.locator(".comparing button"))

    rows = reader.page.locator(".compared tbody tr")
    (net,) = rows.filter(has_text=reader.word("Net")).all()
    cells = [reader.plain(text) for text in net.locator("td").all_inner_texts()]
    assert cells[1:] == {"en": ["€74.29", "€44.29"], "fr": ["74,29 €", "44,29 €"]}[reader.language]
    assert reader.word("Refund issued") in reader.text(".between")
    assert reader.clicks <= 3


def test_the_month_of_an_accountant_is_a_file_that_a_spreadsheet_opens(come: Come) -> None:
    reader = come("auditor")

    reader.click(reader.page.locator(".menu").get_by_role("link", name=reader.word("Search")))
    reader.click(reader.link("This month"))
    links = reader.page.locator(".exports a[href*=accounting]")
    name, content = reader.download(links.filter(has_text="CSV"))

    assert "_2026-09-01_2026-09-28_" in name
    assert content.startswith(b"\xef\xbb\xbf")
    delimiter, mark = {"en": (",", "."), "fr": (";", ",")}[reader.language]
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=delimiter))
    amounts = [row[reader.word("Amount")] for row in rows]
    assert all(re.fullmatch(rf"-?\d+{re.escape(mark)}\d\d", amount) for amount in amounts)
    refunds = [amount for amount in amounts if amount.startswith("-")]
    assert sum(Decimal(amount.replace(mark, ".")) for amount in refunds) == Decimal("-1142.00")
    assert len(rows) == 8
    assert reader.clicks <= 3


def test_a_file_proves_a_payment_to_somebody_else(come: Come, tmp_path: Path) -> None:
    reader = come("auditor")

    reader.search(shop.PAYMENT)
    name, content = reader.download(reader.page.locator(".under a[href*=bundles]"))

    assert name.startswith("boutique-du-port_test_transaction-")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path)
    subprocess.run(["sh", "check.sh"], cwd=tmp_path, check=True)
    assert "74" in (tmp_path / f"history-{reader.language}.html").read_text(encoding="utf-8")
    assert reader.clicks <= 2


def test_a_payment_is_found_by_the_number_that_the_bank_quotes(come: Come) -> None:
    reader = come("auditor")

    reader.search(shop.AUTHORISATION.upper())

    expect(reader.page).to_have_url(re.compile(f"/transactions/{shop.PAYMENT}$"))
    assert shop.AUTHORISATION in reader.text(".groups")
    assert reader.clicks <= 1
