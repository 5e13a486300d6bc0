"""The page of all events: by day, by what happened, and what it leads to."""

import pytest

from tests.builders import NOON, a_form_call, receive
from tests.projections.helpers import follow
from tests.web.pages.payments import PAYMENT, text_of_content
from tests.web.pages.visiting import Visiting

AT = "/test/events"
DAY = f"{NOON:%Y-%m-%d}"


def test_an_event_leads_to_its_object_and_the_newest_is_first(visit: Visiting) -> None:
    page = visit.get(AT)

    assert page.status_code == 200
    assert f'href="{PAYMENT}#event-1"' in page.text
    assert f'href="{PAYMENT}#event-2"' in page.text
    assert page.text.index("#event-2") < page.text.index("#event-1")


def test_a_day_has_its_counts_and_the_days_around_it(visit: Visiting) -> None:
    page = visit.get(f"{AT}?recorded_from={DAY}&recorded_until={DAY}").text

    content = text_of_content(page)
    assert "What became known on" in content
    assert "2 events" in content
    assert f"{AT}?recorded_from={NOON.replace(day=NOON.day - 1):%Y-%m-%d}" in page


def test_the_day_before_has_nothing(visit: Visiting) -> None:
    page = visit.get(f"{AT}?recorded_until=2020-01-01").text

    assert "Nothing found in Test." in page


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("type=transaction.captured", 1),
        ("kind=alias", 0),
        ("amount_min=1&currency=EUR", 2),
        ("amount_min=1000000&currency=EUR", 0),
        ("surprising=true", 0),
        ("occurred_from=2020-01-01&occurred_until=2020-01-02", 0),
    ],
)
def test_a_filter_narrows_the_page(visit: Visiting, query: str, count: int) -> None:
    assert visit.get(f"{AT}?{query}").text.count("#event-") == count


def test_what_cannot_be_read_is_said(visit: Visiting) -> None:
    for query in ("type=nothing", "cursor=x", "recorded_from=yesterday", "currency=XYZW"):
        assert visit.get(f"{AT}?{query}").status_code == 422, query


def test_a_masked_name_leads_nowhere(own_pages: Visiting) -> None:
    receive(own_pages.ledger, a_form_call(identifier="jo@example.org", identifier_status="CREATED"))
    follow(own_pages.ledger)
    own_pages.sign_in("auditor")

    page = own_pages.get(f"{AT}?kind=alias").text

    assert "example.org" not in page
    assert 'class="rows events"' in page
    assert "#event-" not in page


def test_histories_lead_to_all_that_became_known_on_the_same_day(visit: Visiting) -> None:
    visit.get(f"{PAYMENT}?zone=Europe/Paris")
    page = visit.get(PAYMENT).text

    address = f"{AT}?days_in=Europe/Paris&amp;recorded_from={DAY}&amp;recorded_until={DAY}"
    assert f'href="{address}"' in page


def test_a_refund_has_a_minus_and_nothing_is_accepted_while_it_waits(own_pages: Visiting) -> None:
    refund = {"operation_type": "CREDIT", "trans_uuid": "c4" * 16, "trans_id": "900004"}
    receive(own_pages.ledger, a_form_call("AUTHORISED", **refund))
    later = {"trans_uuid": "d5" * 16, "trans_id": "900005"}
    receive(own_pages.ledger, a_form_call("WAITING_AUTHORISATION", **later))
    follow(own_pages.ledger)
    own_pages.sign_in("auditor")

    content = text_of_content(own_pages.get(AT).text)

    assert "Payment registered, authorisation to come" in content
    assert "\N{MINUS SIGN}" in content or "-" in content.partition("c4c4")[2][:60]


def test_an_instalment_without_a_date_says_when_it_was_created(pages: Visiting) -> None:
    pages.sign_in("auditor")

    page = pages.get(f"{AT}?type=subscription.instalment-accepted").text

    assert "#event-" in page
    assert "date not given" not in text_of_content(page)
