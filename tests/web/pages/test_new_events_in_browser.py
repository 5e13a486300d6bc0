"""What an open page says of newer events, in a real browser, and that it moves nothing."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.builders import NOON, a_rest_call, receive
from tests.queries.filling import follow
from tests.web.pages.payments import PAYMENT
from tests.web.pages.visiting import Visiting, Visitor, axe_faults, is_wider_than_window, served
from web.pages import new_events

WATCHED = """
window.streams = [];
window.EventSource = class extends EventSource {
  constructor(address) { super(address); window.streams.push(this); }
};
"""
"""Remembers every stream that a page has opened."""
CLOSED = 2


@pytest.fixture
def reading(
    visit: Visiting, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Visitor]:
    """A reader of a ledger that goes on hearing, whose pages ask often."""
    monkeypatch.setattr(new_events, "RETRY_SECONDS", 0.2)
    with served(visit.app) as url:
        visitor = Visitor(browser, url, visit.app)
        yield visitor
        visitor.close()
    assert visitor.faults == []


def hear(visit: Visiting, hours: int) -> None:
    """Receive another call about the payment."""
    at = NOON + timedelta(hours=hours)
    receive(visit.ledger, a_rest_call("CAPTURED", at, amount=1_000 + hours))
    follow(visit.ledger)


@pytest.mark.parametrize(
    ("language", "size", "scheme", "singular", "plural"),
    [
        ("en", "desktop", "light", "1 new event: show", "2 new events: show"),
        (
            "fr",
            "phone",
            "dark",
            "1 nouvel événement\u00a0: afficher",
            "2 nouveaux événements\u00a0: afficher",
        ),
    ],
)
def test_somebody_who_reads_a_payment_is_told_of_news_and_follows_them(
    visit: Visiting,
    reading: Visitor,
    language: str,
    size: str,
    scheme: str,
    singular: str,
    plural: str,
) -> None:
    page = reading.open(PAYMENT, language=language, size=size, scheme=scheme)
    heading = page.locator("#history-title")
    place = heading.bounding_box()

    hear(visit, 2)
    expect(page.get_by_role("link", name=singular, exact=True)).to_be_visible()
    assert heading.bounding_box() == place, "nothing has moved"
    assert axe_faults(page) == []
    assert not is_wider_than_window(page)
    hear(visit, 3)
    page.get_by_role("link", name=plural, exact=True).click()

    expect(page.locator("#event-4")).to_be_visible()
    expect(page.locator("[data-new-events]")).to_be_empty()


def states(page: Page) -> list[int]:
    """The states of all streams that a page has opened, oldest first."""
    readings: list[int] = page.evaluate("streams.map((stream) => stream.readyState)")
    return readings


def be_hidden(page: Page, *, is_hidden: bool) -> None:
    """Put another tab before the page, or bring it back."""
    page.evaluate(
        "(hidden) => { Object.defineProperty(document, 'hidden', {value: hidden, configurable:"
        " true}); document.dispatchEvent(new Event('visibilitychange')); }",
        is_hidden,
    )


def test_a_hidden_page_asks_nothing_until_it_is_seen_again(
    visit: Visiting, reading: Visitor
) -> None:
    page = reading.open("/test/events")
    page.context.add_init_script(WATCHED)
    page.goto(PAYMENT)

    be_hidden(page, is_hidden=True)
    assert states(page) == [CLOSED]
    hear(visit, 2)
    be_hidden(page, is_hidden=False)

    expect(page.get_by_role("link", name="1 new event: show")).to_be_visible()
    assert len(states(page)) == 2


def test_the_past_opens_no_stream(reading: Visitor) -> None:
    page = reading.open("/test/events")
    page.context.add_init_script(WATCHED)

    page.goto(f"{PAYMENT}?as_of=2099-01-01")
    assert states(page) == []
    page.goto(PAYMENT)
    page.locator("#moment").press("ArrowLeft")

    expect(page.locator(".then")).to_be_visible()
    expect(page.locator("[data-new-events]")).to_have_count(0)
    assert states(page) == [CLOSED]


def test_without_script_nothing_is_said(visit: Visiting, reading: Visitor) -> None:
    page = reading.open(PAYMENT, script=False)
    hear(visit, 2)

    expect(page.locator("[data-new-events]")).to_be_empty()
    page.reload()
    expect(page.locator("#event-3")).to_be_visible()
