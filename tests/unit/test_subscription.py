"""What is believed of a subscription and its instalments, in any order of the calls."""

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest

from ledger.aggregates.subscription import Subscription
from ledger.application import Ledger
from ledger.errors import NotFoundError
from ledger.items import item
from ledger.storage.database import Database
from tests.builders import (
    SHOP_ID,
    a_ledger,
    an_answer,
    example,
    form_body,
    minutes,
    receive,
    rest_body,
)
from tests.conftest import opened

CREATED = example("form-v2", "subscription-created")["fields"]
INSTALMENT = example("form-v2", "subscription-installment-accepted")["fields"]
PLAN, ALIAS = CREATED["vads_subscription"], CREATED["vads_identifier"]
FIRST, SECOND = INSTALMENT["vads_trans_uuid"], "b2" * 16


@pytest.fixture
def ledger(sqlite_url: str) -> Iterator[Ledger]:
    with opened(sqlite_url) as database:
        yield a_ledger(database)


def told(base: dict[str, str], **changes: str | None) -> bytes:
    merged = base | {f"vads_{name}": value for name, value in changes.items()}  # type: ignore[operator]
    return form_body({name: one for name, one in merged.items() if one is not None})


def opened_plan(**changes: str | None) -> bytes:
    return told(CREATED, **changes)


def refused_plan(**changes: str | None) -> bytes:
    refused = {
        "recurrence_status": "NOT_CREATED",
        "identifier_status": None,
        "trans_status": "REFUSED",
        "trans_uuid": "c3" * 16,
    }
    return told(CREATED, **(refused | changes))


def instalment(
    uuid: str = FIRST, status: str = "AUTHORISED", source: str = "REC", **changes: str | None
) -> bytes:
    mine: dict[str, str | None] = {
        "trans_uuid": uuid,
        "trans_status": status,
        "url_check_src": source,
        "hash": f"{uuid[:8]}{status:_<20}{source}",
    }
    return told(INSTALMENT, **(mine | changes))


def history(ledger: Ledger, plan: str = PLAN, alias: str = ALIAS) -> list[Any]:
    return ledger.events.history(Subscription.id_of(SHOP_ID, "TEST", plan, alias))


def topics(ledger: Ledger) -> list[str]:
    return [one.event.TOPIC.removeprefix("subscription.") for one in history(ledger)]


def state(ledger: Ledger) -> dict[str, Any]:
    return item(history(ledger))


def instalments(ledger: Ledger) -> list[tuple[str, str, int]]:
    found = state(ledger)["instalments"]
    return [(one["transaction_uuid"], one["status"], one["amount_minor"]) for one in found]


def test_a_plan_is_told_with_its_terms(ledger: Ledger) -> None:
    receive(ledger, opened_plan())

    told = state(ledger)
    assert (told["status"], told["amount_minor"], told["currency"]) == ("CREATED", 1990, "EUR")
    assert (told["initial_amount_minor"], told["initial_amount_number"]) == (990, 2)
    assert (told["effect_on"], told["schedule"][:6]) == ("2026-04-10", "RRULE:")
    assert told["instalments"] == []


def test_the_payment_made_while_subscribing_is_no_instalment(ledger: Ledger) -> None:
    receive(ledger, opened_plan(operation_type="DEBIT", trans_status="AUTHORISED"))

    assert state(ledger)["instalments"] == []


def test_instalments_follow_their_transaction(ledger: Ledger) -> None:
    receive(ledger, opened_plan())

    receive(ledger, instalment(status="WAITING_AUTHORISATION"))
    receive(ledger, instalment(status="AUTHORISED", source="BATCH_AUTO"))
    receive(ledger, instalment(status="CAPTURED", source="BATCH", recurrence_number=None))

    assert topics(ledger)[1:] == ["instalment-accepted", *["instalment-progressed"] * 2]
    assert instalments(ledger) == [(FIRST, "CAPTURED", 990)]


def test_late_news_does_not_move_an_instalment_back(ledger: Ledger) -> None:
    receive(ledger, instalment(status="CAPTURED"))

    receive(ledger, instalment(status="AUTHORISED", auth_number="other"))

    assert instalments(ledger) == [(FIRST, "CAPTURED", 990)]


def test_every_attempt_at_an_instalment_is_kept(ledger: Ledger) -> None:
    receive(ledger, instalment(FIRST, "REFUSED", effective_creation_date="20260410013000"))
    receive(ledger, instalment(SECOND, effective_creation_date="20260411013000"))

    assert topics(ledger) == ["instalment-refused", "instalment-accepted"]
    assert instalments(ledger) == [(FIRST, "REFUSED", 990), (SECOND, "AUTHORISED", 990)]
    assert [one["number"] for one in state(ledger)["instalments"]] == [1, 1]


def test_an_instalment_told_again_is_a_repeat(ledger: Ledger) -> None:
    receive(ledger, opened_plan())
    receive(ledger, instalment())

    receipt = receive(ledger, instalment(source="RETRY"))

    assert receipt.outcome == "repeated"
    assert topics(ledger) == ["opened", "instalment-accepted"]


# -- opened and refused -----------------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
def test_a_refused_attempt_changes_nothing_of_an_opened_plan(
    ledger: Ledger, order: tuple[int, int]
) -> None:
    calls = (opened_plan(), refused_plan(sub_amount="5000", sub_effect_date="20270101"))

    for one in order:
        receive(ledger, calls[one])

    told = state(ledger)
    assert (told["status"], told["request"]) == ("CREATED", "CREATED")
    assert (told["amount_minor"], told["effect_on"]) == (1990, "2026-04-10")


@pytest.mark.parametrize("word", ["NOT_CREATED", "ABANDONED"])
def test_a_plan_that_was_only_refused_is_not_created(ledger: Ledger, word: str) -> None:
    receive(ledger, refused_plan(recurrence_status=word))

    assert topics(ledger) == ["refused"]
    assert (state(ledger)["status"], state(ledger)["amount_minor"]) == ("NOT_CREATED", 1990)


def test_an_instalment_proves_that_the_plan_exists(ledger: Ledger) -> None:
    receive(ledger, refused_plan())

    receive(ledger, instalment())

    assert state(ledger)["status"] == "CREATED"


def test_the_same_id_on_another_alias_is_another_plan(ledger: Ledger) -> None:
    receive(ledger, opened_plan())

    receive(ledger, instalment(identifier="d4" * 16))

    assert topics(ledger) == ["opened"]
    assert len(history(ledger, alias="d4" * 16)) == 1


# -- lost references --------------------------------------------------------------------------


def test_a_replay_without_its_subscription_is_found_by_alias_and_order(database: Database) -> None:
    ledger = a_ledger(database)
    receive(ledger, opened_plan())

    receive(ledger, instalment(source="RETRY", subscription=None))

    assert topics(ledger) == ["opened", "instalment-accepted"]
    assert instalments(ledger) == [(FIRST, "AUTHORISED", 990)]


def test_a_replay_of_a_known_instalment_needs_no_subscription(database: Database) -> None:
    ledger = a_ledger(database)
    receive(ledger, opened_plan())
    receive(ledger, instalment())

    receipt = receive(ledger, instalment(source="RETRY", subscription=None))
    receive(ledger, instalment(status="CAPTURED", source="BO", subscription=None))

    assert receipt.outcome == "repeated"
    assert instalments(ledger) == [(FIRST, "CAPTURED", 990)]


def test_a_plan_first_met_in_an_instalment_is_found_by_its_order(database: Database) -> None:
    """An operator's subscription has no call of its own: its first instalment is all we know."""
    ledger = a_ledger(database)
    receive(ledger, instalment(FIRST))

    receive(ledger, instalment(SECOND, source="RETRY", subscription=None))

    assert {one[0] for one in instalments(ledger)} == {FIRST, SECOND}


def test_a_plan_whose_opening_arrives_after_an_instalment_is_found_by_its_order(
    database: Database,
) -> None:
    ledger = a_ledger(database)
    receive(ledger, instalment(FIRST, order_id=None))
    receive(ledger, opened_plan())

    receive(ledger, instalment(SECOND, source="RETRY", subscription=None))

    assert {one[0] for one in instalments(ledger)} == {FIRST, SECOND}


def test_nothing_is_guessed_among_several_plans(database: Database) -> None:
    ledger = a_ledger(database)
    receive(ledger, opened_plan())
    receive(ledger, opened_plan(subscription="another", trans_uuid="e5" * 16))

    receive(ledger, instalment(source="RETRY", subscription=None))

    assert topics(ledger) == ["opened"]
    assert len(history(ledger, "another")) == 1


def test_an_unknown_plan_is_not_made_up(ledger: Ledger) -> None:
    receipt = receive(ledger, instalment(source="RETRY", subscription=None))

    assert receipt.outcome == "recorded"
    with pytest.raises(NotFoundError):
        history(ledger)


def test_instalments_of_rest_have_no_number_and_follow_too(ledger: Ledger) -> None:
    def answer(status: str, at: int) -> bytes:
        told = an_answer(
            uuid=FIRST,
            detailedStatus=status,
            paymentMethodToken=ALIAS,
            whole={"serverDate": minutes(at).isoformat()},
        )
        details = told["transactions"][0]["transactionDetails"]
        details["subscriptionDetails"] = {"subscriptionId": PLAN}
        details["occurrenceType"] = "RECURRENT_INTERMEDIAIRE"
        return rest_body(told, "REC")

    receive(ledger, answer("AUTHORISED", 1))
    receive(ledger, answer("CAPTURED", 2))

    assert instalments(ledger) == [(FIRST, "CAPTURED", 2990)]
    assert state(ledger)["instalments"][0]["number"] is None


def test_a_refusal_told_again_is_no_second_event(ledger: Ledger) -> None:
    for body in (opened_plan(), refused_plan()):
        assert receive(ledger, body).outcome == "recorded"
    before = len(history(ledger))

    outcomes = {receive(ledger, refused_plan(hash=f"{n:032x}")).outcome for n in range(3)}

    assert (outcomes, len(history(ledger))) == ({"repeated"}, before)


ON_KNOWN_ALIAS = example("form-v2", "subscription-created-existing-token")["fields"]


@pytest.mark.parametrize("order", [("first", "again"), ("again", "first")], ids=str)
def test_a_plan_on_a_known_alias_is_opened_by_whichever_call_arrives(
    ledger: Ledger, order: tuple[str, ...]
) -> None:
    """Opening it takes no payment, and a retry has lost its `vads_recurrence_status`."""
    lost = {"recurrence_status": None, "url_check_src": "RETRY", "hash": "ab" * 16}
    calls = {"first": told(ON_KNOWN_ALIAS), "again": told(ON_KNOWN_ALIAS, **lost)}
    plan, alias = (ON_KNOWN_ALIAS[f"vads_{one}"] for one in ("subscription", "identifier"))

    receive(ledger, calls[order[0]])
    after_one = item(history(ledger, plan, alias))
    receive(ledger, calls[order[1]])

    assert item(history(ledger, plan, alias))["status"] == after_one["status"] == "CREATED"
    assert after_one["schedule"] == ON_KNOWN_ALIAS["vads_sub_desc"]
