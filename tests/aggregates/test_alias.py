"""What is believed of a stored means of payment, in any order of the notifications about it."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from ledger.aggregates.alias import Alias
from ledger.ipn.snapshots import AliasSnapshot
from tests.aggregates.given import a_request, a_use, given, happened, in_form, in_rest, minute

CREATED = a_request("CREATED", 1)

ENDS: dict[str, tuple[list[AliasSnapshot], str, str | None]] = {
    "created": ([CREATED], "CREATED", "CB"),
    "refused": ([a_request("NOT_CREATED", 1)], "NOT_CREATED", None),
    "refused-then-created": (
        [a_request("NOT_CREATED", 1), a_request("CREATED", 2)],
        "CREATED",
        "CB",
    ),
    "created-then-updated": ([CREATED, a_request("UPDATED", 2, "VISA")], "UPDATED", "VISA"),
    "update-refused": ([CREATED, a_request("NOT_UPDATED", 2, "VISA")], "CREATED", "CB"),
    "update-refused-then-updated": (
        [CREATED, a_request("NOT_UPDATED", 2, "AMEX"), a_request("UPDATED", 3, "VISA")],
        "UPDATED",
        "VISA",
    ),
    "updated-then-update-refused": (
        [CREATED, a_request("UPDATED", 2, "VISA"), a_request("NOT_UPDATED", 3, "AMEX")],
        "UPDATED",
        "VISA",
    ),
    "only-an-update-is-known": ([a_request("UPDATED", 2, "VISA")], "UPDATED", "VISA"),
    "only-a-refused-update-is-known": ([a_request("NOT_UPDATED", 2)], "CREATED", None),
    "used-and-created": ([CREATED, a_use(2)], "CREATED", "CB"),
    "replays-that-lost-the-request": (
        [a_request(None, 1), a_request(None, 2, "VISA")],
        "UPDATED",
        "VISA",
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_an_alias_ends_the_same_in_any_order_of_arrival(end: str) -> None:
    snapshots, status, method = ENDS[end]

    for order in permutations(snapshots):
        scenario = given()
        for snapshot in order:
            scenario.when(snapshot)

        assert scenario.aggregate.status == status
        scenario.leaves(payment_method=method)


def test_a_refused_renewal_keeps_the_means() -> None:
    refused = a_request("NOT_UPDATED", 2, "VISA")

    given(happened(Alias.Registered, CREATED)).when(refused).then(
        happened(Alias.RenewalRefused, refused, moved=[], status="CREATED")
    ).leaves(payment_method="CB")


def test_a_payment_by_alias_changes_nothing_of_a_known_alias() -> None:
    scenario = given(happened(Alias.Registered, CREATED))

    scenario.when(a_use(2)).then()
    scenario.when(a_use(3, is_accepted=False)).then()


def test_an_alias_met_in_use_is_noticed_once_with_its_means_alone() -> None:
    given().when(a_use(2)).then(
        happened(Alias.Noticed, {"payment_method": "CB"}, status="CREATED")
    ).when(a_use(3)).then()


def test_an_alias_met_in_a_refused_payment_may_not_exist() -> None:
    given().when(a_use(2, is_accepted=False)).then()


def test_a_registration_goes_before_whatever_a_use_reported() -> None:
    """It waited in quarantine while the alias was met in use with another brand."""
    noticed = happened(Alias.Noticed, {"payment_method": "VISA"})
    an_hour_back = in_form().received_at - timedelta(hours=1)
    waited = in_form(received_at=an_hour_back, is_readmitted=True)

    given(noticed).when(CREATED, waited).then(
        happened(Alias.Registered, CREATED, status="CREATED")
    ).leaves(payment_method="CB")


def test_the_same_means_registered_again_changes_nothing_of_the_status() -> None:
    again = replace(a_request("CREATED", 2), is_known_means=True)

    (event,) = given(happened(Alias.Registered, CREATED)).when(again).new_events

    assert (event.TOPIC, event.status) == ("alias.recognised", "CREATED")


def test_the_same_means_checked_again_is_no_update_either_where_requests_are_lost() -> None:
    again = replace(a_request(None, 2), is_known_means=True)

    (event,) = given(happened(Alias.Registered, a_request(None, 1))).when(again).new_events

    assert (event.TOPIC, event.status) == ("alias.recognised", "CREATED")


def test_a_registration_that_lost_its_request_is_a_repeat() -> None:
    given(happened(Alias.Registered, CREATED)).when(a_request(None, 1), in_form("RETRY")).then()


def test_the_first_accepted_check_without_a_request_made_the_alias() -> None:
    first, second = a_request(None, 1), a_request(None, 2, "VISA")

    given().when(first).then(
        happened(Alias.Registered, first, rule_certainty="inferred", status="CREATED")
    ).when(second).then(happened(Alias.Renewed, second, status="UPDATED"))


def test_an_older_check_without_a_request_made_the_alias_before() -> None:
    older = a_request(None, 1)

    given(happened(Alias.Registered, a_request(None, 2, "VISA"))).when(older).then(
        happened(Alias.Registered, older, moved=[], late=True, status="UPDATED")
    ).leaves(payment_method="VISA")


@pytest.mark.parametrize(
    ("is_known", "event_class"),
    [(False, Alias.RegistrationRefused), (True, Alias.RenewalRefused)],
)
def test_a_refusal_that_lost_its_request_is_read_from_what_is_known(
    is_known: bool, event_class: type[Alias.Event]
) -> None:
    known = [happened(Alias.Registered, CREATED)] if is_known else []

    (event,) = given(*known).when(a_request(None, 2, is_accepted=False)).new_events

    assert type(event) is event_class


@pytest.mark.parametrize("request_", ["NOT_UPDATED", "NOT_CREATED"])
def test_a_refusal_reported_again_is_no_second_event(request_: str) -> None:
    """A retry is signed anew, and what is behind the alias is still something else."""
    refused = a_request(request_, 5, "VISA")
    scenario = given(happened(Alias.Registered, CREATED)).when(refused)
    assert len(scenario.new_events) == 1

    scenario.when(refused).then()


@pytest.mark.parametrize(
    ("source", "rule", "certainty"),
    [
        ("PAY", "alias", "told"),
        ("RETRY", "alias", "told"),
        ("MERCH_BO", "back-office", "hinted"),
    ],
)
def test_the_rule_is_the_alias_rule_but_for_operators(
    source: str, rule: str, certainty: str
) -> None:
    given().when(CREATED, in_rest(7, source)).then(
        happened(Alias.Registered, CREATED, rule=rule, rule_certainty=certainty)
    )


def test_it_occurred_when_the_platform_recorded_the_transaction() -> None:
    given().when(CREATED, in_rest(7)).then(
        happened(Alias.Registered, CREATED, occurred_at=minute(1), reference=CREATED.alias)
    )


def test_card_extracts_are_kept_apart_as_personal() -> None:
    card = [["vads_card_number", "497010XXXXXX0055"]]

    given().when(replace(CREATED, personal=card)).then(
        happened(Alias.Registered, CREATED, personal=card, details=None)
    )


def test_each_mode_has_its_own_alias() -> None:
    assert Alias.id_of("12345678", "TEST", "A") != Alias.id_of("12345678", "PRODUCTION", "A")
