"""Histories: every event with its two clocks and its evidence, as known on any day."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import text

from ledger.access.log import accesses
from ledger.access.users import add_user
from ledger.shops import Shops
from tests.builders import (
    NOON,
    OTHER_SHOP_ID,
    SHOP_ID,
    UUID,
    a_form_call,
    a_rest_call,
    receive,
)
from tests.lists.filling import follow
from tests.pages.visiting import PASSWORD, Visiting
from tests.states import every_event

AT = f"/test/shops/{SHOP_ID}"
PAYMENT = f"{AT}/transactions/{UUID}"
REFUND = "b2" * 16
DUPLICATE = "c3" * 16
PLURALS = {"transaction": "transactions", "alias": "aliases", "subscription": "subscriptions"}
KINDS = set(PLURALS)


@pytest.fixture
def visit(own_pages: Visiting) -> Visiting:
    """A payment that was captured, told in two calls; an auditor has signed in."""
    return tell_of_a_payment(own_pages)


def tell_of_a_payment(visit: Visiting) -> Visiting:
    created = (NOON - timedelta(minutes=14)).isoformat()
    receive(visit.ledger, a_rest_call("AUTHORISED", NOON, creationDate=created))
    receive(visit.ledger, a_rest_call("CAPTURED", NOON + timedelta(hours=1)))
    follow(visit.ledger)
    visit.sign_in("auditor")
    return visit


def words(page: str) -> str:
    """What a reader reads of the page's content, without what only paper shows."""
    content = page.partition('<main id="main"')[2].partition("<footer")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", content).split())


def again(visit: Visiting, name: str) -> Visiting:
    """The same ledger, visited by somebody else."""
    other = Visiting(visit.ledger)
    other.sign_in(name)
    return other


def known_at(visit: Visiting, number: int) -> str:
    """The instant at which an event became known, as the page's slider asks for it."""
    return re.findall(r'data-as-of="([^"]+)"', visit.get(PAYMENT).text)[number]


def test_every_object_and_event_of_any_story_has_its_page(pages: Visiting) -> None:
    pages.sign_in("operator")
    events = [one for one in every_event(pages.ledger) if one.event.mode == "TEST"]
    first = [one for one in events if one.event.originator_version == 1]
    assert {one.event.aggregate_class.KIND for one in first} == KINDS

    for one in first:
        event = one.event
        at = f"/test/shops/{event.shop_id}"
        kind = event.aggregate_class.KIND
        name = getattr(event, "subscription_id", "") or event.reference
        addresses = [f"{at}/events/{one.position}/evidence"]
        if "/" not in name and len(name) < 100:
            addresses.append(f"{at}/{PLURALS[kind]}/{quote(name, safe='')}")
        for address in addresses:
            alias = {"alias": event.alias} if kind == "subscription" else {}
            page = pages.get(address, query_string=alias)
            assert page.status_code == 200, address
            assert 'role="alert"' not in page.text, address
            assert page.text.rstrip().endswith("</html>"), address


def test_each_event_is_a_sentence_with_what_it_changed(visit: Visiting) -> None:
    told = words(visit.get(PAYMENT).text)

    assert "Payment accepted, 14 minutes late" in told
    assert "Happened 23 Nov 2026, 11:46:00 UTC Known 23 Nov 2026, 12:00:0" in told
    assert "Status Authorised → became Captured" in told
    assert told.count("✓ Signature verified again just now") == 2


def test_the_state_is_told_as_known_then(visit: Visiting) -> None:
    told = words(visit.get(PAYMENT, query_string={"as_of": known_at(visit, 0)}).text)

    assert "As known on 23 Nov 2026" in told
    assert "1 event became known later." in told
    assert "became Captured" not in told
    assert "Authorised AUTHORISED" in told


def test_a_day_means_its_end_in_the_zone_of_the_address(visit: Visiting) -> None:
    in_utc = visit.get(PAYMENT, query_string={"as_of": "2026-11-23"})
    in_noumea = visit.get(
        PAYMENT, query_string={"as_of": "2026-11-22", "days_in": "Pacific/Noumea"}
    )

    assert (in_utc.status_code, in_noumea.status_code) == (200, 404)
    assert "Nothing became known since." in words(in_utc.text)
    assert "Nothing was known of it on 22 Nov 2026, 12:59:59 UTC" in words(in_noumea.text)


@pytest.mark.parametrize(
    "asked",
    [{"as_of": "yesterday"}, {"as_of": "2026-13-40"}, {"asof": "2026-11-23"}, {"days_in": "x"}],
)
def test_a_question_that_cannot_be_read_never_tells_of_today(
    visit: Visiting, asked: dict[str, str]
) -> None:
    answer = visit.get(PAYMENT, query_string=asked)

    assert answer.status_code == 422
    assert "Captured" not in words(re.sub(r"<datalist.*?</form>", "", answer.text, flags=re.S))


def test_late_and_contradicting_news_is_marked(visit: Visiting) -> None:
    receive(visit.ledger, a_rest_call("REFUSED", NOON + timedelta(hours=2)))
    receive(visit.ledger, a_rest_call("WAITING_AUTHORISATION", NOON - timedelta(hours=2)))

    told = words(visit.get(PAYMENT).text)

    assert "contradicts what was known" in told
    assert "late: newer was known" in told
    assert "Status Refused reported, not applied" in told
    assert "Status Waiting for authorisation reported, not applied" in told


def test_what_was_never_seen_before_is_marked(visit: Visiting) -> None:
    receive(visit.ledger, a_form_call("NEVER_SEEN", trans_uuid=REFUND, sequence_number="soon"))

    told = words(visit.get(f"{AT}/transactions/{REFUND}").text)

    assert "never seen before vads_trans_status vads_sequence_number" in told


def test_relatives_are_one_click_away(own_pages_anywhere: Visiting) -> None:
    visit = tell_of_a_payment(own_pages_anywhere)
    ledger = visit.ledger
    for uuid, operation in ((REFUND, "CREDIT"), (DUPLICATE, "DEBIT")):
        details = {"parentTransactionUuid": UUID}
        more: dict[str, Any] = {"uuid": uuid, "operationType": operation}
        receive(ledger, a_rest_call("CAPTURED", NOON, transactionDetails=details, **more))
    follow(ledger)

    of_payment, of_refund = (visit.get(f"{AT}/transactions/{one}").text for one in (UUID, REFUND))

    assert re.search(rf"<h3>Refunds</h3>.{{0,200}}/transactions/{REFUND}", of_payment, re.S)
    assert re.search(rf"<h3>Duplicates</h3>.{{0,200}}/transactions/{DUPLICATE}", of_payment, re.S)
    assert re.search(rf"<h3>Gives back</h3>.{{0,200}}/transactions/{UUID}", of_refund, re.S)
    assert "as the platform states" in of_refund
    assert f'href="{AT}/orders/' in of_payment


def test_relatives_are_told_as_known_then_too(visit: Visiting) -> None:
    receive(visit.ledger, a_rest_call("CAPTURED", NOON, uuid=REFUND, operationType="CREDIT"))
    follow(visit.ledger)

    now, then = (
        visit.get(PAYMENT, query_string=asked).text for asked in ({}, {"as_of": known_at(visit, 1)})
    )

    assert "the only one that can be meant" in words(now)
    assert f"/transactions/{REFUND}" not in then


def test_a_page_without_its_views_still_tells_the_history(visit: Visiting) -> None:
    with visit.ledger.database.begin() as connection:
        connection.execute(text("UPDATE generations SET state = 'retired'"))

    told = words(visit.get(PAYMENT).text)

    assert "the view of orders is not built" in told
    assert "became Captured" in told


def test_an_order_tells_its_money_and_the_joint_timeline(visit: Visiting) -> None:
    more = {"trans_uuid": REFUND, "operation_type": "CREDIT", "order_id": "an order"}
    receive(visit.ledger, a_form_call("CAPTURED", trans_uuid=DUPLICATE, order_id="an order"))
    receive(visit.ledger, a_form_call("AUTHORISED", amount="500", effective_amount="500", **more))
    follow(visit.ledger)

    page = visit.get(f"{AT}/orders/an order")
    told = words(page.text)

    assert "Refunded €5.00 Open €0.00" in told
    assert re.search("History.*Payment accepted.*Refund issued", told)
    assert f"gives back {DUPLICATE[:8]} , the only one that can be meant" in told
    assert "2 events" in told


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
    assert "Instalment refused" in words(page)
    assert "Instalment 3" in words(page)


def test_subscriptions_of_one_id_are_told_apart_by_the_search(visit: Visiting) -> None:
    for uuid, alias in ((REFUND, "one"), (DUPLICATE, "other")):
        plan = {"recurrence_status": "CREATED", "operation_type": "VERIFICATION"}
        names = {"subscription": "a plan", "identifier": alias, "trans_uuid": uuid}
        receive(visit.ledger, a_form_call(**plan, **names))
    follow(visit.ledger)

    led = visit.get(f"{AT}/subscriptions/a plan", follow_redirects=True)
    one = visit.get(f"{AT}/subscriptions/a plan?alias=one")

    assert "Several things have this name" in led.text
    assert one.status_code == 200


# -- evidence ---------------------------------------------------------------------------------


def test_the_body_is_for_those_who_may_see_it_and_that_is_logged(visit: Visiting) -> None:
    as_auditor = visit.get(f"{AT}/events/1/evidence").text
    as_personal = again(visit, "auditor-personal").get(f"{AT}/events/1/evidence").text

    assert "kr-answer" not in as_auditor
    assert "kr-answer" in as_personal
    with visit.ledger.database.connect() as connection:
        (line,) = accesses(connection, limit=9, kind="evidence")
    assert (line.token_name, line.reference, line.shop_id) == ("auditor-personal", "1", SHOP_ID)


def test_an_event_of_another_shop_or_mode_is_not_found(visit: Visiting) -> None:
    for path in (f"/test/shops/{OTHER_SHOP_ID}", f"/production/shops/{SHOP_ID}"):
        assert visit.get(f"{path}/events/1/evidence").status_code == 404
    assert visit.get(f"{AT}/events/999/evidence").status_code == 404


def test_a_reader_of_another_shop_sees_nothing_of_it(visit: Visiting) -> None:
    with visit.ledger.database.begin() as connection:
        more: dict[str, Any] = {"role": "auditor", "shops": [OTHER_SHOP_ID], "now": visit.now}
        add_user(connection, name="elsewhere", password=PASSWORD, **more)
    elsewhere = again(visit, "elsewhere")

    for path in (PAYMENT, f"{AT}/events/1/evidence"):
        assert elsewhere.get(path).status_code == 403


def test_a_key_that_has_left_is_said(visit: Visiting) -> None:
    visit.ledger.shops = Shops(
        {id_: replace(shop, keys=()) for id_, shop in visit.ledger.shops.shop_by_id.items()}
    )

    assert "its key has left the shops file" in words(visit.get(PAYMENT).text)


def test_a_changed_body_is_said(visit: Visiting) -> None:
    with visit.ledger.database.begin() as connection:
        connection.execute(text("DROP TRIGGER notifications_refuse_update"))
        connection.execute(text("UPDATE notifications SET body = x'00'"))

    told = words(visit.get(PAYMENT).text)

    assert told.count("✗ Signature does not verify · the body is not the one that arrived") == 2
    assert "✗" in visit.get(f"{AT}/events/1/evidence").text


# -- a fault while a page is made ----------------------------------------------------------------


def test_a_page_that_cannot_be_made_is_an_error_page_with_its_status(visit: Visiting) -> None:
    with visit.ledger.database.begin() as connection:
        connection.execute(text("ALTER TABLE notifications RENAME TO elsewhere"))

    page = visit.get(PAYMENT)

    assert page.status_code == 503
    assert "Not available now" in page.text
    assert "history-title" not in page.text


def test_a_fault_while_a_template_is_rendered_is_an_error_page_too(visit: Visiting) -> None:
    def fail(_: object) -> str:
        raise KeyError("a bug, with jo@example.org")

    visit.app.jinja_env.filters["rule"] = fail

    page = visit.get(PAYMENT)

    assert page.status_code == 500
    assert "Something went wrong here" in page.text
    assert "jo@example.org" not in page.text
