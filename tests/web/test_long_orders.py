"""An order of any number of payments is answered in pages of bounded size."""

import re
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.builders import (
    SHOP_ID,
    UUID,
    a_form_call,
    an_answer,
    example,
    form_body,
    minutes,
    receive,
    rest_body,
)
from tests.queries.filling import follow
from tests.web.asking import AT, Asking
from tests.web.pages.visiting import Visiting, add_users

PAYMENTS, IN_ONE_CALL = 3_000, 50
BYTES_MAX, DEFAULT_BYTES_MAX = 4_000_000, 1_000_000
MEMORY_MAX = 60_000_000
ORDER = f"{AT}/orders/long"


def pages(api: Asking, path: str) -> Iterator[dict[str, Any]]:
    """Ask for every page, by the links of the answers."""
    while path:
        response = api.call(path)
        assert response.status_code == 200, response.text
        assert len(response.data) <= BYTES_MAX
        yield response.get_json()
        path = response.headers.get("Link", "").partition(">")[0].removeprefix("<")


def receive_many(api: Asking) -> None:
    for start in range(0, PAYMENTS, IN_ONE_CALL):
        answer = an_answer()
        (payment,) = answer["transactions"]
        answer["orderDetails"]["orderId"] = "long"
        answer["transactions"] = [
            payment | {"uuid": f"{start + number:032x}"} for number in range(IN_ONE_CALL)
        ]
        receive(api.ledger, rest_body(answer))
    follow(api.ledger)


def test_thousands_of_payments_come_once_each_and_a_page_at_a_time(api: Asking) -> None:
    receive_many(api)

    items = list(pages(api, f"{ORDER}?limit=500"))
    histories = list(pages(api, f"{ORDER}/history?limit=500"))

    uuids = [payment["uuid"] for item in items for payment in item["transactions"]]
    assert uuids == [f"{number:032x}" for number in range(PAYMENTS)]
    positions = [event["position"] for page in histories for event in page["events"]]
    assert positions == list(range(1, PAYMENTS + 1))
    assert {item["balances"][0]["transactions"] for item in items} == {PAYMENTS}
    assert len({str(item["balances"]) for item in items}) == 1
    assert items[0]["version"] == items[0]["position"] == PAYMENTS
    assert memory_of(lambda: api.get(ORDER)) <= MEMORY_MAX
    for path in (ORDER, f"{ORDER}/history"):
        assert len(api.call(path).data) <= DEFAULT_BYTES_MAX


def memory_of(act: Callable[[], object]) -> int:
    """Return the most that is held while something is done. Units: bytes."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# -- pages of few ----------------------------------------------------------------------------------


@pytest.fixture
def refunded(api_on_sqlite: Asking) -> Asking:
    """Five payments, of which the first is given back, by name and by what is left."""
    for number in range(5):
        amounts = {"amount": str(1000 + number), "effective_amount": str(1000 + number)}
        uuid = f"{number:032x}"
        for status in ("AUTHORISED", "CAPTURED"):
            call = a_form_call(status, trans_uuid=uuid, order_id="long", **amounts)
            receive(api_on_sqlite.ledger, call)
    refund = {"trans_uuid": "f" * 32, "operation_type": "CREDIT", "order_id": "long"}
    amount = {"amount": "1004", "effective_amount": "1004"}
    receive(api_on_sqlite.ledger, a_form_call("CAPTURED", "MERCH_BO", **refund, **amount))
    follow(api_on_sqlite.ledger)
    return api_on_sqlite


@pytest.mark.parametrize("limit", [1, 2, 5, 6, 7])
@pytest.mark.parametrize("question", ["", "&as_of=2026-12-31"])
def test_pages_together_are_the_whole(refunded: Asking, limit: int, question: str) -> None:
    whole = refunded.get(ORDER)

    items = list(pages(refunded, f"{ORDER}?limit={limit}{question}"))

    assert len(items) == -(-6 // limit)
    assert [payment for item in items for payment in item["transactions"]] == whole["transactions"]
    assert items[-1]["next_cursor"] is None
    for item in [*items, whole]:
        item["summary"].pop("text")  # which says as of when
    shared = whole.keys() - {"transactions", "next_cursor", "undecided"}
    for item in items:
        assert {name: item[name] for name in shared} == {name: whole[name] for name in shared}


def test_a_refund_is_linked_to_a_payment_of_another_page(refunded: Asking) -> None:
    *_, last = pages(refunded, f"{ORDER}?limit=1")

    (refund,) = last["transactions"]
    assert refund["original"] == {"uuid": f"{4:032x}", "certainty": "inferred"}


@pytest.mark.parametrize("limit", [1, 3, 11, 12])
def test_pages_of_a_history_together_are_the_whole(refunded: Asking, limit: int) -> None:
    for path in (f"{ORDER}/history", f"{AT}/transactions/{0:032x}/history"):
        whole = refunded.get(path)

        parts = list(pages(refunded, f"{path}?limit={limit}"))

        assert [event for part in parts for event in part["events"]] == whole["events"]
        assert whole["next_cursor"] is parts[-1]["next_cursor"] is None
        assert all(len(part["events"]) <= limit for part in parts)


def test_a_history_is_told_in_pages_as_of_an_instant(refunded: Asking) -> None:
    as_of = "as_of=2026-11-23T12:00:04Z"

    events = [
        event["position"]
        for page in pages(refunded, f"{ORDER}/history?{as_of}&limit=2")
        for event in page["events"]
    ]

    assert events == [1, 2, 3, 4, 5]
    assert refunded.call(f"{ORDER}/history?as_of=2026-11-01").status_code == 404
    assert refunded.call(f"{ORDER}?as_of=2026-11-01").status_code == 404


def test_histories_of_aliases_and_subscriptions_are_paged_too(api_on_sqlite: Asking) -> None:
    plan = example("form-v2", "subscription-created")["fields"]
    receive(api_on_sqlite.ledger, form_body(plan))
    attempts = example("form-v2", "subscription-installment-accepted")["fields"]
    for number in range(3):
        more = {"vads_trans_uuid": f"{number:032x}", "vads_recurrence_number": str(number + 1)}
        receive(api_on_sqlite.ledger, form_body(attempts | more))

    for kind, name in (
        ("aliases", plan["vads_identifier"]),
        ("subscriptions", plan["vads_subscription"]),
    ):
        whole = api_on_sqlite.get(f"{AT}/{kind}/{name}/history")["events"]
        parts = pages(api_on_sqlite, f"{AT}/{kind}/{name}/history?limit=1")
        assert [event for part in parts for event in part["events"]] == whole
    assert len(whole) == 4


def test_behind_the_end_there_is_an_empty_page(refunded: Asking) -> None:
    item = refunded.get(f"{ORDER}?cursor=999")
    history = refunded.get(f"{ORDER}/history?cursor=999")

    assert (item["transactions"], item["next_cursor"]) == ([], None)
    assert item["balances"] == refunded.get(ORDER)["balances"]
    assert (history["events"], history["next_cursor"]) == ([], None)


@pytest.mark.parametrize("question", ["cursor=x", "cursor=-1", "limit=0", "limit=501", "cursor="])
def test_what_is_no_page_is_refused(refunded: Asking, question: str) -> None:
    for path in (ORDER, f"{ORDER}/history", f"{AT}/transactions/{0:032x}/history"):
        assert refunded.call(f"{path}?{question}").status_code == 422


def test_each_page_has_a_tag_of_its_own_state(refunded: Asking) -> None:
    path = f"{ORDER}/history?limit=11"
    tag = refunded.call(path).headers["ETag"]
    same = refunded.call(path, headers={"If-None-Match": tag})
    receive(refunded.ledger, a_form_call("CANCELLED", trans_uuid=f"{0:032x}", order_id="long"))

    changed = refunded.call(path, headers={"If-None-Match": tag})

    assert (same.status_code, changed.status_code) == (304, 200)
    assert changed.get_json()["next_cursor"] == "11"


def test_the_page_of_an_order_leads_to_the_next_one(
    refunded: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.pages.order.TRANSACTIONS_MAX", 4)
    visiting = a_visitor(refunded)
    address = f"/test/shops/{SHOP_ID}/orders/long"

    first = visiting.get(address).text
    onward = first.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
    second = visiting.get(onward).text

    listed = [f"/transactions/{number:032x}" for number in range(5)]
    table = [text.partition('class="history"')[0] for text in (first, second)]
    assert [name in table[0] for name in listed] == [True] * 4 + [False]
    assert [name in table[1] for name in listed] == [False] * 4 + [True]
    assert 'rel="next"' not in second
    assert visiting.get(f"{address}?cursor=x").status_code == 422
    assert UUID not in first


@pytest.mark.parametrize("name", ["orders/long", f"transactions/{0:032x}"])
def test_the_history_on_a_page_is_read_back_to_its_beginning(
    refunded: Asking, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("web.pages.history_lines.LINES_MAX", 4)
    visiting = a_visitor(refunded)
    whole = [event["position"] for event in refunded.get(f"{AT}/{name}/history")["events"]]
    address, shown = f"/test/shops/{SHOP_ID}/{name}", list[int]()

    while address:
        page = visiting.get(address)
        assert page.status_code == 200
        lines = [int(position) for position in re.findall(r'id="event-(\d+)"', page.text)]
        assert len(lines) <= 4
        shown = lines + shown
        onward = page.text.partition('rel="next"')
        address = onward[0].rpartition('href="')[2].partition('"')[0] if onward[1] else ""

    assert shown == whole
    assert visiting.get(f"/test/shops/{SHOP_ID}/{name}?before=x").status_code == 422


def a_visitor(api: Asking) -> Visiting:
    visiting = Visiting(api.ledger, now=minutes(9))
    add_users(api.ledger, minutes(9))
    visiting.sign_in("auditor")
    return visiting
