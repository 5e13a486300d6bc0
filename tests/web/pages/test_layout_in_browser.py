"""What pages look like at each width and on paper: nothing collapses, nothing stands out."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.builders import SHOP_ID
from tests.web.pages.hostile import ALIAS, SCRIPT, UUID
from tests.web.pages.test_browser import FOR_OPERATORS, PAGES
from tests.web.pages.visiting import Visitor, is_wider_than_window

AT = f"/test/shops/{SHOP_ID}"
NARROW = """
    [...document.querySelectorAll('main *')].filter(each => {
        const box = each.getBoundingClientRect(), style = getComputedStyle(each);
        const text = [...each.childNodes].some(node => node.nodeType == 3 && node.data.trim());
        return text && style.position != 'absolute' && box.width < 40 && box.width > 1
            && box.height > 3.5 * parseFloat(style.lineHeight);
    }).map(each => each.outerHTML.slice(0, 200))
"""
"""What stands one letter under the other."""


def collapsed(page: Page) -> list[str]:
    texts: list[str] = page.evaluate(NARROW)
    return texts


def sheets(page: Page) -> int:
    """How many sheets of A4 a page has on paper."""
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_holds_its_words_at_every_width(visitor: Visitor, language: str) -> None:
    page = visitor.open("/test", role="operator", language=language)
    faults: dict[str, list[str]] = {}

    for path in PAGES + FOR_OPERATORS:
        page.goto(path)
        for width in (320, 390, 720, 820, 1024, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            seen = ["too wide"] * is_wider_than_window(page)
            seen += collapsed(page) if width >= 720 else []
            if seen:
                faults[f"{path} at {width}"] = seen

    assert faults == {}


@pytest.mark.parametrize("width", [720, 820, 1024, 1280])
def test_the_bar_of_time_has_room_for_its_words(visitor: Visitor, width: int) -> None:
    page = visitor.open(f"{AT}/transactions/{UUID[:-1]}0")
    page.set_viewport_size({"width": width, "height": 900})

    for path in ("", "?as_of=foo"):
        page.goto(f"{AT}/transactions/{UUID[:-1]}0{path}")
        assert collapsed(page) == []
        assert not is_wider_than_window(page)
        boxes = [each.bounding_box() for each in page.locator(".look-back > *:visible").all()]
        for first, second in pairwise(box for box in boxes if box):
            is_beside = second["x"] >= first["x"] + first["width"] - 1
            assert is_beside or second["y"] >= first["y"] + first["height"] - 1


def test_the_clocks_of_a_history_stand_beside_it(visitor: Visitor) -> None:
    for language in ("en", "fr"):
        page = visitor.open(f"{AT}/transactions/{UUID[:-1]}0", language=language)
        for width in (720, 1024, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            clocks = page.locator(".clocks").first
            what = page.locator(".event .what").first.bounding_box()
            ends = clocks.locator("time, a").evaluate_all(
                "all => all.map(each => each.getBoundingClientRect().right)"
            )

            assert what is not None
            assert max(ends) < what["x"] - 20  # room for the line and its dots


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_printed_list_keeps_its_words_and_few_pages(visitor: Visitor, language: str) -> None:
    page = visitor.open("/test/search", language=language)
    count = page.locator("#found tbody tr").count()

    pages = sheets(page)
    page.locator("#found tbody tr").evaluate_all("rows => rows.slice(23).map(row => row.remove())")
    pages_of_23 = sheets(page)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 688, "height": 1000})

    assert count == 50
    assert pages <= 3
    assert pages_of_23 <= 2
    assert collapsed(page) == []
    printed = "Imprimé par auditor" if language == "fr" else "Printed by auditor"
    expect(page.locator(".printed")).to_contain_text(printed)
    expect(page.locator(".printed")).to_be_visible()


@pytest.mark.parametrize(
    "path",
    [
        "/test",
        "/test/search?status=REFUSED&created_from=2020-01-01",
        f"{AT}/transactions/{UUID[:-1]}0",
        f"{AT}/orders/{SCRIPT}",
        f"{AT}/aliases/{ALIAS}",
        "/test/completeness",
        "/test/access-log",
        "/test/notifications",
    ],
)
def test_nothing_stands_out_at_320_pixels(visitor: Visitor, path: str) -> None:
    """As wide as a window at four times its size."""
    page = visitor.open("/test", role="operator", language="fr")
    page.set_viewport_size({"width": 320, "height": 600})

    page.goto(path)
    for details in page.locator("main details").all():
        details.evaluate("each => each.open = true")

    assert not is_wider_than_window(page)


def test_a_payment_is_two_lines_on_a_phone(visitor: Visitor) -> None:
    page = visitor.open("/test/search", size="phone", language="fr")

    heights = page.locator("#found tbody tr").evaluate_all(
        "rows => rows.map(row => row.getBoundingClientRect().height).sort((a, b) => a - b)"
    )

    assert heights[len(heights) // 2] <= 110
    expect(page.locator(".menu a").last).to_be_in_viewport()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_access_log_breaks_no_word(visitor: Visitor, language: str) -> None:
    page = visitor.open("/test/notifications/x", role="operator", language=language)
    page.goto("/test/access")  # who is refused leaves a line
    auditor = visitor.open("/test/access-log", role="auditor", language=language)
    expect(auditor.locator("h1")).to_be_visible()
    page.goto("/test/access-log")

    broken = page.locator("th, td:nth-child(2) .sub, .peer code").evaluate_all(
        "all => all.filter(each => each.clientHeight > 50 || each.getClientRects().length > 1)"
        ".map(each => each.innerText)"
    )

    assert page.locator("tbody tr").count() > 0
    assert broken == []
    assert "<mode:mode>" not in page.locator("tbody").inner_text()
