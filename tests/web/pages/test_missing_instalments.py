"""A subscription's page marks the months of its plan of which nothing was heard."""

from datetime import date, datetime
from typing import Any

import pytest

from ledger.queries.schedules import monthly_plan
from tests.builders import a_form_call, receive
from tests.web.pages.payments import AT, text_of_content
from tests.web.pages.visiting import Visiting

RULE = "RRULE:FREQ=MONTHLY;COUNT=12;BYMONTHDAY=1"


def hear(visit: Visiting, *months: int, rule: str = RULE) -> str:
    """A plan from January on, and the instalments of these months; the page in June."""
    plan: dict[str, Any] = {"subscription": "a plan", "identifier": "an alias"}
    opening = {"recurrence_status": "CREATED", "operation_type": "VERIFICATION"}
    terms = {"sub_desc": rule, "sub_effect_date": "20260101", "sub_amount": "500"}
    opened = plan | opening | terms | {"sub_currency": "978", "trans_uuid": "e" * 32}
    receive(visit.ledger, a_form_call(**opened))
    for month in months:
        made = {"effective_creation_date": f"2026{month:02}01090000", "trans_uuid": f"{month:032x}"}
        receive(visit.ledger, a_form_call(recurrence_number=str(month), **plan, **made))
    visit.now = datetime.fromisoformat("2026-06-15T09:00:00Z")
    visit.sign_in("auditor")
    return visit.get(f"{AT}/subscriptions/a plan").text


def test_a_month_without_an_instalment_is_no_empty_one(own_pages: Visiting) -> None:
    page = hear(own_pages, 1, 2, 3)

    content = text_of_content(page)
    assert page.count('class="missed"') == 2  # April and May; June is not over
    assert "Every month, 12 times, on day 1 of the month." in content
    assert "Instalment 1 · 00000000 · Created 1 Jan 2026, 09:00:00 UTC" in content
    assert "2 instalments are missing: nothing was heard of them." in content


@pytest.mark.parametrize("rule", [RULE, "RRULE:FREQ=WEEKLY;COUNT=3", "monthly"])
def test_nothing_is_missing_that_came_or_that_nobody_can_count(
    own_pages: Visiting, rule: str
) -> None:
    page = hear(own_pages, *(range(1, 6) if rule == RULE else [1]), rule=rule)

    assert 'class="missed"' not in page


def test_a_plan_ends_with_its_count() -> None:
    plan = monthly_plan("RRULE:FREQ=MONTHLY;INTERVAL=6;COUNT=3")
    assert plan is not None

    months = list(plan.months(date(2025, 9, 15), date(2099, 1, 1)))

    assert months == [(2025, 9), (2026, 3), (2026, 9)]


@pytest.mark.parametrize(
    "schedule", [None, "", "RRULE:FREQ=MONTHLY;COUNT=0", "RRULE:FREQ=MONTHLY;UNTIL=20260101"]
)
def test_a_plan_that_cannot_be_counted_is_none(schedule: str | None) -> None:
    assert monthly_plan(schedule) is None
