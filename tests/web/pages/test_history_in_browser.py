"""Histories in a real browser: the slider, the day without script, and what goes on paper."""

import re

import pytest
from playwright.sync_api import Page, expect

from ledger.application import Ledger
from ledger.queries.filter_declarations import TransactionFilter
from ledger.queries.lists import TRANSACTIONS, list_page
from tests.builders import SHOP_ID
from tests.web.pages.hostile import SCRIPT, UUID
from tests.web.pages.visiting import Visitor, axe_faults, is_wider_than_window

AT = f"/test/shops/{SHOP_ID}"


@pytest.fixture
def path(full_ledger: Ledger) -> str:
    """A transaction that was told in several events."""
    own = TransactionFilter(shop_id=frozenset({SHOP_ID}), mode="test")
    with full_ledger.database.connect() as connection:
        states = list_page(connection, TRANSACTIONS, own, limit=500).items
    longest = max(states, key=lambda state: int(state["version"]))
    assert longest["version"] > 2
    return f"{AT}/transactions/{longest['reference']}"


def events(page: Page) -> int:
    return page.locator(".timeline > .event").count()


@pytest.mark.parametrize(("language", "back"), [("en", "Current state"), ("fr", "État actuel")])
def test_the_slider_moves_through_what_was_known(
    visitor: Visitor, path: str, language: str, back: str
) -> None:
    page = visitor.open(path, language=language)
    slider, whole = page.locator("#moment"), events(page)

    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"\?as_of=2026"))
    expect(page.locator(".timeline > .event")).to_have_count(whole - 1)
    assert axe_faults(page) == []
    expect(slider).to_be_focused()
    page.keyboard.press("Home")
    expect(page.locator(".timeline > .event")).to_have_count(1)
    page.keyboard.press("End")
    expect(page).to_have_url(visitor.url + path)
    expect(page.locator(".timeline > .event")).to_have_count(whole)

    page.go_back()
    expect(page.locator(".timeline > .event")).to_have_count(1)
    page.get_by_role("link", name=back).click()
    expect(page.locator(".timeline > .event")).to_have_count(whole)


@pytest.mark.parametrize("script", [True, False])
def test_a_day_is_asked_by_a_form(visitor: Visitor, path: str, script: bool) -> None:
    page = visitor.open(path, script=script)
    assert page.locator("#moment").is_visible() == script
    assert page.locator("[data-print]").is_visible() == script
    assert page.locator(".answer [data-copy]").is_visible() == script
    if script:
        page.locator(".answer [data-copy]").click()
        expect(page.locator(".answer [role=status]")).to_have_text("Copied")

    page.locator("#as_of").fill("2026-11-22")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".empty")).to_contain_text("Nothing was known of it")
    page.locator("#as_of").fill("2026-11-23")
    page.get_by_role("button", name="Show").click()

    expect(page.locator(".then")).to_contain_text("As known on 23 Nov 2026")


def test_what_goes_on_paper_says_who_and_up_to_where(visitor: Visitor, path: str) -> None:
    page = visitor.open(path)
    assert not page.locator(".paper").is_visible()

    page.emulate_media(media="print")

    paper = page.locator(".paper")
    expect(paper).to_be_visible()
    expect(paper).to_contain_text("auditor")
    expect(paper).to_contain_text(path)
    expect(paper).to_contain_text(re.compile(r"Newest event of the ledger\s*#\d+"))
    expect(page.locator(".band")).to_be_visible()  # TEST is TEST on paper too
    expect(page.locator(".prints").first).to_contain_text(re.compile(r"[0-9a-f]{16}.*[0-9a-f]{64}"))
    assert not page.locator(".look-back").is_visible()


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_from_an_event_to_its_evidence_and_back(visitor: Visitor, path: str, size: str) -> None:
    page = visitor.open(path, role="operator", size=size)

    page.locator(".proof a").first.click()
    expect(page.locator(".checks li")).to_have_count(3)
    expect(page.locator("pre.body")).to_be_visible()
    assert not is_wider_than_window(page)
    page.locator(".under .name a").click()

    expect(page).to_have_url(visitor.url + path)


def test_hostile_facts_show_as_text(visitor: Visitor) -> None:
    page = visitor.open(f"{AT}/transactions/{UUID[:-1]}0", role="auditor-personal")
    page.locator(".all-told summary").first.click()
    expect(page.locator(".related")).to_contain_text(SCRIPT)
    expect(page.locator(".all-told").first).to_contain_text(SCRIPT)

    page.goto(f"{AT}/subscriptions/{SCRIPT}")
    expect(page.locator("h1")).to_have_text(SCRIPT)
    assert events(page) == 2


def test_keys_lead_to_the_search_and_from_event_to_event(visitor: Visitor, path: str) -> None:
    page = visitor.open(path)

    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("main [id^=event-]").nth(1).locator("summary, a").first).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator("main [id^=event-]").first.locator("summary, a").first).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert axe_faults(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("j?")
    expect(page.get_by_role("searchbox")).to_have_value("j?")
