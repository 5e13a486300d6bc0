"""Notes on the pages of objects: between the events, marked, and only ever withdrawn."""

import re

from tests.builders import SHOP_ID, UUID
from tests.web.pages.test_overview import text_of
from tests.web.pages.visiting import Visiting

PAGE = f"/test/shops/{SHOP_ID}/transactions/{UUID}"
WRITE = f"/test/shops/{SHOP_ID}/notes/transaction/{UUID}"
WITHDRAW = f"/test/shops/{SHOP_ID}/withdrawn-notes/transaction/{UUID}"
TEXT = "<b>Jo Doe</b> called\non Monday"


def sign_in(visit: Visiting, role: str) -> None:
    visit.post("/sign-out", "/test/search")
    visit.sign_in(role)


def test_a_note_is_written_shown_and_withdrawn(visit: Visiting) -> None:
    sign_in(visit, "auditor-personal")
    before = text_of(visit.get(PAGE).text)

    answer = visit.post(WRITE, PAGE, text=TEXT)
    page = visit.get(PAGE).text
    (note_id,) = re.findall(r'id="note-([0-9A-Z]{26})"', page)
    visit.post(WITHDRAW, PAGE, note=note_id)
    withdrawn = visit.get(PAGE).text

    assert (answer.status_code, answer.location) == (303, f"{PAGE}#note-{note_id}")
    assert "&lt;b&gt;Jo Doe&lt;/b&gt; called<br>on Monday" in page
    assert "not the platform’s word" in text_of(page)
    assert 'name="note"' in page
    assert "<b>Jo" not in page
    assert "withdrawn" in text_of(withdrawn)
    assert "called" in withdrawn
    assert 'name="note"' not in withdrawn
    assert "not the platform’s word" not in before


def test_a_note_is_not_known_before_it_was_written(visit: Visiting) -> None:
    sign_in(visit, "auditor-personal")
    visit.post(WRITE, PAGE, text=TEXT)

    last_event = re.findall(r'as_of=([^"]+)" title', visit.get(PAGE).text)[-1]
    then = visit.get(f"{PAGE}?as_of={last_event}").text

    assert "Jo Doe" not in then
    assert "Write a note" not in then


def test_a_note_that_says_nothing_is_refused(visit: Visiting) -> None:
    sign_in(visit, "operator")
    assert visit.post(WRITE, PAGE, text="  ").status_code == 400
    assert visit.post(WRITE.replace("/transaction/", "/thing/"), PAGE, text="x").status_code == 404
