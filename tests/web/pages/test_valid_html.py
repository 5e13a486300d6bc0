"""Every page is written as HTML is defined: what stands in what, times, ids.

Source: the HTML standard, content models, and dates and times.
"""

import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from tests.web.pages.test_browser import FOR_OPERATORS, PAGES
from tests.web.pages.visiting import Visiting

_VOID = {"meta", "link", "input", "img", "br", "hr", "wbr", "col", "source"}
_PHRASING_ONLY = {
    *("p", "span", "h1", "h2", "h3", "button", "label", "small", "strong", "code", "bdi", "time"),
    *("legend", "caption", "pre", "em"),
}
"""Elements in which no block may stand."""
_BLOCKS = {
    *(
        "address",
        "article",
        "details",
        "dialog",
        "div",
        "dl",
        "fieldset",
        "figure",
        "footer",
        "form",
    ),
    *("h1", "h2", "h3", "header", "main", "nav", "ol", "p", "pre", "section", "table", "ul"),
}
_PARENTS = {
    "li": {"ul", "ol"},
    "dt": {"dl", "div"},
    "dd": {"dl", "div"},
    "tr": {"thead", "tbody", "tfoot"},
    "td": {"tr"},
    "th": {"tr"},
    "summary": {"details"},
    "legend": {"fieldset"},
    "option": {"select", "datalist"},
}
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?|\d{4}-\d\d|P[\dTDHMS]+"
)


class _Checker(HTMLParser):
    """Notes what is wrong with a page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: Counter[str] = Counter()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = Counter(name for name, _ in attrs)
        attributes = {name: text or "" for name, text in attrs}
        self.ids[attributes.get("id", "")] += 1
        self.faults += [f"twice on {tag}: {name}" for name, count in names.items() if count > 1]
        if tag == "time" and not _INSTANT.fullmatch(attributes.get("datetime", "")):
            self.faults.append(f"no instant: {attributes.get('datetime')}")
        self.faults += [f"{tag} in {each}" for each in self.open if self._is_misplaced(tag, each)]
        if tag in _PARENTS and self.open[-1] not in _PARENTS[tag]:
            self.faults.append(f"{tag} in {self.open[-1]}")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1:] == [tag]:
            self.open.pop()
        else:
            self.faults.append(f"/{tag} closes {self.open[-1:]}")

    @staticmethod
    def _is_misplaced(tag: str, around: str) -> bool:
        is_twice = tag == around and tag in ("a", "button", "form", "label")
        is_in_a_button = around in ("a", "button") and tag in ("a", "button", "input", "select")
        return is_twice or is_in_a_button or (around in _PHRASING_ONLY and tag in _BLOCKS)


def faults(page: str) -> list[str]:
    checker = _Checker()
    checker.feed(page)
    checker.close()
    twice = [f"id twice: {id_}" for id_, count in checker.ids.items() if id_ and count > 1]
    return sorted({*checker.faults, *twice, *(f"{each} is open" for each in checker.open)})


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ("<p>text<div></div></p>", "div in p"),
        ("<span><form></form></span>", "form in span"),
        ('<time datetime="2026-03-10T09:15:47.123456Z">x</time>', "no instant"),
        ('<b id="x"></b><i id="x"></i>', "id twice: x"),
        ("<ul><b></ul></b>", "/ul closes"),
        ('<a href="/"><button>x</button></a>', "button in a"),
    ],
)
def test_what_is_wrong_is_noticed(page: str, fault: str) -> None:
    assert any(each.startswith(fault) for each in faults(page))


def test_every_page_is_valid(pages: Visiting) -> None:
    pages.sign_in("operator")

    wrong = {path: faults(pages.get(path).text) for path in PAGES + FOR_OPERATORS}

    assert {path: of_page for path, of_page in wrong.items() if of_page} == {}
