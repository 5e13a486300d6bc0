"""Every page in a real browser: in each language, with and without script, wide and narrow."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from ledger.access.roles import ROLES
from tests.builders import SHOP_ID
from tests.web.pages.hostile import ALIAS, NOTIFICATION, QUARANTINED, SCRIPT, UUID
from tests.web.pages.visiting import (
    PASSWORD,
    SIZES,
    Visitor,
    axe_faults,
    is_wider_than_window,
    tab_stops,
)

AT = f"/test/shops/{SHOP_ID}"

PAGES = [
    "/production",
    "/test",
    "/test/search",
    "/production/search?status=CAPTURED",
    "/test/search?q=x&amount_min=%3Cscript%3E",
    "/test/search?q=nothing-has-this-name",
    f"{AT}/transactions/{UUID[:-1]}0",
    f"{AT}/aliases/{ALIAS}",
    f"{AT}/orders/{SCRIPT}",
    f"{AT}/subscriptions/{SCRIPT}",
    f"{AT}/transactions/{UUID[:-1]}0?as_of=2020-01-01",
    f"{AT}/transactions/{UUID[:-1]}0?as_of={SCRIPT}",
    f"{AT}/orders/{SCRIPT}?as_of=2026-11-24",
    f"{AT}/orders/{SCRIPT}?as_of=2026-11-22&against=2026-11-24",
    f"{AT}/events/1/evidence",
    "/test/nowhere",
    "/test/notifications",
    f"/test/notifications/{NOTIFICATION}",
    f"/test/notifications/{QUARANTINED}",
    "/test/quarantine",
    "/test/quarantine?reason=signature-mismatch",
    "/test/proof",
    "/test/completeness",
    "/test/suspects",
    "/test/settlement",
    "/test/events",
    "/test/to-look-at",
    "/test/projections",
    "/second-factor",
]
"""Pages that hold for every reader; a new page adds itself here."""

FOR_OPERATORS = [
    "/test/quarantine/readmit?reason=signature-mismatch",
    "/test/projections/totals/compare",
    "/test/access",
    "/test/access-log",
    "/test/privacy",
]
"""Others read there that it is not for them."""

READERS: list[dict[str, Any]] = [
    {"language": "en", "size": "desktop", "scheme": "light", "role": "operator"},
    {"language": "fr", "size": "phone", "scheme": "dark", "role": "auditor-personal"},
]
"""Each language, width and scheme once: what they change is independent of each other."""


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: "-".join(reader.values()))
def test_every_page_reads_well(visitor: Visitor, reader: dict[str, Any]) -> None:
    page = visitor.open("/", **reader)

    faults = {}
    for path in PAGES + FOR_OPERATORS:
        page.goto(path)
        expect(page.locator("h1")).to_be_visible()
        assert page.locator("html").get_attribute("lang") == reader["language"]
        faults[path] = axe_faults(page) + ["too wide"] * is_wider_than_window(page)

    assert {path: of_page for path, of_page in faults.items() if of_page} == {}


@pytest.mark.parametrize(("role", "language"), list(zip(ROLES, ("fr", "en", "fr"), strict=True)))
def test_every_page_works_without_script(visitor: Visitor, role: str, language: str) -> None:
    page = visitor.open("/", role=role, language=language, script=False)

    for path in PAGES + FOR_OPERATORS:
        page.goto(path)
        expect(page.locator("h1")).to_be_visible()
        expect(page.locator("html")).to_have_attribute("lang", language)


@pytest.mark.parametrize(
    ("language", "button", "script"), [("en", "Sign in", False), ("fr", "Se connecter", True)]
)
def test_somebody_signs_in_and_is_led_to_where_they_wanted(
    visitor: Visitor, script: bool, language: str, button: str
) -> None:
    page = visitor.open("/test/search?status=CAPTURED", role=None, script=script, language=language)

    page.get_by_label("Nom" if language == "fr" else "Name").fill("AUDITOR")
    page.locator("#password").fill("wrong")
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name=button).click()

    expect(page).to_have_url(f"{visitor.url}/test/search?status=CAPTURED")


def test_the_page_to_sign_in_reads_well(visitor: Visitor) -> None:
    for scheme in ("light", "dark"):
        page = visitor.open("/sign-in", role=None, scheme=scheme, size="phone")

        assert axe_faults(page) == []
        assert not is_wider_than_window(page)


@pytest.mark.parametrize("script", [True, False])
def test_a_search_is_an_address(visitor: Visitor, script: bool) -> None:
    page = visitor.open("/test/search", script=script)
    page.locator(".filters summary").filter(has_text="Status").click()

    page.get_by_label("Captured", exact=True).check()
    if not script:  # with script the list follows at once
        page.get_by_role("button", name="Apply").first.click()

    expect(page).to_have_url(f"{visitor.url}/test/search?status=CAPTURED&sort=-time")
    expect(page.locator("#found .pill").first).to_have_text("Captured")
    assert set(page.locator("#found .pill").all_inner_texts()) == {"Captured"}


@pytest.mark.parametrize("script", [True, False])
def test_a_list_is_read_to_its_end(visitor: Visitor, script: bool) -> None:
    page = visitor.open("/test/search", script=script)
    links = page.locator("tbody tr td:nth-child(2) a")
    seen: list[str] = []

    while True:
        seen += links.evaluate_all("all => all.map(one => one.getAttribute('href'))")
        if not page.get_by_role("link", name="Next page").count():
            break
        first = links.first.get_attribute("href") or ""
        page.get_by_role("link", name="Next page").click()
        expect(links.first).not_to_have_attribute("href", first)

    assert len(seen) == len(set(seen)) > 50


def test_the_keyboard_goes_from_the_head_to_the_content(visitor: Visitor) -> None:
    page = visitor.open("/test/search")

    stops = tab_stops(page, 21)

    assert stops == [
        "a Skip to the content",
        "a IPN Ledger",
        "a Production",
        "a Test",
        "a Password",
        "button Sign out",
        "a Overview",
        "a To look at",
        "a Search",
        "a Events",
        "a Notifications",
        "a Quarantine",
        "a Completeness",
        "a Suspects",
        "a Settlement",
        "a Proof",
        "a Data freshness",
        "input q",
        "button Search",
        "a Skip to the results",
        stops[20],
    ]


def test_a_list_begins_in_sight_beside_its_filters(visitor: Visitor) -> None:
    page = visitor.open("/test/search?status=CAPTURED&operation_type=DEBIT")
    row, button = page.locator("#found tbody tr").first, page.locator(".big.box button")

    begins = row.bounding_box()
    button.focus()
    stops = tab_stops(page, 60)

    assert begins is not None
    assert begins["y"] + begins["height"] < SIZES["desktop"]["height"]
    assert stops[0] == "a Skip to the results"
    in_rows = [n for n, stop in enumerate(stops) if re.fullmatch(r"a [0-9a-f]{8}", stop)]
    assert in_rows[0] < 45
    page.set_viewport_size({"width": 320, "height": 600})
    assert not is_wider_than_window(page)
    page.locator(".filters > summary").click()
    expect(page.locator("#narrow")).to_be_visible()
    assert not is_wider_than_window(page)


def test_the_link_to_the_content_skips_the_head(visitor: Visitor) -> None:
    page = visitor.open("/test/search")

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    assert tab_stops(page, 1) == ["input q"]


def test_hostile_names_show_as_text(visitor: Visitor) -> None:
    page = visitor.open(f"/test/search?order_id={SCRIPT}")
    expect(page.locator("#found td").nth(2)).to_contain_text(SCRIPT)

    page.goto("/test/search?status=AUTHORISED")
    expect(page.locator("#found")).to_contain_text("gnp.[U+202E]exe[U+2066][U+200F]")

    page.goto(f"{AT}/aliases/{ALIAS}")
    expect(page.locator("h1")).to_have_text(ALIAS)


def test_language_and_zone_are_kept(visitor: Visitor) -> None:
    page = visitor.open("/test/search", script=False)

    page.get_by_role("link", name="Français").click()
    page.get_by_label("Heures de").select_option("Europe/Paris")
    page.get_by_role("button", name="Appliquer").last.click()
    page.goto("/test/search")

    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.locator("tbody time").first).to_have_text(re.compile(r"CES?T$"))


def test_the_other_mode_is_one_click_away(visitor: Visitor) -> None:
    page = visitor.open("/test/search")
    expect(page.locator(".band")).to_contain_text("TEST")

    page.get_by_role("navigation", name="Mode").get_by_role("link", name="Production").click()

    expect(page).to_have_url(f"{visitor.url}/production/search")
    expect(page.locator(".band")).to_have_count(0)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: "-".join(reader.values()))
def test_each_step_of_privacy_reads_well(visitor: Visitor, reader: dict[str, Any]) -> None:
    page = visitor.open("/test/privacy", **reader | {"role": "operator"})

    page.locator("#transaction").fill(f"{UUID[:-1]}0")
    page.locator(".buttons .primary").click()
    expect(page.locator("input[name=delivery]").first).to_be_checked()
    faults = axe_faults(page) + ["too wide"] * is_wider_than_window(page)
    page.locator("form.stack .primary").click()
    expect(page.locator("form.narrow-card .primary")).to_be_visible()
    faults += axe_faults(page) + ["too wide"] * is_wider_than_window(page)

    assert faults == []
    assert page.url.endswith("/test/privacy/preview")
