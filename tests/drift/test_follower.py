"""Drift on a real ledger: three findings of three calls, and nothing new by what came before."""

from typing import Any

import pytest

from ledger.application import Ledger
from ledger.drift import follower
from ledger.drift.catalogue import ABSENT_CALLS
from ledger.drift.follower import DriftIndex
from ledger.ipn.delivery import Limits
from ledger.proof.runner import LogRunner
from ledger.storage.database import Database
from ledger.storage.sealed_rows import destroy_secrets
from tests.builders import a_ledger, an_answer, example, rest_body
from tests.drift.calling import a_call, a_form, a_learned_ledger, noticed, stored, tell, texts


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return a_learned_ledger(database)


def numbered_order(uuid: str) -> bytes:
    return rest_body(an_answer(whole={"serverDate": None}, order={"orderId": 20260001}, uuid=uuid))


def test_each_of_three_strange_calls_is_news_once(ledger: Ledger) -> None:
    """The acceptance case: an unknown field, an unknown status, orderId as a number; a replay."""
    strange = [
        a_call(loyaltyPoints=12),
        a_call("PARTLY_SETTLED"),
        numbered_order("cc" * 16),
    ]

    first, second, third = tell(ledger, *strange)
    news = noticed(ledger)
    tell(ledger, *strange)
    tell(ledger, a_call(loyaltyPoints=7), a_call("PARTLY_SETTLED"), numbered_order("dd" * 16))

    assert news == [
        ("new-name", "transactions.*.loyaltyPoints", "", first),
        ("new-value", "transactions.*.detailedStatus", "PARTLY_SETTLED", second),
        ("type-changed", "orderDetails.orderId", "number", third),
    ]
    assert noticed(ledger) == news


def test_a_field_that_stays_away_is_gone_and_a_replay_says_nothing_new(ledger: Ledger) -> None:
    absent = [a_call(paymentMethodType=None) for _ in range(ABSENT_CALLS)]

    ids = tell(ledger, *absent[:-1])
    before = noticed(ledger)
    tell(ledger, absent[-1])
    news = noticed(ledger)
    tell(ledger, *absent)

    assert before == []
    assert news == [("gone", "transactions.*.paymentMethodType", "", ids[0])]
    assert noticed(ledger) == news


def test_what_stays_without_a_value_is_now_empty(ledger: Ledger) -> None:
    ids = tell(ledger, *(a_call(paymentMethodType="") for _ in range(ABSENT_CALLS)))

    assert noticed(ledger) == [("now-empty", "transactions.*.paymentMethodType", "", ids[0])]


def test_an_object_that_goes_is_missed_once_with_all_that_is_in_it(ledger: Ledger) -> None:
    ids = tell(ledger, *(a_call(transactionDetails=None) for _ in range(ABSENT_CALLS)))

    assert noticed(ledger) == [("gone", "transactions.*.transactionDetails", "", ids[0])]


def test_a_new_object_is_news_once_with_all_that_is_in_it(ledger: Ledger) -> None:
    (id_,) = tell(ledger, a_call(loyalty={"points": 3, "card": {"level": "GOLD"}}))

    assert noticed(ledger) == [("new-name", "transactions.*.loyalty", "", id_)]


def test_a_new_type_of_answer_is_news_of_its_own(ledger: Ledger) -> None:
    answer = an_answer(whole={"serverDate": None}, uuid="ee" * 16)
    (id_,) = tell(ledger, rest_body(answer, **{"kr-answer-type": "V4/PaymentV2"}))

    assert noticed(ledger) == [("new-kr-answer-type", "kr-answer-type", "V4/PaymentV2", id_)]


def test_the_other_format_of_the_same_shop_is_learned_by_itself(ledger: Ledger) -> None:
    tell(ledger, a_form(), a_form("REFUSED", loyalty="12"))

    assert noticed(ledger) == []


@pytest.mark.parametrize("batch", [7, 250])
def test_what_is_made_anew_equals_what_was_followed(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    index = DriftIndex(ledger)
    index.follow()
    tell(ledger, a_form(), a_call(loyaltyPoints=12), a_call("PARTLY_SETTLED"), a_form())
    index.catch_up()
    followed = stored(ledger)

    monkeypatch.setattr(follower, "BATCH", batch)
    index.rebuild()

    assert stored(ledger) == followed
    assert len(followed["drift_findings"]) == 2


def test_of_two_that_work_at_once_one_writes_nothing(ledger: Ledger) -> None:
    index, other = DriftIndex(ledger), DriftIndex(ledger)

    index.step(0, 100)
    once = stored(ledger)
    other.step(0, 100)
    other.catch_up()
    index.catch_up()

    assert once != stored(ledger)
    followed = stored(ledger)
    index.rebuild()
    assert stored(ledger) == followed


def test_the_service_follows_behind_the_log(ledger: Ledger) -> None:
    index = DriftIndex(ledger)

    runner = LogRunner(ledger, None, followers=[index.follow])
    runner.run_once()
    runner.run_once()

    assert index.place() == 200


def test_no_value_of_a_personal_field_is_in_the_tables(database: Database) -> None:
    """The values that examples have under names about persons, and the merchant's own names."""
    ledger = a_ledger(database)
    tell(
        ledger,
        a_form(ext_info_jo="x", cust_email="jo@example.org", user_info="555-0100"),
        a_form(**{"trans_status": "jo@example.org", "order_id": "for jo@example.org"}),
        a_form(result="4970101234567890", wallet="Jo Exemple"),
        a_call(metadata={"jo@example.org": "1"}, status="jo@example.org"),
        a_call(**{"jo@example.org": {"Jo Exemple": 1}}),
        rest_body(an_answer(uuid="ee" * 16)),
    )

    noticed(ledger)

    everything = "\n".join(texts(ledger))
    answer, fields = example("rest-v4", "payment-accepted")["answer"], example_fields()
    personal = [*_leaves(answer["customer"]), *_leaves(answer["orderDetails"]["metadata"])]
    personal += [value for name, value in fields.items() if name.startswith("vads_cust_")]
    long_enough = {value for value in personal if len(value) > len("CARD")}
    assert len(long_enough) > 10
    assert [value for value in long_enough if value in everything] == []
    for value in (
        "jo@example",
        "Jo Exemple",
        "4970101234567890",
        "555-0100",
        "497010",
        "ext_info_jo",
    ):
        assert value not in everything


def example_fields() -> dict[str, str]:
    return dict(example("form-v2", "payment-accepted")["fields"])


def _leaves(node: Any) -> list[str]:
    if isinstance(node, dict | list):
        children = node.values() if isinstance(node, dict) else node
        return [leaf for child in children for leaf in _leaves(child)]
    is_type = isinstance(node, str) and node.startswith("V4/")
    return [node] if isinstance(node, str) and not is_type else []


def test_what_cannot_be_read_is_counted(ledger: Ledger) -> None:
    ledger.limits = Limits(fields_max=3)

    noticed(ledger)

    (kinds,) = stored(ledger)["drift_kinds"]
    assert kinds[-2:] == ("unread", 200)


def test_an_erasure_leaves_the_counts_and_a_rebuild_says_what_it_could_not_read(
    ledger: Ledger,
) -> None:
    (erased,) = tell(ledger, a_call(loyaltyPoints=12))
    noticed(ledger)
    followed = stored(ledger)

    with ledger.database.begin() as connection:
        destroy_secrets(connection, [erased])
    (later,) = tell(ledger, a_call(loyaltyPoints=7))
    left = noticed(ledger)
    DriftIndex(ledger).rebuild()

    assert len(followed["drift_findings"]) == 1
    assert left == [("new-name", "transactions.*.loyaltyPoints", "", erased)]
    assert noticed(ledger) == [("new-name", "transactions.*.loyaltyPoints", "", later)]
    assert [row[-1] for row in stored(ledger)["drift_kinds"] if row[3] == "unread"] == [1]
