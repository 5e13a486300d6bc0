"""The page of what was probably not told."""

from datetime import timedelta

import pytest

from tests.builders import NOON
from tests.projections.helpers import follow
from tests.projections.suspecting import notified
from tests.web.pages.visiting import Visiting

AT = "/test/suspects"


@pytest.fixture
def suspecting(own_pages: Visiting) -> Visiting:
    """The pages of a ledger that was told of a refund, and not of its payment."""
    own_pages.now = NOON + timedelta(days=1)
    own_pages.sign_in("auditor")
    notified(own_pages.ledger, "b", parent="a", operationType="CREDIT", source="MERCH_BO")
    for number in range(60):
        order = {"order_id": f"CMD-{number:02d}", "trans_id": f"{number:06d}"}
        notified(own_pages.ledger, f"{number:032x}", number=2, **order)
    follow(own_pages.ledger)
    return own_pages


def test_without_suspects_the_page_says_so(own_pages: Visiting) -> None:
    own_pages.sign_in("auditor")
    follow(own_pages.ledger)

    page = own_pages.get(AT).text

    assert "Nothing is suspected." in page
    assert "proves nothing" in page


def test_a_suspect_leads_to_its_object_and_says_what_is_missing(suspecting: Visiting) -> None:
    page = suspecting.get(f"{AT}?certainty=certain").text

    assert f'href="/test/shops/12345678/transactions/{"b" * 32}"' in page
    assert "It names a payment of which nothing came" in page
    assert "a" * 32 in page
    assert "1 is missing" not in page


def test_the_list_goes_on_to_its_end(suspecting: Visiting) -> None:
    first = suspecting.get(AT)
    address = first.text.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]

    second = suspecting.get(address.replace("&amp;", "&"))

    rows = [page.text.count('<tr role="row">') - 1 for page in (first, second)]
    assert rows == [50, 11]
    assert "First page" in second.text


def test_a_word_that_is_no_choice_is_answered_422(suspecting: Visiting) -> None:
    assert suspecting.get(f"{AT}?certainty=sure").status_code == 422
    assert suspecting.get(f"{AT}?cursor=nothing").status_code == 422


def test_a_masked_name_leads_nowhere(own_pages: Visiting) -> None:
    own_pages.now = NOON + timedelta(days=1)
    own_pages.sign_in("auditor")
    notified(own_pages.ledger, "a", number=2, order_id="jo@example.org")
    follow(own_pages.ledger)

    page = own_pages.get(AT).text

    assert "1 is missing" in page
    assert "example.org" not in page
    assert "/orders/" not in page


def test_the_page_of_the_other_mode_is_empty(suspecting: Visiting) -> None:
    assert "Nothing is suspected." in suspecting.get("/production/suspects").text
