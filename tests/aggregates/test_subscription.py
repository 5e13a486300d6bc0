"""What is believed of a subscription and its instalments, in any order of the notifications."""

from itertools import permutations
from typing import Any

import pytest

from ledger.aggregates.subscription import Subscription
from ledger.ipn.snapshots import Fact
from tests.aggregates.given import (
    OTHER_UUID,
    PLAN,
    UUID,
    a_plan,
    given,
    happened,
    in_form,
    in_rest,
    minute,
)

S = Subscription


def an_instalment(status: str = "AUTHORISED", uuid: str = UUID, **facts: Fact) -> dict[str, Fact]:
    instalment = {"transaction_uuid": uuid, "number": 1, "status": status, "amount_minor": 990}
    return instalment | facts


def statuses(scenario: Any) -> dict[str, Any]:
    instalments = scenario.aggregate.instalments
    return {uuid: facts["status"] for uuid, facts in instalments.items()}


# -- opened and refused ---------------------------------------------------------------------------


def test_an_opened_plan_is_known_with_its_terms() -> None:
    given().when(a_plan(), in_rest(7)).then(
        happened(
            S.Opened,
            a_plan(),
            status="CREATED",
            subscription_id=PLAN,
            reference=PLAN,
            rule="subscription",
            occurred_at=minute(7),
        )
    ).leaves(amount_minor=1990, effect_on="2026-04-10")


@pytest.mark.parametrize("order", list(permutations(range(2))), ids=str)
def test_a_refused_attempt_changes_nothing_of_an_opened_plan(order: tuple[int, int]) -> None:
    snapshots = (a_plan(), a_plan("NOT_CREATED", amount_minor=5000, effect_on="2027-01-01"))
    scenario = given()

    for index in order:
        scenario.when(snapshots[index])

    assert scenario.aggregate.status == "CREATED"
    scenario.leaves(request="CREATED", amount_minor=1990, effect_on="2026-04-10")


def test_a_plan_that_was_only_refused_is_not_created() -> None:
    refused = a_plan("NOT_CREATED")

    given().when(refused).then(happened(S.Refused, refused, status="NOT_CREATED")).leaves(
        amount_minor=1990
    )


def test_a_refusal_reported_again_is_no_second_event() -> None:
    refused = a_plan("NOT_CREATED", amount_minor=5000)
    scenario = given(happened(S.Opened, a_plan())).when(refused)
    assert [event.TOPIC for event in scenario.new_events] == ["subscription.refused"]

    scenario.when(refused).then()


def test_a_plan_reported_again_without_its_request_is_a_repeat() -> None:
    given(happened(S.Opened, a_plan())).when(a_plan(None), in_form("RETRY")).then()


def test_a_redelivery_that_lost_its_rule_makes_it_inferred() -> None:
    scenario = given().when(a_plan(), in_form("RETRY"))

    assert [event.rule_certainty for event in scenario.new_events] == ["inferred"]


# -- instalments ----------------------------------------------------------------------------------


def test_an_instalment_proves_that_the_plan_exists() -> None:
    instalment = an_instalment()

    given(happened(S.Refused, a_plan("NOT_CREATED"), status="NOT_CREATED")).when_instalment(
        instalment
    ).then(
        happened(S.InstalmentAccepted, instalment, moved=[], status="CREATED", rule="instalment")
    )


def test_a_plan_first_met_in_an_instalment_has_no_terms() -> None:
    scenario = given().when_instalment(an_instalment())

    assert (scenario.aggregate.status, scenario.aggregate.facts) == ("CREATED", {})
    scenario.when(a_plan()).then(happened(S.Opened, a_plan())).leaves(amount_minor=1990)


@pytest.mark.parametrize(
    ("before", "status", "event_class"),
    [
        (None, "AUTHORISED", S.InstalmentAccepted),
        (None, "WAITING_AUTHORISATION", S.InstalmentAccepted),
        (None, "REFUSED", S.InstalmentRefused),
        ("WAITING_AUTHORISATION", "AUTHORISED", S.InstalmentProgressed),
        ("AUTHORISED", "CAPTURED", S.InstalmentProgressed),
        ("WAITING_AUTHORISATION", "REFUSED", S.InstalmentRefused),
        ("ERROR", "REFUSED", S.InstalmentRefused),
    ],
)
def test_an_instalment_becomes_the_event_that_its_transaction_came_to(
    before: str | None, status: str, event_class: type[S.Event]
) -> None:
    scenario = given(happened(S.Opened, a_plan()))
    if before:
        scenario.when_instalment(an_instalment(before))

    scenario.when_instalment(an_instalment(status)).then(
        happened(event_class, an_instalment(status), moved=[])
    )
    assert statuses(scenario) == {UUID: status}


def test_what_else_changes_of_a_refused_instalment_is_progress() -> None:
    corrected = an_instalment("REFUSED", currency="EUR")

    given().when_instalment(an_instalment("REFUSED")).when_instalment(corrected).then(
        happened(S.InstalmentProgressed, corrected, moved=[])
    )


def test_every_attempt_at_an_instalment_is_kept() -> None:
    scenario = given()

    scenario.when_instalment(an_instalment("REFUSED"))
    scenario.when_instalment(an_instalment(uuid=OTHER_UUID))

    assert statuses(scenario) == {UUID: "REFUSED", OTHER_UUID: "AUTHORISED"}


def test_an_instalment_that_stands_as_before_is_no_event() -> None:
    given().when_instalment(an_instalment()).when_instalment(an_instalment()).then()


def test_the_terms_of_the_plan_stay_apart_from_its_instalments() -> None:
    """An instalment has an amount and a status of its own, which order nothing of the plan."""
    given(happened(S.Opened, a_plan())).when_instalment(an_instalment("CAPTURED")).when(
        a_plan(amount_minor=2500)
    ).leaves(amount_minor=2500, status=None)


# -- identity -------------------------------------------------------------------------------------


def test_the_same_id_on_another_alias_is_another_plan() -> None:
    assert S.id_of("12345678", "TEST", PLAN, "A") != S.id_of("12345678", "TEST", PLAN, "B")


@pytest.mark.parametrize(
    ("names", "other_names"),
    [(("a\nb", "c"), ("a", "b\nc")), (("a\\", "b"), ("a", "\\b")), (("a\\n", "b"), ("a\n", "b"))],
)
def test_a_name_that_holds_the_separator_of_names_is_another_name(
    names: tuple[str, ...], other_names: tuple[str, ...]
) -> None:
    ids = {S.id_of("1", "TEST", *each) for each in (names, other_names)}

    assert len(ids) == 2
