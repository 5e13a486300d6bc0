"""A payment that was captured, told in two calls, and what its pages say."""

import re
from datetime import timedelta

from tests.builders import NOON, SHOP_ID, UUID, a_rest_call, receive
from tests.queries.filling import follow
from tests.web.pages.visiting import Visiting

AT = f"/test/shops/{SHOP_ID}"
PAYMENT = f"{AT}/transactions/{UUID}"


def receive_a_payment(visit: Visiting) -> Visiting:
    """Receive both calls, and sign in as an auditor."""
    created = (NOON - timedelta(minutes=14)).isoformat()
    receive(visit.ledger, a_rest_call("AUTHORISED", NOON, creationDate=created))
    receive(visit.ledger, a_rest_call("CAPTURED", NOON + timedelta(hours=1)))
    follow(visit.ledger)
    visit.sign_in("auditor")
    return visit


def text_of_content(page: str) -> str:
    """Return what a reader reads of a page's content, without head and foot."""
    content = page.partition('<main id="main"')[2].partition("<footer")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", content).split())


def visited_by(visit: Visiting, name: str) -> Visiting:
    """Return the pages of the same ledger as somebody else sees them."""
    other = Visiting(visit.ledger)
    other.sign_in(name)
    return other
