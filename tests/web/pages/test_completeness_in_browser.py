"""Files put here and days compared in a real browser, wide and narrow, also without script."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.reconciliation.comparing import a_journal, receive_the_day
from tests.web.pages.visiting import (
    Visiting,
    Visitor,
    axe_faults,
    is_wider_than_window,
    served,
)

READERS: list[dict[str, Any]] = [
    {"language": "en", "size": "desktop", "scheme": "light"},
    {"language": "fr", "size": "phone", "scheme": "dark"},
]
UPLOAD = {"en": "Upload", "fr": "Envoyer"}
COMPARE = {"en": "Compare", "fr": "Comparer"}


@pytest.fixture
def visitor(browser: Browser, own_pages: Visiting) -> Iterator[Visitor]:
    """Somebody with a browser, at a ledger of their own."""
    receive_the_day(own_pages.ledger)
    with served(own_pages.app) as url:
        visitor = Visitor(browser, url, own_pages.app)
        yield visitor
        visitor.close()
        assert visitor.faults == []


def journals(folder: Path) -> list[Path]:
    """Journals of two days, and what is none."""
    paths = []
    for day in ("10", "11"):
        row = f"TRANSACTION;4100{day};1;DEBIT;700;700;978;202603{day};000500;C;AUTHORISED;"
        paths.append(folder / f"TEST_JT_BOUTIQUE_12345678_2603{day}.csv")
        paths[-1].write_bytes(a_journal(row))
    paths.append(folder / "notes.txt")
    paths[-1].write_bytes(b"some;notes")
    return paths


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: "-".join(reader.values()))
@pytest.mark.parametrize("script", [True, False])
def test_an_operator_uploads_files_and_compares_days(
    visitor: Visitor, reader: dict[str, Any], script: bool, tmp_path: Path
) -> None:
    page = visitor.open("/test/completeness", role="operator", script=script, **reader)
    language = reader["language"]

    page.locator("#file-1").set_input_files(journals(tmp_path))
    page.get_by_role("button", name=UPLOAD[language], exact=True).first.click()

    outcomes = page.locator("[role=status] li")
    expect(outcomes).to_have_count(3)
    assert outcomes.locator(".good-text").count() == 2
    expect(outcomes.locator(".bad-text").first).to_contain_text("notes.txt")
    if script:  # the checker needs it
        assert axe_faults(page) == []
    assert not is_wider_than_window(page)
    caption = page.locator("caption:not(.hidden)").bounding_box()
    assert caption is not None
    assert caption["height"] < 60, "no letter under the other"

    page.locator("input[name=first_day]").nth(1).fill("2026-03-10")
    page.locator("input[name=last_day]").nth(1).fill("2026-03-11")
    page.get_by_role("button", name=COMPARE[language], exact=True).first.click()

    expect(page.locator("h1")).to_contain_text("2026-03-10 – 2026-03-11")
    assert "/test/reports/" in page.url
