"""What was only answered to our own question says so on every page that shows it."""

import pytest

from tests.asking.answering import about, answered, as_element, envelope
from tests.builders import NOON, SHOP_ID, an_answer, receive, rest_body
from tests.queries.filling import follow
from tests.web.pages.payments import text_of_content, visited_by
from tests.web.pages.visiting import Visiting

UUID = "c5" * 16
AT = f"/test/shops/{SHOP_ID}"
PAYMENT = f"{AT}/transactions/{UUID}"


@pytest.fixture
def queried(visit: Visiting) -> Visiting:
    """The pages of a ledger with a payment that was asked for, as an auditor with personal data
    sees them."""
    answered(visit.ledger, about(UUID), envelope(as_element(an_answer(uuid=UUID)), at=NOON))
    follow(visit.ledger)
    return visited_by(visit, "auditor-personal")


def test_the_payment_and_its_event_say_that_they_were_queried(queried: Visiting) -> None:
    page = queried.get(PAYMENT).text

    assert page.count(">queried</span>") == 2  # in the head, and at the event
    assert "Answer to our question" in page
    assert "Queried: an answer to our own question" in page
    assert "bad-text" not in page.partition('<main id="main"')[2].partition("<footer")[0]


def test_a_list_says_it(queried: Visiting) -> None:
    page = queried.get("/test/search").text

    assert page.count(">queried</span>") == 1


def test_its_evidence_is_the_answer(queried: Visiting) -> None:
    recorded = queried.ledger.events.events_after(0, 100)
    own = next(each for each in recorded if each.event.reference == UUID)

    page = queried.get(f"{AT}/events/{own.position}/evidence")
    answer = queried.get(f"/test/notifications/{own.event.notification_id}")

    assert (page.status_code, answer.status_code) == (200, 200)
    assert "which has no signature" in text_of_content(page.text)
    assert "✗" not in page.text
    assert "V4/WebService/Response" in page.text
    assert "verify any more" not in answer.text


def test_a_call_takes_the_mark_away(queried: Visiting) -> None:
    receive(queried.ledger, rest_body(an_answer(uuid=UUID)))
    follow(queried.ledger)

    page = queried.get(PAYMENT).text

    assert "Confirmed by the platform" in page
    assert page.count(">queried</span>") == 1  # at its first event alone
    assert ">queried</span>" not in queried.get("/test/search").text
