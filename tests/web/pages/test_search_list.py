"""The list of the search: when a payment was made, why it was refused, what narrows it."""

import re

import pytest

from tests.builders import a_form_call, receive
from tests.queries.filling import follow
from tests.web.pages.test_search import hrefs, transactions
from tests.web.pages.visiting import Visiting


@pytest.fixture
def pages(pages: Visiting) -> Visiting:
    pages.sign_in("auditor")
    return pages


def test_a_list_says_when_a_payment_was_made_and_sorts_by_it(pages: Visiting) -> None:
    page = pages.get("/test/search?sort=-created").text

    made = re.findall(r'data-label="Created"[^>]*><time datetime="([^"]+)"', page)
    assert len(made) == 50
    assert made == sorted(made, reverse=True)
    assert page.count("Known since <time") == 50


def test_amounts_of_several_currencies_are_not_compared(pages: Visiting) -> None:
    mixed, of_euros = (
        pages.get(f"/test/search?sort=-amount{more}") for more in ("", "&currency=EUR")
    )

    note = "on each page they stand together by currency"
    assert note in mixed.text
    assert note not in of_euros.text
    amounts = [
        float(amount.replace(",", ""))
        for amount in re.findall(r'class="amount[^"]*">\D*([\d,.]+)\D*<', of_euros.text)
    ]
    assert len(amounts) > 5
    assert amounts == sorted(amounts, reverse=True)


def test_a_refusal_says_why_and_is_found_by_it(pages: Visiting) -> None:
    refused = transactions(pages.ledger, mode="test", status=frozenset({"REFUSED"}))
    codes = {item["authorisation_result"] for item in refused} - {None, "", "0", "00"}
    code = sorted(codes)[0]

    page = pages.get(f"/test/search?authorisation_result={code}&status=REFUSED")

    count = sum(item["authorisation_result"] == code for item in refused)
    assert page.text.count(f"({code})</small>") == count > 0
    assert 0 < len(hrefs(page.text, "transactions")) < len(refused)
    own = pages.get(hrefs(page.text, "transactions")[0]).text
    assert f"({code})</small>" in own.partition("</div>")[0] + own.partition("<h1>")[2]


def test_what_narrows_a_list_is_said_above_it(pages: Visiting) -> None:
    """The form stays closed, so that the list is in sight."""
    page = pages.get("/test/search?status=REFUSED&status=EXPIRED&currency=EUR").text

    assert '<details class="card filters">' in page
    (chosen,) = re.findall(r'<p class="chosen">(.*?)</p>', page, re.DOTALL)
    chips = re.findall(r'class="chip" href="([^"]+)"', chosen)
    left = [sorted(re.findall(r"=(\w+)", chip)) for chip in chips]
    assert left == [["EUR", "EXPIRED"], ["EUR", "REFUSED"], ["EXPIRED", "REFUSED"]]
    broken = pages.get("/test/search?amount_min=x").text
    assert '<details class="card filters" open>' in broken


@pytest.mark.parametrize(
    ("role", "words"),
    [
        ("operator", "1 unverified call names it:"),
        ("auditor-personal", "1 unverified call names it:"),
        ("auditor", "1 call waits unverified, which is not searched."),
    ],
)
def test_a_call_that_waits_is_no_nothing(own_pages: Visiting, role: str, words: str) -> None:
    """Support would tell the buyer that nothing ever came."""
    forged = a_form_call(order_id="CMD-7").replace(b"signature=", b"signature=x")
    assert receive(own_pages.ledger, forged).outcome == "quarantined"
    follow(own_pages.ledger)
    own_pages.sign_in(role)

    page = own_pages.get("/test/search?q=cmd-7").text

    assert words in page
    assert "unverified call names it" not in own_pages.get("/test/search?q=CMD-8").text
    assert "unverified" not in own_pages.get("/production/search?q=CMD-7").text


def test_what_is_in_the_other_mode_alone_is_one_click_away(own_pages: Visiting) -> None:
    receive(own_pages.ledger, a_form_call(order_id="CMD-7"))
    follow(own_pages.ledger)
    own_pages.sign_in("auditor")

    page = own_pages.get("/production/search?q=CMD-7").text

    assert 'href="/test/search?q=CMD-7">It exists in Test.' in page
    assert "It exists" not in own_pages.get("/production/search?q=CMD-8").text
