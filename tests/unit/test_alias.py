"""What is believed of a stored means of payment, in any order of the calls about it."""

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any

import pytest

from ledger.aggregates.alias import Alias
from ledger.application import Ledger
from ledger.errors import NotFoundError
from ledger.items import item
from tests.builders import (
    SHOP_ID,
    a_form_call,
    a_ledger,
    a_rest_call,
    minutes,
    receive,
)
from tests.conftest import opened

ALIAS = "f7fcb6fb8d454972c1518f65b474fa65"


@pytest.fixture
def ledger(sqlite_url: str) -> Iterator[Ledger]:
    with opened(sqlite_url) as database:
        yield a_ledger(database)


def asked(
    request: str | None, at: int, *, brand: str = "CB", status: str | None = None, **more: str
) -> bytes:
    """A registration or update of the alias by a form, made so many minutes into the day."""
    is_refused = request in ("NOT_CREATED", "NOT_UPDATED")
    return a_form_call(
        status or ("REFUSED" if is_refused else "ACCEPTED"),
        **{
            "trans_uuid": f"{at:032x}",
            "operation_type": "VERIFICATION",
            "identifier": ALIAS,
            "identifier_status": request,
            "effective_creation_date": minutes(at).strftime("%Y%m%d%H%M%S"),
            "effective_amount": "0",
            "card_brand": brand,
            "order_id": None,
            **more,
        },
    )


def paid_with(at: int, status: str = "AUTHORISED") -> bytes:
    return a_form_call(
        status,
        trans_uuid=f"{at:032x}",
        identifier=ALIAS,
        effective_creation_date=minutes(at).strftime("%Y%m%d%H%M%S"),
    )


def history(ledger: Ledger) -> list[Any]:
    return [one.event for one in ledger.events.history(Alias.id_of(SHOP_ID, "TEST", ALIAS))]


def topics(ledger: Ledger) -> list[str]:
    return [one.TOPIC.removeprefix("alias.") for one in history(ledger)]


def state(ledger: Ledger) -> dict[str, Any]:
    return item(ledger.events.history(Alias.id_of(SHOP_ID, "TEST", ALIAS)))


def tell(ledger: Ledger, bodies: Sequence[bytes]) -> None:
    for body in bodies:
        assert receive(ledger, body).outcome == "recorded"


ENDS: list[tuple[str, list[bytes], str, str | None]] = [
    ("created", [asked("CREATED", 1)], "CREATED", "CB"),
    ("refused", [asked("NOT_CREATED", 1)], "NOT_CREATED", None),
    ("abandoned", [asked("ABANDONED", 1, status="REFUSED")], "NOT_CREATED", None),
    ("refused-then-created", [asked("NOT_CREATED", 1), asked("CREATED", 2)], "CREATED", "CB"),
    (
        "created-then-updated",
        [asked("CREATED", 1), asked("UPDATED", 2, brand="VISA")],
        "UPDATED",
        "VISA",
    ),
    (
        "update-refused",
        [asked("CREATED", 1), asked("NOT_UPDATED", 2, brand="VISA")],
        "CREATED",
        "CB",
    ),
    (
        "update-refused-then-updated",
        [
            asked("CREATED", 1),
            asked("NOT_UPDATED", 2, brand="AMEX"),
            asked("UPDATED", 3, brand="VISA"),
        ],
        "UPDATED",
        "VISA",
    ),
    (
        "updated-then-update-refused",
        [
            asked("CREATED", 1),
            asked("UPDATED", 2, brand="VISA"),
            asked("NOT_UPDATED", 3, brand="AMEX"),
        ],
        "UPDATED",
        "VISA",
    ),
    ("only-an-update-is-known", [asked("UPDATED", 2, brand="VISA")], "UPDATED", "VISA"),
    ("only-a-refused-update-is-known", [asked("NOT_UPDATED", 2)], "CREATED", None),
    ("used-and-created", [asked("CREATED", 1), paid_with(2)], "CREATED", "CB"),
    (
        "replays-that-lost-the-request",
        [asked(None, 1), asked(None, 2, brand="VISA")],
        "UPDATED",
        "VISA",
    ),
]


@pytest.mark.parametrize(
    ("calls", "status", "method", "order"),
    [
        pytest.param(*one[1:], order, id=f"{one[0]}-{order}")
        for one in ENDS
        for order in permutations(range(len(one[1])))
    ],
)
def test_an_alias_ends_the_same_in_any_order_of_arrival(
    ledger: Ledger, calls: list[bytes], status: str, method: str, order: tuple[int, ...]
) -> None:
    for one in order:
        receive(ledger, calls[one])

    told = state(ledger)
    assert (told["status"], told["payment_method"]) == (status, method)


def test_a_refused_renewal_keeps_the_means(ledger: Ledger) -> None:
    tell(ledger, [asked("CREATED", 1), asked("NOT_UPDATED", 2, brand="VISA")])

    assert topics(ledger) == ["registered", "renewal-refused"]
    assert history(ledger)[1].moved == []
    assert state(ledger)["payment_method"] == "CB"


def test_a_payment_by_alias_is_no_news_of_the_alias(ledger: Ledger) -> None:
    tell(ledger, [asked("CREATED", 1), paid_with(2), paid_with(3, "REFUSED")])

    assert topics(ledger) == ["registered"]


def test_an_alias_met_in_use_is_noticed_once(ledger: Ledger) -> None:
    tell(ledger, [paid_with(2), paid_with(3)])

    assert topics(ledger) == ["noticed"]
    assert state(ledger)["status"] == "CREATED"


def test_an_alias_met_in_a_refused_payment_may_not_exist(ledger: Ledger) -> None:
    tell(ledger, [paid_with(2, "REFUSED")])

    with pytest.raises(NotFoundError):
        history(ledger)


def test_the_same_card_registered_again_changes_nothing(ledger: Ledger) -> None:
    again = asked("CREATED", 2, identifier_previously_registered="true")

    tell(ledger, [asked("CREATED", 1), again])

    assert topics(ledger) == ["registered", "recognised"]
    assert state(ledger)["status"] == "CREATED"


def test_a_retry_of_a_registration_is_a_repeat(ledger: Ledger) -> None:
    tell(ledger, [asked("CREATED", 1)])

    receipt = receive(ledger, asked(None, 1))

    assert receipt.outcome == "repeated"
    assert topics(ledger) == ["registered"]


def test_a_means_kept_before_there_were_verifications_needs_no_transaction(ledger: Ledger) -> None:
    tell(ledger, [asked("CREATED", 1, trans_uuid="", trans_status="", operation_type="")])

    assert topics(ledger) == ["registered"]
    assert [one.event.TOPIC for one in ledger.events.events_after(0, 10)] == ["alias.registered"]


def test_both_formats_tell_of_one_alias(ledger: Ledger) -> None:
    verified = a_rest_call(
        "ACCEPTED",
        minutes(1),
        operationType="VERIFICATION",
        paymentMethodToken=ALIAS,
        creationDate=minutes(1).isoformat(),
        uuid=f"{1:032x}",
    )

    tell(ledger, [verified, asked("UPDATED", 2, brand="VISA")])

    assert topics(ledger) == ["registered", "renewed"]
    assert (state(ledger)["status"], state(ledger)["payment_method"]) == ("UPDATED", "VISA")


def test_the_same_alias_in_the_other_mode_is_another(ledger: Ledger) -> None:
    tell(ledger, [asked("CREATED", 1), asked("NOT_CREATED", 1, ctx_mode="PRODUCTION")])

    assert state(ledger)["status"] == "CREATED"
    production = item(ledger.events.history(Alias.id_of(SHOP_ID, "PRODUCTION", ALIAS)))
    assert production["status"] == "NOT_CREATED"


def test_card_extracts_are_kept_apart_as_personal(ledger: Ledger) -> None:
    tell(ledger, [asked("CREATED", 1)])

    (event,) = history(ledger)
    assert dict(event.personal)["vads_card_number"] == "497010XXXXXX0055"
    assert "497010" not in str(event.facts)
    assert "497010" not in str(event.details)


@pytest.mark.parametrize("request_", ["NOT_UPDATED", "NOT_CREATED"])
def test_a_refusal_told_again_is_no_second_event(ledger: Ledger, request_: str) -> None:
    """A retry is signed anew, and what is behind the alias is still something else."""
    tell(ledger, [asked("CREATED", 1), asked(request_, 5, brand="VISA")])
    before = topics(ledger)

    outcomes = {receive(ledger, asked(request_, 5, brand="VISA")).outcome for _ in range(3)}

    assert (outcomes, topics(ledger)) == ({"repeated"}, before)
