"""What was probably not told: each rule is raised by its own calls, and settled by them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.projections.suspect_rules import Suspicion
from ledger.reconciliation.completeness import DayState, completeness
from ledger.reconciliation.report_store import Scope
from ledger.simulator.signed_calls import synthetic_platform
from ledger.simulator.stories import STORIES
from ledger.simulator.undelivered_calls import Losses, calls_with_losses
from ledger.storage.database import Database
from tests.builders import MORNING, SHOP_ID, a_delivery, a_form_call, a_ledger, receive
from tests.projections.brute_force import expected
from tests.projections.helpers import all_rows, poison, rebuilt, rows
from tests.projections.suspecting import LONG_AFTER, notified, rules_of, suspected

MODE = "PRODUCTION"
Calls = list[dict[str, Any]]


def ledger_of_the_morning(database: Database) -> Ledger:
    return a_ledger(database, since=MORNING)


def lossy(database: Database, losses: Losses) -> Ledger:
    """A ledger that received the platform's lives as they were called, but for the losses."""
    ledger = a_ledger(database)
    platform = synthetic_platform(ledger.shops, SHOP_ID, MODE)
    lives = list(STORIES.values())
    calls = list(calls_with_losses(platform, lives, losses, count=2 * len(lives)))
    ledger.receive_many(
        a_delivery(call.body, received_at=call.call.sent_at)
        for call, is_lost in calls
        if not is_lost
    )
    return ledger


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_at_no_loss_nothing_is_certain_however_late_one_looks(
    database: Database, seed: int
) -> None:
    ledger = lossy(database, Losses(seed=seed))

    items = suspected(ledger)

    assert [item for item in items if item["certainty"] == Suspicion.CERTAIN] == []
    assert items  # what has another explanation is not certain


@pytest.mark.parametrize("seed", [5, 6])
def test_what_was_lost_makes_certain_suspects(database: Database, seed: int) -> None:
    ledger = lossy(database, Losses(seed=seed, lost_share=0.1))

    certain = suspected(ledger, certainty=frozenset({"certain"}))

    assert len(certain) >= 3
    assert all_rows(ledger)["suspects"] == expected(ledger)["suspects"]


def test_without_the_back_office_rule_nothing_about_completeness_is_claimed(
    database: Database,
) -> None:
    ledger = lossy(database, Losses(seed=5, rules_off=frozenset({"back-office"})))

    items = suspected(ledger, certainty=frozenset({"certain"}))

    day = (MORNING - timedelta(days=400)).date()
    with database.connect() as connection:
        (known,) = completeness(connection, Scope(SHOP_ID, MODE, day, day))
    assert (known.day_state, known.score) == (DayState.UNPROVEN, None)
    assert {item["rule"] for item in items} <= {"authorisation-overdue", "status-overdue"}


WAITING = {"capture_at": "2026-03-12T09:15:02+00:00"}
RULES: dict[str, tuple[str, str, str, Calls, Calls]] = {
    "authorisation": (
        *("authorisation-overdue", "certain", "2026-03-15T00:00:00Z"),
        [{"uuid": "a", "status": "WAITING_AUTHORISATION", **WAITING}],
        [{"uuid": "a", "status": "AUTHORISED", "days": 5, "source": "BATCH_AUTO"}],
    ),
    "status": (
        *("status-overdue", "certain", "2026-03-20T09:00:00Z"),
        [{"uuid": "a", "status": "UNDER_VERIFICATION"}],
        [{"uuid": "a", "status": "CAPTURED", "days": 11, "source": "BATCH"}],
    ),
    "parent": (
        *("parent-never-told", "certain", "2026-03-10T10:15:00Z"),
        [{"uuid": "b", "parent": "a", "operationType": "CREDIT", "source": "MERCH_BO"}],
        [{"uuid": "a", "status": "CAPTURED", "days": 1}],
    ),
    "refund": (
        *("refund-without-payment", "certain", "2026-03-10T10:15:01Z"),
        [
            {"uuid": "c", "status": "REFUSED", "trans_id": "410002"},
            {"uuid": "b", "operationType": "CREDIT", "source": "MERCH_BO"},
        ],
        [{"uuid": "a", "status": "CAPTURED", "days": 1, "trans_id": "410003"}],
    ),
    "attempts": (
        *("sequence-gap", "certain", "2026-03-10T10:15:01Z"),
        [{"uuid": "a", "status": "REFUSED"}, {"uuid": "c", "number": 3}],
        [{"uuid": "b", "status": "REFUSED", "number": 2, "days": 1}],
    ),
    "parts": (
        *("sequence-gap", "likely", "2026-03-10T10:15:00Z"),
        [{"uuid": "b", "number": 2}],
        [{"uuid": "a", "days": 1}],
    ),
    "validation": (
        *("validation-overdue", "likely", "2026-03-13T00:00:00Z"),
        [{"uuid": "a", "status": "AUTHORISED_TO_VALIDATE", **WAITING}],
        [{"uuid": "a", "status": "AUTHORISED", "days": 5, "source": "MERCH_BO"}],
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_is_raised_by_its_calls_from_its_instant_on_and_settled(
    database: Database, name: str
) -> None:
    rule, certainty, due_at, raising, settling = RULES[name]
    ledger = ledger_of_the_morning(database)

    for call in raising:
        notified(ledger, **call)
    (suspect,) = suspected(ledger)
    (before,) = suspected(ledger, MORNING + timedelta(days=20))
    for call in settling:
        notified(ledger, **call)

    assert (suspect["rule"], suspect["certainty"], suspect["due_at"]) == (rule, certainty, due_at)
    assert before == suspect
    assert suspected(ledger, MORNING + timedelta(minutes=74)) == []
    assert suspected(ledger) == []
    assert all_rows(ledger) == expected(ledger)
    assert rebuilt(ledger, "suspects").is_identical


def an_instalment(number: str, uuid: str, **fields: str) -> bytes:
    """A call about one instalment of a subscription that was opened before we listened."""
    plan = {"recurrence_number": number, "subscription": "PLAN-1", "identifier": "ALIAS-1"}
    names = {"trans_uuid": uuid * 32, "trans_id": f"00000{number}", "occurrence_type": _REGULAR}
    return a_form_call(source="REC", **(names | plan | fields))


_REGULAR = "RECURRENT_INTERMEDIAIRE"


def test_a_gap_in_instalments_is_likely_until_it_is_filled(database: Database) -> None:
    ledger = ledger_of_the_morning(database)

    receive(ledger, an_instalment("7", "7"), received_at=MORNING)
    receive(ledger, an_instalment("9", "9"), received_at=MORNING)
    raised = suspected(ledger, rule=frozenset({"instalment-gap"}))
    receive(ledger, an_instalment("8", "8"), received_at=MORNING)

    assert rules_of(raised) == [("instalment-gap", "likely", "PLAN-1")]
    assert (raised[0]["alias"], raised[0]["missing_count"]) == ("ALIAS-1", 1)
    assert suspected(ledger, rule=frozenset({"instalment-gap"})) == []
    assert all_rows(ledger) == expected(ledger)


def test_hints_begin_with_the_second_month_of_a_shop(database: Database) -> None:
    ledger = a_ledger(database, since=MORNING, tick=timedelta(days=31))
    notified(ledger, "a", "CAPTURED", source="MERCH_BO")  # made before we listened
    young = suspected(ledger)

    notified(ledger, "b", "CAPTURED", source="MERCH_BO", order_id="CMD-2")
    receive(ledger, an_instalment("1", "7"))

    assert young == []
    rules = sorted(item["rule"] for item in suspected(ledger))
    assert rules == ["alias-never-made", "history-without-beginning", "subscription-never-opened"]


def test_what_is_doubtful_raises_nothing_and_settles(database: Database) -> None:
    ledger = ledger_of_the_morning(database)
    doubtful: dict[str, Any] = {"is_from_named_range": False, "received_at": MORNING}
    stuck = a_form_call("UNDER_VERIFICATION", trans_uuid="d" * 32, my_own_field="1")

    receive(ledger, stuck, **doubtful)
    notified(ledger, "b", parent="a", operationType="CREDIT", source="MERCH_BO")
    raised = rules_of(suspected(ledger))
    parent = a_form_call("CAPTURED", trans_uuid="a" * 32, trans_id="410009", my_own_field="1")
    receive(ledger, parent, **doubtful)

    assert raised == [("parent-never-told", "certain", "b" * 32)]
    assert suspected(ledger) == []
    assert all_rows(ledger) == expected(ledger)


def test_a_payment_of_another_shop_or_mode_settles_nothing(database: Database) -> None:
    ledger = ledger_of_the_morning(database)
    refund = notified(ledger, "b", parent="a", operationType="CREDIT", source="MERCH_BO")

    live = a_form_call("CAPTURED", trans_uuid="a" * 32, ctx_mode="PRODUCTION", order_id="CMD-1")
    receive(ledger, live, received_at=MORNING)

    assert rules_of(suspected(ledger)) == [("parent-never-told", "certain", refund)]


def test_attempts_before_the_last_are_silent_by_a_setting_so_that_nothing_is_certain(
    database: Database,
) -> None:
    ledger = ledger_of_the_morning(database)

    notified(ledger, "c", number=3)
    notified(ledger, "d", order_id="CMD-2", trans_id="410002")
    notified(ledger, "e", order_id="CMD-2", trans_id="410002", number=3)

    assert {item["certainty"] for item in suspected(ledger)} == {"likely"}
    assert [item["missing_count"] for item in suspected(ledger)] == [2, 1]


@pytest.mark.parametrize("capture_at", ["9998-12-31T23:59:59+00:00", "0002-01-01T00:00:00+00:00"])
def test_the_ends_of_the_calendar_stop_nothing(database: Database, capture_at: str) -> None:
    ledger = ledger_of_the_morning(database)

    notified(ledger, "a", "WAITING_AUTHORISATION", capture_at=capture_at)

    assert len(suspected(ledger)) == int(capture_at.startswith("0002"))
    assert poison(ledger, "suspects") == []


def test_a_payment_told_with_and_without_its_uuid_is_suspected_once(database: Database) -> None:
    ledger = ledger_of_the_morning(database)
    names = {"trans_id": "410001", "trans_date": "20260310090000", "sequence_number": "1"}
    names |= {"effective_creation_date": "20260310090000"}
    bodies: list[Callable[[], bytes]] = [
        lambda: a_form_call("UNDER_VERIFICATION", **names, trans_uuid=None),
        lambda: a_form_call("UNDER_VERIFICATION", **names, trans_uuid="a" * 32),
    ]

    for body in bodies:
        receive(ledger, body(), received_at=MORNING)

    assert rules_of(suspected(ledger)) == [("status-overdue", "certain", "a" * 32)]
    assert all_rows(ledger) == expected(ledger)


def test_rows_do_not_depend_on_when_one_looks(database: Database) -> None:
    ledger = ledger_of_the_morning(database)
    notified(ledger, "a", "UNDER_VERIFICATION")

    early = suspected(ledger, MORNING)
    stored = rows(ledger, "suspects")
    late = suspected(ledger, LONG_AFTER)

    assert (len(early), len(late)) == (0, 1)
    assert rows(ledger, "suspects") == stored
