"""The page of what there is to look at, its line on the overview, and the same over HTTP."""

import html
import re
from datetime import timedelta

import pytest

from ledger.access.tokens import create_token
from tests.builders import NOON, OTHER_SHOP_ID, SHOP_ID
from tests.projections.helpers import follow
from tests.projections.suspecting import notified
from tests.web.pages.payments import text_of_content
from tests.web.pages.visiting import Visiting

AT = "/test/to-look-at"


@pytest.fixture
def waiting(own_pages: Visiting) -> Visiting:
    """A payment under verification, another whose authorisation is overdue, a refused refund."""
    ledger, own_pages.now = own_pages.ledger, NOON + timedelta(days=9)
    notified(ledger, "a", "UNDER_VERIFICATION", trans_id="410002")
    capture_at = (NOON + timedelta(days=1)).isoformat()
    notified(ledger, "b", "WAITING_AUTHORISATION", capture_at=capture_at, trans_id="410003")
    notified(ledger, "c", "REFUSED", operationType="CREDIT", trans_id="410004")
    follow(ledger)
    own_pages.sign_in("auditor")
    return own_pages


def test_every_entry_leads_to_a_list_of_what_it_counts(waiting: Visiting) -> None:
    page = waiting.get(AT).text

    content = text_of_content(page)
    for title in ("Under verification for too long", "Authorisation overdue", "Refunds to retry"):
        assert content.index(title) < content.index("None of these")
    assert content.index("Contradictions") > content.index("None of these")
    links = [html.unescape(href) for href in re.findall(r'<a href="([^"]+)" aria-label', page)]
    lists = {"a": "/test/search", "b": "/test/suspects", "c": "/test/search"}
    for uuid, path in lists.items():
        listed = [waiting.get(href).text for href in links if href.startswith(path + "?")]
        assert any(f"/transactions/{uuid * 32}" in text for text in listed), uuid
    assert f'href="/test/shops/{SHOP_ID}/transactions/{"c" * 32}"' in page


def test_the_overview_counts_the_same(waiting: Visiting) -> None:
    content = text_of_content(waiting.get("/test").text)

    assert "Under verification for too long 1" in content
    assert "Refunds to retry 1" in content
    assert "What became known on: today" in content


def test_the_other_mode_has_nothing(waiting: Visiting) -> None:
    content = text_of_content(waiting.get("/production/to-look-at").text)

    assert "Nothing to look at." in content


def test_the_api_counts_the_same_and_its_lists_answer(waiting: Visiting) -> None:
    items = asked(waiting, "?mode=test", None)

    counts = {item["code"]: item["count"] for item in items}
    assert counts["verification-too-long"] == counts["authorisation-overdue"] == 1
    assert counts["refunds-to-retry"] == 1
    for item in items:
        if item["list"] and item["code"] in ("verification-too-long", "authorisation-overdue"):
            assert len(called(waiting, item["list"], None)) == item["count"], item["code"]
    (refunds,) = (item for item in items if item["code"] == "refunds-to-retry")
    assert refunds["objects"][0]["links"]["self"].endswith("c" * 32)


def test_a_token_of_another_shop_counts_nothing_of_this_one(waiting: Visiting) -> None:
    items = asked(waiting, "", [OTHER_SHOP_ID])

    assert {item["mode"] for item in items} == {"test", "production"}
    assert {item["count"] for item in items} == {0}


def asked(visit: Visiting, query: str, shops: list[str] | None) -> list[dict]:  # type: ignore[type-arg]
    return called(visit, f"/api/v1/to-look-at{query}", shops)


def called(visit: Visiting, path: str, shops: list[str] | None) -> list[dict]:  # type: ignore[type-arg]
    with visit.ledger.database.begin() as connection:
        _, secret = create_token(
            connection, name="a program", role="auditor", shops=shops, now=visit.now
        )
    answer = visit.app.test_client().get(path, headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 200, answer.text
    return list(answer.get_json()["items"])
