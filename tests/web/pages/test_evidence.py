"""The evidence of an event: its delivery, verified again; and faults while a page is made."""

from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import text

from ledger.access.log import accesses
from ledger.access.users import add_user
from ledger.ipn.shops_and_keys import Shops
from ledger.proof.signer import LogSigner
from tests.audit.tampering import damage, reseal
from tests.builders import OTHER_SHOP_ID, SHOP_ID
from tests.privacy.erasing import erase
from tests.proof.logged import ids_in_order
from tests.web.pages.payments import AT, PAYMENT, text_of_content, visited_by
from tests.web.pages.visiting import PASSWORD, Visiting


def test_the_body_is_for_those_who_may_see_it_and_that_is_logged(visit: Visiting) -> None:
    as_auditor = visit.get(f"{AT}/events/1/evidence").text
    as_personal = visited_by(visit, "auditor-personal").get(f"{AT}/events/1/evidence").text

    assert "kr-answer" not in as_auditor
    assert "kr-answer" in as_personal
    with visit.ledger.database.connect() as connection:
        (line,) = accesses(connection, limit=9, kind="evidence")
    assert (line.token_name, line.reference, line.shop_id) == ("auditor-personal", "1", SHOP_ID)


def test_an_event_of_another_shop_or_mode_is_not_found(visit: Visiting) -> None:
    for path in (f"/test/shops/{OTHER_SHOP_ID}", f"/production/shops/{SHOP_ID}"):
        assert visit.get(f"{path}/events/1/evidence").status_code == 404
    assert visit.get(f"{AT}/events/999/evidence").status_code == 404


def test_a_reader_of_another_shop_sees_nothing_of_it(visit: Visiting) -> None:
    with visit.ledger.database.begin() as connection:
        more: dict[str, Any] = {"role": "auditor", "shops": [OTHER_SHOP_ID], "now": visit.now}
        add_user(connection, name="elsewhere", password=PASSWORD, **more)
    elsewhere = visited_by(visit, "elsewhere")

    for path in (PAYMENT, f"{AT}/events/1/evidence"):
        assert elsewhere.get(path).status_code == 403


def test_a_key_that_has_left_is_said(visit: Visiting) -> None:
    visit.ledger.shops = Shops(
        {id_: replace(shop, keys=()) for id_, shop in visit.ledger.shops.shop_by_id.items()}
    )

    assert "its key has left the shops file" in text_of_content(visit.get(PAYMENT).text)


def test_what_was_erased_is_said_with_its_entry_in_the_log(
    visit: Visiting, signer: LogSigner
) -> None:
    erase(visit.ledger, signer)
    reader = visited_by(visit, "auditor-personal")
    (delivery, *_) = ids_in_order(visit.ledger.database)

    pages = (PAYMENT, f"{AT}/events/1/evidence", f"/test/notifications/{delivery}")
    texts = [text_of_content(reader.get(page).text) for page in pages]

    for text_of_page in texts:
        assert "[erased 2026-11-23, entry 4]" in text_of_page
        assert "not the one that arrived" not in text_of_page
        assert "✗" not in text_of_page
    assert reader.get(f"{pages[2]}/raw").status_code == 410


def test_a_changed_body_is_said(visit: Visiting) -> None:
    changes = [partial(reseal, edit=lambda _: b"\0", number=number) for number in range(2)]
    damage(visit.ledger.database, *changes)

    content = text_of_content(visit.get(PAYMENT).text)

    assert content.count("✗ Signature does not verify · the body is not the one that arrived") == 2
    assert "✗" in visit.get(f"{AT}/events/1/evidence").text


# -- a fault while a page is made ----------------------------------------------------------------


def test_a_page_that_cannot_be_made_is_an_error_page_with_its_status(visit: Visiting) -> None:
    with visit.ledger.database.begin() as connection:
        connection.execute(text("ALTER TABLE notifications RENAME TO elsewhere"))

    page = visit.get(PAYMENT)

    assert page.status_code == 503
    assert "Not available now" in page.text
    assert "history-title" not in page.text


def test_a_fault_while_a_template_is_rendered_is_an_error_page_and_logged(visit: Visiting) -> None:
    def fail(_: object) -> str:
        raise KeyError("a bug, with jo@example.org")

    as_personal = visited_by(visit, "auditor-personal")
    as_personal.app.jinja_env.filters["rule"] = fail

    page = as_personal.get(PAYMENT)

    assert page.status_code == 500
    assert "Something went wrong here" in page.text
    assert "jo@example.org" not in page.text
    with visit.ledger.database.connect() as connection:
        (line,) = accesses(connection, limit=9)
    assert (line.kind, line.status) == ("transaction", 500)
