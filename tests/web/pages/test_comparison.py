"""What was known of an object at two instants: only what differs, on its page and over the API."""

from urllib.parse import quote

import pytest

from tests.builders import NOON, UUID, receive
from tests.queries.filling import follow
from tests.web.asking import AT as API
from tests.web.asking import Asking
from tests.web.pages.payments import AT, text_of_content
from tests.web.pages.visiting import Visiting
from tests.web.test_api_orders import a_refund

FIRST = quote(NOON.isoformat())
BEFORE = "2026-11-22"
PAYMENT, ORDER = f"transactions/{UUID}", "orders/CMD-2026-0001"


def test_only_what_differs_is_compared_in_either_direction(visit: Visiting) -> None:
    api = Asking(visit.ledger)

    forward = api.get(f"{API}/{PAYMENT}?as_of={FIRST}&against=2026-11-24")["comparison"]
    backward = api.get(f"{API}/{PAYMENT}?as_of=2026-11-24&against={FIRST}")["comparison"]
    page = text_of_content(visit.get(f"{AT}/{PAYMENT}?as_of={FIRST}&against=2026-11-24").text)

    assert forward == backward
    (status,) = [change for change in forward["changes"] if change["name"] == "status"]
    assert (status["before"], status["after"]) == ("AUTHORISED", "CAPTURED")
    assert "amount_minor" not in {change["name"] for change in forward["changes"]}
    assert forward["positions"] == [2]
    assert "Status Authorised AUTHORISED Captured CAPTURED" in page
    assert "Captured #2" in page


def test_an_order_is_compared_by_its_sums_and_transactions(visit: Visiting) -> None:
    receive(visit.ledger, a_refund(1000))
    follow(visit.ledger)

    state = Asking(visit.ledger).get(f"{API}/{ORDER}?against={FIRST}")
    page = text_of_content(visit.get(f"{AT}/{ORDER}?against={FIRST}").text)

    changes = {
        (change["of"], change["name"]): (change["before"], change["after"])
        for change in state["comparison"]["changes"]
    }
    assert changes["EUR", "refunded_minor"] == (0, 1000)
    assert changes[UUID, "status"] == ("AUTHORISED", "CAPTURED")
    assert changes["b" * 32, "amount_minor"] == (None, 1000)
    assert state["comparison"]["later_at"] is None
    assert "Net EUR €29.90 €19.90" in page


@pytest.mark.parametrize("name", [PAYMENT, ORDER])
def test_what_did_not_change_and_what_was_unknown_say_so(visit: Visiting, name: str) -> None:
    same = visit.get(f"{AT}/{name}?as_of=2026-11-24&against=2026-11-25").text
    new = visit.get(f"{AT}/{name}?as_of=2026-11-24&against={BEFORE}").text
    unknown = visit.get(f"{AT}/{name}?as_of={BEFORE}&against=2026-11-21")
    wrong = visit.get(f"{AT}/{name}?against=yesterday")

    assert "Nothing changed between 24 Nov 2026" in text_of_content(same)
    assert "nothing known" in new
    assert (unknown.status_code, wrong.status_code) == (404, 422)
    assert "Write a day as" in wrong.text
