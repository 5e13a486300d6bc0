"""Histories: every event with its two clocks and its evidence, as known on any day."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import text

from ledger.queries.filter_declarations import TransactionFilter
from ledger.queries.lists import TRANSACTIONS, list_page
from tests.builders import (
    NOON,
    UUID,
    a_form_call,
    a_rest_call,
    receive,
)
from tests.queries.filling import follow
from tests.states import every_event
from tests.web.pages.payments import AT, PAYMENT, receive_a_payment, text_of_content
from tests.web.pages.visiting import Visiting

REFUND = "b2" * 16
DUPLICATE = "c3" * 16
PLURALS = {"transaction": "transactions", "alias": "aliases", "subscription": "subscriptions"}
KINDS = set(PLURALS)


def known_at(visit: Visiting, number: int) -> str:
    """The instant at which an event became known, as the page's slider asks for it."""
    return re.findall(r'data-as-of="([^"]+)"', visit.get(PAYMENT).text)[number]


def test_every_object_of_any_story_has_its_page(pages: Visiting) -> None:
    """And an event of each type has its evidence."""
    pages.sign_in("operator")
    recorded = [entry for entry in every_event(pages.ledger) if entry.event.mode == "TEST"]
    created = [entry.event for entry in recorded if entry.event.originator_version == 1]
    entry_by_type = {entry.event.TOPIC: entry for entry in recorded}
    assert {event.aggregate_class.KIND for event in created} == KINDS

    addresses = [
        (f"/test/shops/{entry.event.shop_id}/events/{entry.position}/evidence", {})
        for entry in entry_by_type.values()
    ]
    addresses += [address_of(event) for event in created if is_short(event)]
    for address, query in addresses:
        page = pages.get(address, query_string=query)
        assert page.status_code == 200, address
        assert 'role="alert"' not in page.text, address
        assert page.text.rstrip().endswith("</html>"), address


def name_of(event: Any) -> str:
    return getattr(event, "subscription_id", "") or str(event.reference)


def is_short(event: Any) -> bool:
    """Return True if the name can stand in an address as it is."""
    return "/" not in name_of(event) and len(name_of(event)) < 100


def address_of(event: Any) -> tuple[str, dict[str, str]]:
    kind = event.aggregate_class.KIND
    path = f"/test/shops/{event.shop_id}/{PLURALS[kind]}/{quote(name_of(event), safe='')}"
    return path, {"alias": event.alias} if kind == "subscription" else {}


def test_each_event_is_a_sentence_with_what_it_changed(visit: Visiting) -> None:
    content = text_of_content(visit.get(PAYMENT).text)

    assert "Payment accepted · known 14 minutes later" in content
    assert "Occurred 23 Nov 2026, 11:46:00 UTC Known to us 23 Nov 2026, 12:00:0" in content
    assert "Status Authorised → became Captured" in content
    assert content.count("✓ Signature verified again just now") == 2


def test_the_state_is_told_as_known_then(visit: Visiting) -> None:
    content = text_of_content(visit.get(PAYMENT, query_string={"as_of": known_at(visit, 0)}).text)

    assert re.search(r"As known on 23 Nov 2026, \S+ UTC · #1 ", content)  # two may share a second
    assert "1 event became known later." in content
    assert "became Captured" not in content
    assert "Authorised AUTHORISED" in content


def test_a_day_means_its_end_in_the_zone_of_the_address(visit: Visiting) -> None:
    in_utc = visit.get(PAYMENT, query_string={"as_of": "2026-11-23"})
    in_noumea = visit.get(
        PAYMENT, query_string={"as_of": "2026-11-22", "days_in": "Pacific/Noumea"}
    )

    assert (in_utc.status_code, in_noumea.status_code) == (200, 404)
    assert "Nothing became known since." in text_of_content(in_utc.text)
    assert "Nothing was known of it on 22 Nov 2026, 12:59:59 UTC" in text_of_content(in_noumea.text)


@pytest.mark.parametrize(
    "query",
    [{"as_of": "yesterday"}, {"as_of": "2026-13-40"}, {"asof": "2026-11-23"}, {"days_in": "x"}],
)
def test_a_question_that_cannot_be_read_never_tells_of_today(
    visit: Visiting, query: dict[str, str]
) -> None:
    answer = visit.get(PAYMENT, query_string=query)

    assert answer.status_code == 422
    assert "Captured" not in text_of_content(
        re.sub(r"<datalist.*?</form>", "", answer.text, flags=re.S)
    )


def test_late_and_contradicting_news_is_marked(visit: Visiting) -> None:
    receive(visit.ledger, a_rest_call("REFUSED", NOON + timedelta(hours=2)))
    receive(visit.ledger, a_rest_call("WAITING_AUTHORISATION", NOON - timedelta(hours=2)))

    content = text_of_content(visit.get(PAYMENT).text)

    assert "contradicts what was known" in content
    assert "late: newer was known" in content
    assert "Status Refused received, not applied" in content
    assert "Status Waiting for authorisation received, not applied" in content


def test_what_was_never_seen_before_is_marked(visit: Visiting) -> None:
    receive(visit.ledger, a_form_call("NEVER_SEEN", trans_uuid=REFUND, sequence_number="soon"))

    content = text_of_content(visit.get(f"{AT}/transactions/{REFUND}").text)

    assert "never seen before vads_trans_status vads_sequence_number" in content


def test_relatives_are_one_click_away(own_pages_anywhere: Visiting) -> None:
    visit = receive_a_payment(own_pages_anywhere)
    ledger = visit.ledger
    for uuid, operation in ((REFUND, "CREDIT"), (DUPLICATE, "DEBIT")):
        details = {"parentTransactionUuid": UUID}
        more: dict[str, Any] = {"uuid": uuid, "operationType": operation}
        receive(ledger, a_rest_call("CAPTURED", NOON, transactionDetails=details, **more))
    follow(ledger)

    of_payment, of_refund = (visit.get(f"{AT}/transactions/{uuid}").text for uuid in (UUID, REFUND))

    assert re.search(rf"<h3>Refunds</h3>.{{0,200}}/transactions/{REFUND}", of_payment, re.S)
    assert re.search(rf"<h3>Duplicates</h3>.{{0,200}}/transactions/{DUPLICATE}", of_payment, re.S)
    assert re.search(rf"<h3>Refund of</h3>.{{0,200}}/transactions/{UUID}", of_refund, re.S)
    assert "stated by the platform" in of_refund
    assert f'href="{AT}/orders/' in of_payment


def test_relatives_are_told_as_known_then_too(visit: Visiting) -> None:
    receive(visit.ledger, a_rest_call("CAPTURED", NOON, uuid=REFUND, operationType="CREDIT"))
    follow(visit.ledger)

    now, then = (
        visit.get(PAYMENT, query_string=query).text for query in ({}, {"as_of": known_at(visit, 1)})
    )

    assert "deduced, only candidate" in text_of_content(now)
    assert f"/transactions/{REFUND}" not in then


def test_a_page_without_its_views_still_tells_the_history(visit: Visiting) -> None:
    with visit.ledger.database.begin() as connection:
        connection.execute(text("UPDATE generations SET state = 'retired'"))

    content = text_of_content(visit.get(PAYMENT).text)

    assert "the read model of orders is not built" in content
    assert "became Captured" in content


def test_an_order_tells_its_money_and_the_joint_timeline(visit: Visiting) -> None:
    more = {"trans_uuid": REFUND, "operation_type": "CREDIT", "order_id": "an order"}
    receive(visit.ledger, a_form_call("CAPTURED", trans_uuid=DUPLICATE, order_id="an order"))
    receive(visit.ledger, a_form_call("AUTHORISED", amount="500", effective_amount="500", **more))
    follow(visit.ledger)

    page = visit.get(f"{AT}/orders/an order")
    content = text_of_content(page.text)

    assert "Captured €29.90 Refunded €5.00 Net €24.90" in content
    assert re.search("History.*Payment accepted.*Refund issued", content)
    assert f"refund of {DUPLICATE[:8]} , deduced, only candidate" in content
    assert "2 events" in content


def test_a_subscription_shows_its_instalments_by_month(visit: Visiting) -> None:
    plan = {"subscription": "a plan", "identifier": "an alias"}
    receive(
        visit.ledger,
        a_form_call(
            trans_uuid=REFUND, recurrence_status="CREATED", operation_type="VERIFICATION", **plan
        ),
    )
    instalment = {"trans_uuid": DUPLICATE, "recurrence_number": "3"} | plan
    receive(visit.ledger, a_form_call("REFUSED", **instalment))

    page = visit.get(f"{AT}/subscriptions/a plan").text

    assert re.search(rf'class="pill bad" href="{AT}/transactions/{DUPLICATE}"', page)
    assert "Instalment refused" in text_of_content(page)
    assert "Instalment 3" in text_of_content(page)


def test_subscriptions_of_one_id_are_told_apart_by_the_search(visit: Visiting) -> None:
    for uuid, alias in ((REFUND, "one"), (DUPLICATE, "other")):
        plan = {"recurrence_status": "CREATED", "operation_type": "VERIFICATION"}
        names = {"subscription": "a plan", "identifier": alias, "trans_uuid": uuid}
        receive(visit.ledger, a_form_call(**plan, **names))
    follow(visit.ledger)

    led = visit.get(f"{AT}/subscriptions/a plan", follow_redirects=True)
    page = visit.get(f"{AT}/subscriptions/a plan?alias=one")

    assert "Several things have this name" in led.text
    assert page.status_code == 200


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("WAITING_AUTHORISATION", "Payment registered, authorisation to come"),
        ("AUTHORISED", "Payment accepted"),
    ],
)
def test_nothing_is_accepted_before_its_authorisation(
    own_pages: Visiting, status: str, sentence: str
) -> None:
    own_pages.sign_in("auditor")
    receive(own_pages.ledger, a_form_call(status=status, capture_delay="20"))

    (timeline,) = re.findall(r'<ol class="timeline">.*?</ol>', own_pages.get(PAYMENT).text, re.S)

    assert f"<h3>{sentence}" in timeline


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (20, "Capture due €29.90"),
        (0, "The capture was planned on "),
    ],
)
def test_an_order_of_an_ordinary_card_is_paid_though_no_capture_is_told(
    own_pages: Visiting, days: int, words: str
) -> None:
    made = own_pages.now - timedelta(days=1)
    fields = {
        "effective_creation_date": f"{made:%Y%m%d%H%M%S}",
        "presentation_date": f"{made + timedelta(days=days):%Y%m%d%H%M%S}",
    }
    receive(own_pages.ledger, a_form_call(order_id="an order", **fields))
    follow(own_pages.ledger)
    own_pages.sign_in("auditor")

    content = text_of_content(own_pages.get(f"{AT}/orders/an order").text)

    assert "Paid (authorised) €29.90 Captured not notified for cards" in content
    assert "Net €29.90" in content
    assert words in content
    own = text_of_content(own_pages.get(PAYMENT).text)
    assert ("capture due on " in own) == (days > 0)
    assert ("capture not notified" in own) == (days == 0)


def test_an_order_leads_to_its_subscription(pages: Visiting) -> None:
    pages.sign_in("auditor")
    filter_ = TransactionFilter(mode="test")
    with pages.ledger.database.connect() as connection:
        items = list_page(connection, TRANSACTIONS, filter_, limit=500).items
    item = next(
        each
        for each in items
        if each["order_id"] and (each["subscription_id"] or "").replace("-", "").isalnum()
    )

    page = pages.get(f"/test/shops/{item['shop_id']}/orders/{item['order_id']}").text

    href = f'href="/test/shops/{item["shop_id"]}/subscriptions/{item["subscription_id"]}'
    assert href in page


def test_a_page_speaks_the_language_of_each_reader_in_turn(visit: Visiting) -> None:
    order = f"{AT}/orders/CMD-2026-0001"

    pages = [
        visit.get(f"{order}?lang={code}", follow_redirects=True).text for code in ("en", "fr", "en")
    ]

    kinds = [re.findall(r'<p class="kind">(\w+)', page)[0] for page in pages]
    assert kinds == ["Order", "Commande", "Order"]
