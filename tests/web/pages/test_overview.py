"""The overview: what it counts, and what stands out."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from ulid import ULID

from ledger.access.users import add_user
from ledger.drift.catalogue import LEARNED_CALLS
from ledger.drift.follower import DriftIndex
from ledger.ipn import form_v2
from ledger.projections.engine.leadership import ProjectionRunner
from ledger.queries.activity import PastDays, Scope
from ledger.queries.notifications import waiting
from ledger.queries.readable import find_delivery
from ledger.storage.database import Database
from ledger.storage.tables import origin_secrets, quarantine
from tests.builders import OTHER_SHOP_ID, SHOP_ID, a_form_call, receive
from tests.drift.calling import a_call, tell
from tests.projections.test_standing_still import break_orders, let_time_pass
from tests.queries.filling import follow
from tests.web.pages.lately import NOW, Clock, a_lately_ledger
from tests.web.pages.visiting import PASSWORD, SETTINGS, Visiting, add_users

TODAY = NOW.date()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def visit(database: Database, clock: Clock) -> Visiting:
    """The pages of a ledger with two shops that has heard nothing, on each database."""
    ledger = a_lately_ledger(database, clock)
    add_users(ledger, clock.now)
    return Visiting(ledger, SETTINGS, now=NOW)


def hear(
    visit: Visiting, clock: Clock, at: datetime, *, body: bytes | None = None, **changes: Any
) -> str:
    """A payment made and heard of at this time, unless told otherwise."""
    clock.now = at
    made = f"{at:%Y%m%d%H%M%S}"
    facts = {"trans_uuid": f"{made:0>32}", "effective_creation_date": made, "trans_date": made}
    body = body or a_form_call(**(facts | changes))
    receipt = receive(visit.ledger, body, id=str(ULID.from_datetime(at)), received_at=at)
    clock.now = NOW
    follow(visit.ledger)
    return receipt.outcome


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def overview(visit: Visiting, name: str = "auditor", path: str = "/test") -> str:
    visit.sign_in(name)
    response = visit.get(path)
    assert response.status_code == 200
    return text_of(response.text)


def test_it_counts_notifications_payments_money_and_refusals(visit: Visiting, clock: Clock) -> None:
    body = a_form_call(
        trans_uuid="e" * 32, amount="1234", effective_amount="1234", currency="978",
        effective_creation_date="20260331090000",
    )  # fmt: skip
    hear(visit, clock, NOW - timedelta(hours=2), body=body)
    assert hear(visit, clock, NOW - timedelta(hours=1), body=body) == "repeated"
    hear(visit, clock, NOW - timedelta(days=3), status="REFUSED", auth_result="51")
    hear(visit, clock, NOW - timedelta(days=29), body=b"vads_site_id=12345678&vads_ctx_mode=TEST")
    hear(visit, clock, NOW - timedelta(days=40))

    page = overview(visit)

    assert "Notifications today 2 1 recorded · 1 repeated" in page
    assert "Payments today 1 1 accepted · 0 refused" in page
    assert "2 recorded, 1 repeated and 1 in quarantine in 30 days" in page
    assert "1 accepted and 1 refused in 30 days" in page
    assert "EUR €12.34 €12.34 –" in page
    assert "Insufficient funds 51 1" in page
    assert "In quarantine 1 what to do about them" in page
    assert "1 hour ago" in page
    assert "No notification for" not in page


@pytest.mark.parametrize(
    ("calls", "hours_ago", "words"),
    [
        (20, 7, None),
        (20, 9, "for 9 hours from Boutique du Port. The longest pause between its last 200 calls"),
        (2, 9, None),
        (2, 25, "for 1 day from Boutique du Port. If buyers"),
    ],
)
def test_a_shop_is_silent_when_it_pauses_for_longer_than_it_does(
    visit: Visiting, clock: Clock, calls: int, hours_ago: int, words: str | None
) -> None:
    for place in range(calls):  # one every four hours
        hear(visit, clock, NOW - timedelta(hours=hours_ago + 4 * place))

    page = overview(visit)

    assert "Librairie des Arts. The longest" not in page
    if words is None:
        assert "No notification for" not in page
    else:
        assert f"No notification {words}" in page


def test_one_silent_shop_is_told_though_others_call(visit: Visiting, clock: Clock) -> None:
    hear(visit, clock, NOW - timedelta(hours=30))
    body = a_form_call(site_id=OTHER_SHOP_ID, trans_uuid="d" * 32)
    assert hear(visit, clock, NOW - timedelta(minutes=1), body=body) == "recorded"

    page = overview(visit)

    assert "No notification for 1 day from Boutique du Port." in page
    assert "from Librairie des Arts" not in page


def test_a_view_that_stands_still_stands_out(visit: Visiting, clock: Clock) -> None:
    clock.now = datetime.now(UTC) - timedelta(hours=1)
    receive(visit.ledger, a_form_call())
    break_orders(visit.ledger)
    let_time_pass(visit.ledger)

    ProjectionRunner(visit.ledger, pause_seconds=0).follow_once()

    assert "1 read model stands still" in overview(visit)


def test_it_says_which_rules_to_switch_on(visit: Visiting, clock: Clock) -> None:
    hear(visit, clock, NOW - timedelta(hours=1))

    page = overview(visit)

    assert "Boutique du Port 12345678 7 kinds never arrived" in page
    assert "Switch on “IPN URL on batch change”." in page
    assert "Librairie des Arts 87654321 no notification yet" in page


def test_a_reader_of_one_shop_sees_nothing_of_others(visit: Visiting, clock: Clock) -> None:
    hear(visit, clock, NOW - timedelta(hours=1))
    hear(visit, clock, NOW - timedelta(hours=1), body=b"vads_site_id=12345678&vads_ctx_mode=TEST")
    with visit.ledger.database.begin() as connection:
        add_user(
            connection, name="one", password=PASSWORD, role="operator", now=NOW,
            shops=[OTHER_SHOP_ID],
        )  # fmt: skip

    page = overview(visit, "one")

    assert "Boutique du Port" not in page
    assert "Notifications today 0" in page
    assert "Payments today 0" in page
    assert "In quarantine 0 nothing waits" in page
    assert "Last notification none yet" in page


def test_days_are_those_of_the_reader_and_lead_to_their_lists(
    visit: Visiting, clock: Clock
) -> None:
    """In Paris it is the 31st from 22:00 UTC on, in summer."""
    yesterday = datetime(2026, 3, 30, 21, 59, 59, tzinfo=UTC)
    hear(visit, clock, yesterday, status="REFUSED", auth_result="51")
    hear(visit, clock, yesterday + timedelta(seconds=1), status="REFUSED", auth_result="51")
    hear(visit, clock, yesterday + timedelta(hours=1), status="AUTHORISED")

    utc = overview(visit)
    visit.get("/test?zone=Europe/Paris")
    page = visit.get("/test")

    assert "Notifications today 0" in utc
    assert "Notifications today 2" in text_of(page.text)
    assert "Payments today 1 1 accepted · 1 refused" in text_of(page.text)
    refused = re.findall(r'href="(/test/search[^"]+authorisation_result=51)"', page.text)
    today = re.findall(r'href="(/test/search[^"]+created_from=2026-03-31[^"]+)"', page.text)
    received = re.findall(
        r'href="(/test/notifications[^"]+received_from=2026-03-31[^"]+)"', page.text
    )
    for address, count in ((refused[0], 2), (today[0], 1), (received[0], 2)):
        listed = visit.get(address.replace("&amp;", "&"))
        assert listed.status_code == 200
        assert listed.text.partition("<tbody")[2].count("<tr ") == count, address


def test_past_days_are_counted_once_until_something_is_readmitted(
    visit: Visiting, clock: Clock
) -> None:
    database, past = visit.ledger.database, PastDays()
    scope = Scope("TEST", (SHOP_ID, OTHER_SHOP_ID))
    days = [TODAY - timedelta(days=back) for back in (2, 1, 0)]
    hear(visit, clock, NOW - timedelta(days=1))
    parameters: list[str] = []
    event.listen(
        database.engine,
        "before_cursor_execute",
        lambda *arguments: parameters.append(str(arguments[3])),
    )

    with database.connect() as connection:
        first = past.count(connection, scope, days, NOW)
        again = past.count(connection, scope, days, NOW)

    yesterday = str(ULID.from_datetime(datetime(2026, 3, 30, tzinfo=NOW.tzinfo)))[:10]
    assert [first[day]["recorded"] for day in days] == [0, 1, 0]
    assert again == first
    assert sum(yesterday in bound for bound in parameters) == 2  # arrivals, and later decisions

    hear(visit, clock, NOW - timedelta(days=2), body=forged())
    readmit_as_if_signed(visit, NOW - timedelta(days=2))
    with database.connect() as connection:
        assert past.count(connection, scope, days, NOW)[days[0]]["recorded"] == 1


def forged() -> bytes:
    return a_form_call(trans_uuid="f" * 32).replace(b"signature=", b"signature=x")


def readmit_as_if_signed(visit: Visiting, at: datetime) -> None:
    """Give the waiting delivery the signature that it lacked, and verify it again."""
    (id_,) = waiting(visit.ledger)
    assert id_.startswith(str(ULID.from_datetime(at))[:10])
    row = find_delivery(visit.ledger, id_)
    assert row is not None
    assert row.body is not None
    sealed = visit.ledger.sealing.seal(id_, row.body.replace(b"signature=x", b"signature="))
    of_row = origin_secrets.c.origin_id == id_
    with visit.ledger.database.begin() as connection:
        connection.execute(quarantine.update().values(body=sealed.body))
        locked = origin_secrets.update().where(of_row).values(body_secret=sealed.body_secret)
        connection.execute(locked)
    assert visit.ledger.readmit(id_).outcome == "recorded"


def test_what_is_verified_but_not_decided_stands_out_until_it_is(
    visit: Visiting, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> None:
        raise ValueError

    with monkeypatch.context() as patch:
        patch.setattr(form_v2, "translate", broken)
        assert hear(visit, clock, NOW - timedelta(days=2)) == "undecided"

    page = overview(visit, "operator")
    assert "1 verified notification is not decided yet." in page
    assert "0 recorded, 0 repeated, 1 not decided and 0 in quarantine in 30 days" in page

    assert "Not decided yet" in text_of(visit.get("/test/notifications").text)
    assert "Quarantine and undecided" in text_of(visit.get("/test/quarantine").text)
    preview = visit.get("/test/quarantine/readmit?reason=internal-error")
    assert "1 would be recorded" in text_of(preview.text)
    for id_ in waiting(visit.ledger):
        visit.ledger.readmit(id_)
    page = text_of(visit.get("/test").text)
    assert "not decided yet" not in page
    assert "1 recorded, 0 repeated and 0 in quarantine in 30 days" in page


@pytest.mark.parametrize(("name", "is_shown"), [("operator", True), ("auditor", False)])
def test_operators_are_told_of_a_proxy_that_is_not_trusted(
    visit: Visiting, name: str, is_shown: bool
) -> None:
    """Their own page has come through it."""
    visit.client.environ_base["HTTP_X_FORWARDED_FOR"] = "192.0.2.44"

    page = overview(visit, name)

    assert ("The proxy at 127.0.0.1 is not trusted." in page) == is_shown


def test_who_comes_without_a_proxy_is_told_of_none(visit: Visiting) -> None:
    assert "is not trusted" not in overview(visit, "operator")


def test_what_the_platform_sends_otherwise_stands_out(visit: Visiting) -> None:
    tell(visit.ledger, *(a_call() for _ in range(LEARNED_CALLS)), received_at=NOW)
    before = overview(visit)

    tell(visit.ledger, a_call(loyalty=1), received_at=NOW)
    DriftIndex(visit.ledger).catch_up()

    assert "otherwise than before" not in before
    assert "In the last 7 days 1 field or value was otherwise" in text_of(visit.get("/test").text)
    assert "otherwise than before" not in text_of(visit.get("/production").text)
