"""Search: any name leads to what it names, filters narrow, an address is the whole question."""

import csv
import io
import re
from typing import Any

import pytest

from ledger.access.users import add_user
from ledger.application import Ledger
from ledger.queries.filter_declarations import NotificationFilter, TransactionFilter
from ledger.queries.find_by_name import meanings
from ledger.queries.lists import ALIASES, SUBSCRIPTIONS, TRANSACTIONS, Item, Listing, list_page
from ledger.queries.notifications import list_notifications
from tests.builders import NOON, OTHER_SHOP_ID, SHOP_ID
from tests.web.pages.visiting import PASSWORD, Visiting


@pytest.fixture
def pages(pages: Visiting) -> Visiting:
    pages.sign_in("auditor")
    return pages


def newest(ledger: Ledger, listing: Listing, **filters: Any) -> Item:
    with ledger.database.connect() as connection:
        return list_page(connection, listing, listing.filter_class(**filters)).items[0]


def transactions(ledger: Ledger, **filters: Any) -> list[Item]:
    with ledger.database.connect() as connection:
        return list_page(connection, TRANSACTIONS, TransactionFilter(**filters), limit=500).items


def hrefs(text: str, kind: str) -> list[str]:
    return re.findall(rf'href="(/\w+/shops/\d+/{kind}/[^"]+)"', text.partition('id="found"')[2])


@pytest.mark.parametrize(
    "written",
    [
        str.upper,
        str.lower,
        lambda uuid: f" {uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]} ",
    ],
)
def test_a_uuid_leads_to_its_transaction(pages: Visiting, written: Any) -> None:
    item = newest(pages.ledger, TRANSACTIONS, mode="test", currency="EUR")

    redirect = pages.get("/test/search", query_string={"q": written(item["uuid"])})

    assert redirect.location == f"/test/shops/{item['shop_id']}/transactions/{item['uuid']}"
    assert pages.get(redirect.location).status_code == 200


@pytest.mark.parametrize("name", ["order_id", "trans_id"])
def test_other_names_lead_there_too(pages: Visiting, name: str) -> None:
    item = newest(pages.ledger, TRANSACTIONS, mode="production", currency="EUR")

    redirect = pages.get("/production/search", query_string={"q": item[name]})

    kind, target = (
        ("orders", item["order_id"]) if name == "order_id" else ("transactions", item["uuid"])
    )
    assert redirect.location == f"/production/shops/{item['shop_id']}/{kind}/{target}"
    assert pages.get(redirect.location).status_code == 200


def test_an_alias_and_a_subscription_are_found(pages: Visiting) -> None:
    alias = newest(pages.ledger, ALIASES, mode="production")
    plan = newest(pages.ledger, SUBSCRIPTIONS, mode="production")

    for kind, name in (("aliases", alias["alias"]), ("subscriptions", plan["subscription_id"])):
        redirect = pages.get("/production/search", query_string={"q": name})
        assert redirect.status_code == 303
        assert redirect.location.startswith(f"/production/shops/{SHOP_ID}/{kind}/{name}")
        assert pages.get(redirect.location).status_code == 200


def test_a_notification_is_found_by_its_id(pages: Visiting) -> None:
    row = list_notifications(pages.ledger, NotificationFilter(mode="TEST"), limit=1)[0]

    redirect = pages.get("/test/search", query_string={"q": row.id})

    assert redirect.location == f"/test/notifications/{row.id}"
    assert pages.get(redirect.location).status_code == 200
    assert pages.get("/production/search", query_string={"q": row.id}).status_code == 200
    assert pages.get(f"/production/notifications/{row.id}").status_code == 404


def test_what_several_things_are_called_is_listed(full_ledger: Ledger, pages: Visiting) -> None:
    """An alias of the same name in two shops, say."""
    names = [item["trans_id"] for item in transactions(full_ledger, mode="test")]
    twice = next((name for name in names if name and names.count(name) > 1), None)
    assert twice is not None, "the stories number no two transactions alike"

    page = pages.get("/test/search", query_string={"q": twice})

    assert page.status_code == 200
    assert "Several things have this name" in page.text
    assert len(hrefs(page.text, "transactions")) == names.count(twice)


def test_part_of_a_name_lists_what_contains_it(pages: Visiting) -> None:
    page = pages.get("/test/search?q=CMD-")

    matches = hrefs(page.text, "orders")
    assert matches
    assert all("CMD-" in href for href in matches)


def test_the_other_world_is_never_searched(pages: Visiting) -> None:
    item = newest(pages.ledger, TRANSACTIONS, mode="test", currency="EUR")

    assert meanings(pages.ledger, item["uuid"], mode="production") == []
    assert "Nothing found in" in pages.get(f"/production/search?q={item['uuid']}").text


def test_somebody_of_one_shop_finds_nothing_of_others(
    own_pages: Visiting, full_ledger: Ledger
) -> None:
    visiting = Visiting(full_ledger)
    limited = Visiting(own_pages.ledger)
    with own_pages.ledger.database.begin() as connection:
        add_user(connection, name="x", password=PASSWORD, role="auditor", now=NOON, shops=["1"])
    limited.sign_in("x")
    payment = newest(full_ledger, TRANSACTIONS, mode="test", shop_id=frozenset({SHOP_ID}))

    assert (
        meanings(full_ledger, payment["uuid"], mode="test", shops=frozenset({OTHER_SHOP_ID})) == []
    )
    assert meanings(full_ledger, payment["uuid"], mode="test", shops=frozenset()) == []
    assert limited.get(f"/test/search?shop_id={SHOP_ID}").status_code == 403
    assert visiting.get("/test/search").status_code == 303


def test_what_a_form_left_empty_is_no_part_of_the_question(pages: Visiting) -> None:
    redirect = pages.get("/test/search?q=&status=CAPTURED&order_id=+&amount_min=")

    assert redirect.location == "/test/search?status=CAPTURED"


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ("amount_min=twelve", "amount_min"),
        ("first_seen_from=2026-02-30", "first_seen_from"),
        ("order_id=" + "x" * 513, "order_id"),
        ("q=" + "x" * 513, "q"),
        ("sort=colour", "sort"),
        ("misspelt=1", "misspelt"),
        ("cursor=none", "cursor"),
        ("late=perhaps", "late"),
        ("order_id=a%00b", "order_id"),
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_is_listed(
    pages: Visiting, parameters: str, field: str
) -> None:
    page = pages.get(f"/test/search?{parameters}")

    assert page.status_code == 422
    assert "Part of this address cannot be read" in page.text
    assert hrefs(page.text, "transactions") == []


def test_a_list_goes_on_page_by_page_with_its_filters(pages: Visiting) -> None:
    seen: list[str] = []
    path = "/test/search?sort=amount&operation_type=DEBIT"
    while path:
        text = pages.get(path).text
        seen += hrefs(text, "transactions")
        onward = re.search(r'href="([^"]+)" rel="next"', text)
        path = onward[1].replace("&amp;", "&") if onward else ""

    debits = transactions(pages.ledger, mode="test", operation_type=frozenset({"DEBIT"}))
    assert len(seen) == len(set(seen)) == len(debits)


def test_a_list_says_what_it_adds_up_to_and_how_to_narrow_it(pages: Visiting) -> None:
    text = pages.get("/test/search?currency=EUR&operation_type=DEBIT&operation_type=CREDIT").text
    words = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    items = transactions(
        pages.ledger, mode="test", currency="EUR", operation_type=frozenset({"DEBIT", "CREDIT"})
    )

    paid = sum(item["amount_minor"] for item in items if item["operation_type"] == "DEBIT")
    refunds = [item["amount_minor"] for item in items if item["operation_type"] == "CREDIT"]
    assert f"{len(items)} transactions EUR" in words
    assert [
        re.sub(r"<[^>]+>", "", said) for said in re.findall(r'role="status">(.+?)</p>', text)
    ] == [f"{len(items)} transactions"]  # read aloud, the list itself is not
    assert "aria-live" not in text
    assert f"payments €{paid / 100:,.2f}" in words
    assert f"{len(refunds)} refunds -€{sum(refunds) / 100:,.2f}" in words
    assert f">-€{refunds[0] / 100:,.2f}<" in text
    removing = re.findall(r'class="chip" href="([^"]+)"><small>(\w+)', text)
    assert (
        "/test/search?operation_type=DEBIT&amp;operation_type=CREDIT", "Currency"
    ) in removing  # fmt: skip
    assert "&amp;status=REFUSED" in text.partition('id="narrow"')[2].partition("<details")[0]
    assert "/api/v1/transactions?mode=test&amp;operation_type=CREDIT" in text


def test_columns_are_chosen_in_the_address_and_remembered(pages: Visiting) -> None:
    def heads(path: str) -> list[str]:
        return re.findall(r'role="columnheader"[^>]*>([^<]+)<', pages.get(path).text)

    assert heads("/test/search")[0] == "Created"
    assert heads("/test/search?columns=known&columns=shop") == [
        "Known since",
        "Transaction",
        "Shop",
    ]
    assert heads("/test/search") == ["Known since", "Transaction", "Shop"]


def test_amounts_of_several_currencies_stand_together_largest_first(pages: Visiting) -> None:
    text = pages.get("/test/search?sort=-amount").text
    shown = re.findall(r'class="amount">-?(€|[A-Z]{3}\xa0)-?([\d,.]+)<', text.partition("tbody")[2])

    by_code: dict[str, list[float]] = {}
    for code, number in shown:
        by_code.setdefault(code, []).append(float(number.replace(",", "")))
    assert len(by_code) > 1
    assert [code for code, _ in shown] == [c for c in by_code for _ in by_code[c]]
    assert all(amounts == sorted(amounts, reverse=True) for amounts in by_code.values())


def test_amounts_are_asked_for_in_major_units(pages: Visiting) -> None:
    for amount_min in ("12,5", "12.50"):
        text = pages.get(f"/test/search?currency=eur&amount_min={amount_min}").text
        amounts = re.findall(r'class="amount[^"]*">€([\d,.]+)<', text)
        assert amounts
        assert all(float(amount.replace(",", "")) >= 12.5 for amount in amounts)


def test_days_begin_and_end_in_their_zone(pages: Visiting) -> None:
    day = transactions(pages.ledger, mode="test")[-1]["first_seen_at"][:10]

    for zone, is_there in (("UTC", True), ("Pacific/Tahiti", True), ("Pacific/Noumea", True)):
        parameters = f"first_seen_from={day}&first_seen_until={day}&days_in={zone}"
        assert bool(hrefs(pages.get(f"/test/search?{parameters}").text, "transactions")) is is_there
    parameters = "first_seen_until=2000-01-01&first_seen_from=0001-01-01&days_in=Europe/Paris"
    assert hrefs(pages.get(f"/test/search?{parameters}").text, "transactions") == []


def test_an_export_holds_all_pages_of_what_is_shown(pages: Visiting) -> None:
    text = pages.get("/test/search?status=CAPTURED&sort=amount").text
    href = re.search(r'href="([^"]+file_format=csv)"', text)
    assert href is not None

    file = pages.get(href[1].replace("&amp;", "&"))

    rows = list(csv.DictReader(io.StringIO(file.text)))
    captured = transactions(pages.ledger, mode="test", status=frozenset({"CAPTURED"}))
    assert {row["uuid"] for row in rows} == {item["uuid"] for item in captured}
    assert file.headers["Content-Disposition"] == 'attachment; filename="transactions.csv"'
    assert "personal" not in rows[0]


def test_an_export_of_what_cannot_be_read_leads_back_to_the_form(pages: Visiting) -> None:
    redirect = pages.get("/test/export/transactions?file_format=csv&amount_min=x")

    assert redirect.location == "/test/search?amount_min=x"


@pytest.mark.parametrize(("name", "word"), [("currency", "PAID"), ("status", "paid")])
def test_a_word_that_nothing_can_have_is_no_empty_list(
    pages: Visiting, name: str, word: str
) -> None:
    page = pages.get(f"/test/search?{name}={word}")

    assert page.status_code == 422
    assert "Part of this address cannot be read:" in page.text


def test_an_amount_is_in_the_decimals_of_a_currency_that_is_named_by_its_number(
    pages: Visiting,
) -> None:
    by_letters = pages.get("/test/search?currency=EUR&amount_min=20.00").text
    by_number = pages.get("/test/search?currency=978&amount_min=20.00").text

    assert hrefs(by_number, "transactions") == hrefs(by_letters, "transactions") != []
