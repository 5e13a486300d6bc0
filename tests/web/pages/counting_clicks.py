"""A reader in a browser whose clicks are counted, as is each Enter; typing is not."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from playwright.sync_api import Locator, Page

from tests.web.pages.catalogue import read_catalogue

_catalogue = cache(read_catalogue)


@dataclass
class Reader:
    """Somebody who reads one page after the other in a language."""

    page: Page
    language: str
    clicks: int = 0

    def word(self, english: str) -> str:
        """Return what a page in this language says for a message."""
        if self.language == "en":
            return english
        message = _catalogue(self.language).get(english)
        assert message is not None, english
        return str(message.string)

    def click(self, target: Locator) -> None:
        self.clicks += 1
        target.click()

    def link(self, english: str) -> Locator:
        return self.page.get_by_role("link", name=self.word(english), exact=True)

    def search(self, text: str) -> None:
        """Type something into the box that each page has, and press Enter."""
        box = self.page.get_by_role("searchbox")
        box.fill(text)
        self.enter(box)

    def enter(self, field: Locator) -> None:
        self.clicks += 1
        field.press("Enter")
        self.page.wait_for_load_state()

    def download(self, target: Locator) -> tuple[str, bytes]:
        """Click on what sends a file. Shape: its name, its content."""
        with self.page.expect_download() as waiting:
            self.click(target)
        file = waiting.value
        return file.suggested_filename, Path(file.path()).read_bytes()

    def text(self, selector: str = "main") -> str:
        """Return what is read there, with plain spaces."""
        return self.plain(self.page.locator(selector).first.inner_text())

    @staticmethod
    def plain(text: str) -> str:
        """Return a text with a plain space where there is any other, or several."""
        return re.sub(r"\s+", " ", text).strip()
