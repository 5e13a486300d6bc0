"""Search over HTTP: the same as the box of the pages; persons only in a body."""

import pytest

from ledger.access.log import accesses
from ledger.storage.database import Database
from tests.builders import SHOP_ID, UUID, a_form_call, receive
from tests.projections.helpers import follow
from tests.web.asking import Asking, asking

AT = "/api/v1/search"
EMAIL = "jo@example.org"


@pytest.fixture
def api(database: Database) -> Asking:
    api = asking(database)
    receive(api.ledger, a_form_call(cust_email=EMAIL, order_id="first"))
    follow(api.ledger)
    return api


def test_a_text_is_a_name_a_part_or_an_amount(api: Asking) -> None:
    by_name, by_part, by_amount = (
        api.get(f"{AT}?mode=test&q={text}") for text in ("first", "FIR", "29,90+10/03/2026")
    )

    (named,) = by_name["named"]
    assert named["links"]["self"] == f"/api/v1/shops/{SHOP_ID}/test/orders/first"
    assert by_part["named"] == []
    assert by_part["transactions"]["items"][0]["uuid"] == UUID
    (meant,) = by_amount["meant"]
    assert (meant["amount_minor"], meant["currency"], meant["day"]) == (2990, "EUR", "2026-03-10")
    listed = api.get(meant["links"]["transactions"])["items"]
    assert [item["uuid"] for item in listed] == [item["uuid"] for item in meant["items"]] == [UUID]
    assert api.get(f"{AT}?mode=production&q=FIR")["other_mode"] == "test"


def test_a_person_is_looked_for_in_a_body_alone_and_noted(api: Asking) -> None:
    question = {"q": EMAIL, "mode": "test"}
    by_address = api.call(f"{AT}?mode=test&q={EMAIL}", "operator").get_json()["person"]
    refused = api.call(AT, "auditor", method="POST", json=question).get_json()["person"]
    person = api.call(AT, "operator", method="POST", json=question).get_json()["person"]

    with api.ledger.database.connect() as connection:
        (line,) = accesses(connection, limit=10, kind="person-search")
    assert by_address["answer"] == "needs-post"
    assert (refused["answer"], refused["items"]) == ("needs-role", [])
    assert (person["answer"], person["count"]) == ("searched", 1)
    assert [item["uuid"] for item in person["items"]] == [UUID]
    assert (line.reference or "").startswith("email ")
    assert EMAIL not in str(line)
