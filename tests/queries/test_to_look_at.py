"""What there is to look at: each entry counts what the list behind it shows, and nothing else."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from ledger.application import Ledger
from ledger.queries import to_look_at as looking
from ledger.queries.activity import Scope
from ledger.queries.filter_declarations import TransactionFilter
from ledger.queries.lists import TRANSACTIONS, list_page
from ledger.queries.look_at import Gaps, LookAt, LookAtCode
from ledger.queries.to_look_at import to_look_at
from tests.builders import (
    MORNING,
    NOON,
    OTHER_SHOP_ID,
    SHOP_ID,
    a_form_call,
    a_ledger,
    a_rest_call,
    a_shop,
    minutes,
    receive,
    shops,
)
from tests.conftest import opened
from tests.projections.helpers import follow
from tests.projections.suspecting import notified

BOTH = (SHOP_ID, OTHER_SHOP_ID)


@pytest.fixture
def ledger(sqlite_url: str) -> Iterator[Ledger]:
    with opened(sqlite_url) as database:
        yield a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID)))


def look(
    ledger: Ledger,
    *,
    after_days: float = 1,
    shops: tuple[str, ...] = BOTH,
    is_limited: bool = False,
) -> dict[LookAtCode, LookAt]:
    """What counts something, so many days later; shops that call often enough are left out."""
    follow(ledger)
    scope = Scope("TEST", shops, is_limited)
    with ledger.database.connect() as connection:
        entries = to_look_at(connection, scope, NOON + timedelta(days=after_days), Gaps())
    by_code = {entry.code: entry for entry in entries if entry.count != 0}
    by_code.pop(LookAtCode.SHOPS_SILENT, None)
    return by_code


def test_nothing_is_to_be_looked_at_in_a_ledger_that_heard_what_it_should(ledger: Ledger) -> None:
    receive(ledger, a_rest_call("CAPTURED", minutes(1)))

    assert look(ledger) == {}


def test_a_payment_under_verification_waits_too_long_after_three_whole_days(
    ledger: Ledger,
) -> None:
    notified(ledger, "a", "UNDER_VERIFICATION")

    assert LookAtCode.VERIFICATION_TOO_LONG not in look(ledger, after_days=3)
    entry = look(ledger, after_days=4)[LookAtCode.VERIFICATION_TOO_LONG]
    assert (entry.count, entry.is_bounded) == (1, False)
    assert entry.oldest_at is not None
    assert entry.oldest_at.date() == NOON.date()
    assert isinstance(entry.filters, TransactionFilter)
    with ledger.database.connect() as connection:
        (listed,) = list_page(connection, TRANSACTIONS, entry.filters).items
    assert listed["uuid"] == "a" * 32


@pytest.mark.parametrize(
    ("status", "overdue"),
    [
        ("WAITING_AUTHORISATION", LookAtCode.AUTHORISATION_OVERDUE),
        ("AUTHORISED_TO_VALIDATE", LookAtCode.VALIDATION_OVERDUE),
        ("AUTHORISED", None),
    ],
)
def test_a_capture_day_that_has_passed_is_overdue_where_news_would_have_come(
    ledger: Ledger, status: str, overdue: LookAtCode | None
) -> None:
    capture_at = (MORNING + timedelta(days=1)).isoformat()
    notified(ledger, "a", status, capture_at=capture_at)

    assert list(look(ledger, after_days=9)) == ([] if overdue is None else [overdue])


@pytest.mark.parametrize(
    ("later", "count"),
    [({}, 1), ({"status": "CAPTURED"}, 0), ({"status": "CAPTURED", "amount": 1}, 1)],
)
def test_a_refused_refund_is_to_be_retried_until_as_much_is_refunded(
    ledger: Ledger, later: dict[str, str | int], count: int
) -> None:
    notified(ledger, "a", "CAPTURED")
    notified(ledger, "b", "REFUSED", parent="a", operationType="CREDIT", number=2)
    if later:
        more = {"operationType": "CREDIT", "parent": "a", "number": 3, "after_days": 0.1}
        notified(ledger, "c", **more, **later)  # type: ignore[arg-type]  # changes of any kind

    entry = look(ledger).get(LookAtCode.REFUNDS_TO_RETRY)

    references = [] if entry is None else [each["reference"] for each in entry.objects]
    assert references == ["b" * 32] * count


def test_a_month_of_a_plan_without_an_instalment_is_missed(ledger: Ledger) -> None:
    plan = {"subscription": "a plan", "identifier": "an alias"}
    terms = {"sub_desc": "RRULE:FREQ=MONTHLY;COUNT=12;BYMONTHDAY=1", "sub_amount": "500"}
    opening = {"recurrence_status": "CREATED", "operation_type": "VERIFICATION"}
    opened_on = {"sub_effect_date": f"{NOON:%Y%m}01", "sub_currency": "978"}
    receive(ledger, a_form_call(**plan, **terms, **opening, **opened_on))

    entry = look(ledger, after_days=60)[LookAtCode.INSTALMENTS_MISSED]

    assert entry.count == 2
    assert entry.oldest_at is not None
    assert entry.oldest_at.date() == date(NOON.year, NOON.month, 1)
    assert [each["reference"] for each in entry.objects] == ["a plan"]


def test_a_contradiction_is_news_for_thirty_days(ledger: Ledger) -> None:
    receive(ledger, a_rest_call("CAPTURED", minutes(1)))
    receive(ledger, a_rest_call("REFUSED", minutes(2)))

    assert look(ledger, after_days=2)[LookAtCode.CONTRADICTIONS].count == 1
    assert LookAtCode.CONTRADICTIONS not in look(ledger, after_days=32)


def test_the_quarantine_grows_when_more_comes_than_in_the_week_before(ledger: Ledger) -> None:
    receive(ledger, b"hello=world", shop_id=SHOP_ID, mode="TEST")

    assert look(ledger, after_days=0)[LookAtCode.QUARANTINE_GROWS].count == 1
    assert LookAtCode.QUARANTINE_GROWS not in look(ledger, after_days=1)


def test_a_list_is_counted_for_one_page_and_says_that_there_is_more(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "LIMIT_MAX", 2)
    for number in "abc":
        notified(ledger, number, "UNDER_VERIFICATION", trans_id=f"41000{number}")

    entry = look(ledger, after_days=5)[LookAtCode.VERIFICATION_TOO_LONG]

    assert (entry.count, entry.is_bounded) == (2, True)


@pytest.mark.parametrize("seen", [(OTHER_SHOP_ID,), ()])
def test_nobody_counts_what_belongs_to_shops_that_he_does_not_see(
    ledger: Ledger, seen: tuple[str, ...]
) -> None:
    notified(ledger, "a", "UNDER_VERIFICATION")
    notified(ledger, "b", "REFUSED", operationType="CREDIT", number=2)
    receive(ledger, b"hello=world", shop_id=SHOP_ID, mode="TEST")

    assert look(ledger, after_days=9, shops=seen, is_limited=True) == {}


def test_gaps_are_those_that_reconciliation_has_found(ledger: Ledger) -> None:
    scope, gaps = Scope("TEST", BOTH), Gaps(3, date(2026, 3, 1))
    with ledger.database.connect() as connection:
        (first, *_) = to_look_at(connection, scope, NOON, gaps)

    assert (first.code, first.count) == (LookAtCode.GAPS, 3)
    assert first.oldest_at is not None
    assert first.oldest_at.isoformat() == "2026-03-01T00:00:00+00:00"
