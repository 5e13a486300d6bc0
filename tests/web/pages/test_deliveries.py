"""Deliveries, the quarantine and readmission, as people see them."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from ledger.access.log import accesses
from ledger.access.users import add_user
from ledger.application import Ledger
from ledger.queries.filter_declarations import NotificationFilter
from ledger.queries.notifications import count_notifications
from tests.builders import (
    OTHER_SHOP_ID,
    SHOP_ID,
    a_form_call,
    a_rest_call,
    a_shop,
    receive,
    shops,
)
from tests.projections.helpers import rebuilt
from tests.sealing.archiving import JANUARY, archive_all, file_of, receive_at
from tests.web.pages.hostile import NOTIFICATION, QUARANTINED, SCRIPT
from tests.web.pages.test_overview import text_of
from tests.web.pages.visiting import PASSWORD, SETTINGS, Visiting, Visitor

UUID = "a1" * 16


def with_shops(own: Visiting, *shop_ids: str) -> Visiting:
    """The same pages after a change of the shops file."""
    ledger = Ledger(SETTINGS, shops(*map(a_shop, shop_ids)), own.ledger.database)
    return Visiting(ledger)


def reads(own: Visiting, **filters: str) -> list[tuple[str, str | None]]:
    with own.ledger.database.connect() as connection:
        return [
            (access.kind, access.reference) for access in accesses(connection, limit=99, **filters)
        ]


def test_a_notification_shows_what_it_says_and_what_it_caused(own_pages: Visiting) -> None:
    body = a_rest_call(cust_email="jo@example.org")
    id_ = receive(own_pages.ledger, body).id
    again = receive(own_pages.ledger, body).id
    own_pages.sign_in("auditor-personal")

    page = own_pages.get(f"/test/notifications/{id_}").text
    repeated = own_pages.get(f"/test/notifications/{again}").text

    assert "signature verified again now" in page
    assert "body unchanged since arrival" in page
    assert "Payment accepted" in page
    assert f"/test/shops/{SHOP_ID}/transactions/{UUID}" in page
    assert f'/test/notifications/{again}"' in page
    assert "&#34;uuid&#34;: &#34;" + UUID in page  # indented JSON
    assert "Nothing new: its content was known already." in repeated
    assert f"/test/shops/{SHOP_ID}/transactions/{UUID}" in repeated
    assert reads(own_pages) == [("raw", again), ("raw", id_)]


def test_a_body_in_an_archive_out_of_reach_leaves_the_rest_of_the_page(
    own_pages: Visiting, tmp_path: Path
) -> None:
    id_ = receive_at(own_pages.ledger, JANUARY, 1, a_form_call(cust_email="jo@example.org"))
    (archive,) = archive_all(own_pages.ledger.database, tmp_path)
    file_of(archive).unlink()
    own_pages.sign_in("auditor-personal")

    page = own_pages.get(f"/test/notifications/{id_}")

    assert page.status_code == 200
    assert "Payment accepted" in page.text
    assert "<code>archive-unreadable</code>" in page.text
    assert "signature" not in page.text
    assert own_pages.get(f"/test/notifications/{id_}/raw").status_code == 503


@pytest.mark.parametrize("is_imported", [True, False])
def test_a_notification_says_whether_it_was_imported(
    own_pages: Visiting, is_imported: bool
) -> None:
    id_ = receive(own_pages.ledger, a_form_call(), is_imported=is_imported).id
    own_pages.sign_in("auditor")

    page = own_pages.get(f"/test/notifications/{id_}").text

    assert ("imported: received by an older endpoint" in page) == is_imported


def test_a_body_is_for_those_who_may_see_personal_data(own_pages: Visiting) -> None:
    body = a_form_call(cust_email="jo@example.org")
    id_ = receive(own_pages.ledger, body).id
    path = f"/test/notifications/{id_}"
    own_pages.sign_in("auditor")

    page = own_pages.get(path).text
    refused = own_pages.get(f"{path}/raw")
    own_pages.post("/sign-out", "/test/search")
    own_pages.sign_in("operator")
    raw = own_pages.get(f"{path}/raw")

    assert "jo@example.org" not in page
    assert "192.0.2.7" not in page  # the sender's network alone
    assert "your role does not include" in page
    assert refused.status_code == 403
    assert raw.data == body
    assert raw.headers["Content-Disposition"] == f'attachment; filename="{id_}.bin"'
    assert reads(own_pages, kind="raw") == [("raw", id_)]


def test_deliveries_of_another_mode_or_shop_are_not_there(own_pages: Visiting) -> None:
    id_ = receive(own_pages.ledger, a_form_call()).id
    with own_pages.ledger.database.begin() as connection:
        add_user(
            connection, name="one", password=PASSWORD, role="operator", now=own_pages.now,
            shops=[OTHER_SHOP_ID],
        )  # fmt: skip
    own_pages.sign_in("operator")
    assert own_pages.get(f"/production/notifications/{id_}").status_code == 404
    assert own_pages.get("/test/notifications/%00").status_code == 404
    own_pages.post("/sign-out", "/test/search")

    own_pages.sign_in("one")

    assert own_pages.get(f"/test/notifications/{id_}").status_code == 404
    assert own_pages.get(f"/test/notifications/{id_}/raw").status_code == 404
    assert id_ not in own_pages.get("/test/notifications").text


def test_the_list_of_deliveries_is_read_page_by_page(own_pages_anywhere: Visiting) -> None:
    own = own_pages_anywhere
    ids = [receive(own.ledger, a_form_call(trans_uuid=f"{number:032x}")).id for number in range(60)]
    repeated = receive(own.ledger, a_form_call(trans_uuid=f"{1:032x}")).id
    own.sign_in("auditor")

    first = own.get("/test/notifications?outcome=recorded").text
    (onward,) = re.findall(r'href="([^"]+)" rel="next"', first)
    second = own.get(onward.replace("&amp;", "&")).text

    shown = [re.findall(r"<code>(\d{26})</code>", page) for page in (first, second)]
    assert shown == [ids[:9:-1], ids[9::-1]]
    assert repeated in own.get("/test/notifications?outcome=repeated").text
    assert own.get("/test/notifications?outcome=x").status_code == 422


def waiting(own: Visiting) -> list[str]:
    """Three that a key would let pass, one that was forged, one that says nothing."""
    bodies = [
        a_form_call(site_id=OTHER_SHOP_ID, trans_uuid=f"{number:032x}") for number in range(3)
    ]
    forged = a_form_call(site_id=OTHER_SHOP_ID).replace(b"signature=", b"signature=x")
    return [receive(own.ledger, body).id for body in (*bodies, forged, b"a=b")]


def test_the_quarantine_says_what_to_do_about_each_reason(own_pages_anywhere: Visiting) -> None:
    own = with_shops(own_pages_anywhere, SHOP_ID)
    ids = waiting(own)
    own.sign_in("auditor")

    page = own.get("/test/quarantine?reason=unknown-shop")

    content = text_of(page.text)
    assert "unknown-shop 4 The shop is not in the shops file. What to do: add the shop" in content
    assert "unknown-format 1" in content
    assert "it cannot be accepted" in content
    assert re.findall(r"<code>(\d{26})</code>", page.text) == ids[3::-1]
    assert "Verify again" not in content
    assert own.get("/test/quarantine/readmit?reason=unknown-shop").status_code == 403
    assert own.post("/test/quarantine/readmit", "/test", reason="unknown-shop").status_code == 403
    assert "unknown-shop" not in own.get("/production/quarantine").text


def test_an_operator_sees_what_a_readmission_would_do_and_does_it(
    own_pages_anywhere: Visiting,
) -> None:
    waiting(with_shops(own_pages_anywhere, SHOP_ID))
    own = with_shops(own_pages_anywhere, SHOP_ID, OTHER_SHOP_ID)
    own.sign_in("operator")
    asking = "/test/quarantine/readmit?reason=unknown-shop"

    preview = text_of(own.get(asking).text)
    still = text_of(own.get("/test/quarantine").text)
    done = text_of(own.post("/test/quarantine/readmit", asking, reason="unknown-shop").text)
    left = text_of(own.get("/test/quarantine").text)

    assert "3 would be recorded" in preview
    assert "1 would stay: No key of this shop and mode made this signature." in preview
    assert "Record 3 notifications" in preview
    assert "unknown-shop 4" in still
    assert "3 left the quarantine and were recorded" in done
    assert "1 stayed: No key of this shop" in done
    assert "unknown-shop 1" in left
    with own.ledger.database.connect() as connection:
        assert (
            count_notifications(connection, NotificationFilter.of({"outcome": ["recorded"]})) == 3
        )


def test_one_delivery_is_readmitted_by_its_id(own_pages: Visiting) -> None:
    first, *_ = waiting(with_shops(own_pages, SHOP_ID))
    own = with_shops(own_pages, SHOP_ID, OTHER_SHOP_ID)
    own.sign_in("operator")
    asking = f"/test/quarantine/readmit?id={first}"

    preview = text_of(own.get(asking).text)
    unsigned = own.client.post("/test/quarantine/readmit", data={"id": first})
    done = text_of(own.post("/test/quarantine/readmit", asking, id=first).text)

    assert "Record 1 notification" in preview
    assert unsigned.status_code == 400  # nothing happens without the token of a form
    assert "1 left the quarantine and was recorded" in done
    listed = text_of(own.get("/test/notifications").text)
    assert re.search(r"Recorded readmitted after [^(]+\(was: ", listed)
    assert "signature-mismatch" not in listed
    assert own.get(asking).status_code == 404
    assert own.get("/test/quarantine/readmit?reason=x").status_code == 400
    assert own.get("/test/quarantine/readmit?id=%00").status_code == 404


@pytest.mark.parametrize("script", [True, False])
def test_hostile_bodies_show_as_text(visitor: Visitor, script: bool) -> None:
    page = visitor.open(f"/test/notifications/{NOTIFICATION}", role="operator", script=script)
    expect(page.locator(".body-fields")).to_contain_text(SCRIPT)

    page.goto(f"/test/notifications/{QUARANTINED}")

    expect(page.locator(".body-fields")).to_contain_text(SCRIPT)
    expect(page.locator(".facts")).to_contain_text(SCRIPT)


def test_views_show_their_lag_and_compare(own_pages_anywhere: Visiting) -> None:
    own = own_pages_anywhere
    receive(own.ledger, a_form_call())
    own.sign_in("operator")

    behind = text_of(own.get("/test/projections").text)
    alone = text_of(own.get("/test/projections/totals/compare").text)
    rebuilt(own.ledger, "totals")
    compared = text_of(own.get("/test/projections/totals/compare").text)

    assert re.search(r"totals generation \d+ live updated by nobody 0 1 ", behind)
    assert "nothing to compare with" in alone
    assert "total_lines 1 1 0" in compared
    assert "compare the two newest" in own.get("/test/projections").text
    assert own.get("/test/projections/nothing/compare").status_code == 404


@pytest.mark.parametrize("name", ["notifications", "quarantine", "access-log", "search"])
def test_a_page_names_what_it_cannot_read(own_pages: Visiting, name: str) -> None:
    own_pages.sign_in("operator")

    page = own_pages.get(f"/test/{name}?limit=5")

    assert page.status_code == 422
    assert (
        "Part of this address cannot be read: <code>limit</code>: There is no such filter."
        in page.text
    )


def test_the_quarantine_says_which_keys_are_held_and_what_fails_since_when(
    own_pages: Visiting,
) -> None:
    keyless = shops(a_shop(kinds=()))
    known, own_pages.ledger.shops = own_pages.ledger.shops, keyless
    receive(own_pages.ledger, a_form_call())
    own_pages.ledger.shops = known
    own_pages.sign_in("operator")

    page = text_of(own_pages.get("/test/quarantine").text)
    own_pages.post("/sign-out", "/test/search")
    own_pages.sign_in("auditor-personal")
    without_keys = text_of(own_pages.get("/test/quarantine").text)

    assert "All form-v2 calls have failed since:" in page
    assert known.shop_by_id[SHOP_ID].keys[0].fingerprint in page
    assert "ledger notifications readmit --reason no-key" in page
    assert "Keys that the service holds" not in without_keys
