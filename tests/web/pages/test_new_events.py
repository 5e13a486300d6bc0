"""What an open page is told of newer events: how many, and only of what its reader may see."""

import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest

from ledger.access.users import add_user
from tests.builders import (
    NOON,
    OTHER_SHOP_ID,
    SHOP_ID,
    UUID,
    a_form_call,
    a_rest_call,
    receive,
)
from tests.queries.filling import follow
from tests.web.pages.payments import AT, PAYMENT
from tests.web.pages.visiting import PASSWORD, SETTINGS, Visiting

ALL = "/test/new-events"
OF_PAYMENT = f"{AT}/new-events/transaction/{UUID}"
ADDRESS = re.compile(r'data-new-events="([^"]+)"')


def address_in(visit: Visiting, page: str) -> str:
    """Where a page asks what has come since."""
    match = ADDRESS.search(visit.get(page).text)
    assert match is not None, page
    return match[1].replace("&amp;", "&")


def message(visit: Visiting, address: str) -> str:
    """What that says; empty when nothing has come."""
    answer = visit.client.get(address, headers={"Accept": "text/event-stream"})
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "text/event-stream; charset=utf-8"
    assert answer.text.startswith("retry: 10000\n\n")
    return answer.text.partition("data: ")[2].strip()


def refund_later(visit: Visiting, hours: int) -> None:
    """Hear something more about the payment."""
    at = NOON + timedelta(hours=hours)
    receive(visit.ledger, a_rest_call("CAPTURED", at, amount=1_000 + hours))
    follow(visit.ledger)


@pytest.mark.parametrize(
    "page", [PAYMENT, "/test/events", "/test", "/test/events?kind=transaction"]
)
def test_a_page_hears_how_many_events_have_come_since(visit: Visiting, page: str) -> None:
    address = address_in(visit, page)

    heard = [message(visit, address)]
    for hours in (2, 3):
        refund_later(visit, hours)
        heard.append(message(visit, address))

    assert heard == ["", "1 new event: show", "2 new events: show"]
    assert message(visit, address_in(visit, page)) == "", "a newer page"


def test_the_page_of_an_order_hears_of_all_its_transactions(own_pages: Visiting) -> None:
    for uuid, order_id in (("b1" * 16, "A 1/é"), ("b2" * 16, "B")):
        receive(own_pages.ledger, a_form_call(trans_uuid=uuid, order_id=order_id))
    follow(own_pages.ledger)
    own_pages.sign_in("auditor")
    address = address_in(own_pages, f"{AT}/orders/{quote('A 1/é', safe='')}")

    heard = []
    for uuid, order_id in (("b3" * 16, "B"), ("b4" * 16, "A 1/é")):
        receive(own_pages.ledger, a_form_call(trans_uuid=uuid, order_id=order_id))
        follow(own_pages.ledger)
        heard.append(message(own_pages, address))

    assert heard == ["", "1 new event: show"]


def test_a_list_hears_only_of_what_it_would_list(visit: Visiting) -> None:
    of_aliases = address_in(visit, "/test/events?kind=alias")
    of_production = address_in(visit, "/production/events")

    refund_later(visit, 2)

    assert message(visit, of_aliases) == ""
    assert message(visit, of_production) == ""


def test_many_events_are_not_counted_to_the_end(
    visit: Visiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("ledger.queries.new_events", "web.pages.new_events"):
        monkeypatch.setattr(f"{module}.COUNTED_MAX", 3)
    refund_later(visit, 2)

    assert message(visit, f"{ALL}?after=0") == "More than 2 new events: show"


@pytest.mark.parametrize(
    "page",
    [
        f"{PAYMENT}?as_of=2099-01-01T00:00:00Z",
        f"{PAYMENT}?as_of={NOON:%Y-%m-%d}",
        f"{PAYMENT}?before=2",
        f"{PAYMENT}?as_of=2020-01-01",
        f"{PAYMENT}?as_of=x",
        "/test/events?recorded_until=2020-01-01",
        "/test/events?cursor=x",
        "/test/search",
    ],
)
def test_the_past_and_second_pages_ask_nothing(visit: Visiting, page: str) -> None:
    assert "data-new-events" not in visit.get(page).text


def test_nobody_hears_of_a_shop_that_they_may_not_see(visit: Visiting) -> None:
    with visit.ledger.database.begin() as connection:
        name = "of another shop"
        shops = [OTHER_SHOP_ID]
        limits = {"role": "operator", "now": visit.now, "shops": shops}
        add_user(connection, name=name, password=PASSWORD, **limits)
    other = Visiting(visit.ledger)
    other.sign_in(name)

    of_shop = f"{ALL}?after=0&shop_id={SHOP_ID}"
    statuses = [other.get(path).status_code for path in (OF_PAYMENT, of_shop)]

    assert statuses == [403, 403]
    assert message(other, f"{ALL}?after=0") == ""
    assert message(visit, f"{ALL}?after=0") == "2 new events: show"
    receive(visit.ledger, a_form_call(site_id=OTHER_SHOP_ID))
    follow(visit.ledger)
    assert message(other, f"{ALL}?after=0") == "1 new event: show"


def test_who_has_signed_out_hears_nothing(visit: Visiting) -> None:
    assert message(visit, f"{OF_PAYMENT}?after=0")

    visit.post("/sign-out", "/test/search")

    assert visit.get(f"{OF_PAYMENT}?after=0").location.startswith("/sign-in")


def test_a_session_that_has_expired_hears_nothing(visit: Visiting) -> None:
    visit.now += timedelta(days=1)

    assert visit.get(f"{OF_PAYMENT}?after=0").location.startswith("/sign-in")


def test_open_pages_may_ask_only_so_often_and_take_nothing_from_others(visit: Visiting) -> None:
    limited = Visiting(visit.ledger, replace(SETTINGS, rate_per_address="3/minute"))
    limited.sign_in("auditor")

    statuses = [limited.get(f"{ALL}?after=0").status_code for _ in range(4)]

    assert statuses == [200, 200, 200, 429]
    assert limited.get("/test/events").status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{ALL}?after=x", 422),
        (f"{ALL}?after=-1", 422),
        (f"{ALL}?kind=x", 422),
        (f"{AT}/new-events/transaction/unknown?after=1", 200),
        (f"{AT}/new-events/nothing/{UUID}", 404),
        (f"{AT}/new-events/subscription/unknown", 404),
    ],
)
def test_what_cannot_be_asked_is_refused(visit: Visiting, path: str, status: int) -> None:
    assert visit.get(path).status_code == status
