"""What a call does not say itself never stands against what another call has said."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ledger.aggregates.transaction import Transaction
from ledger.application import Ledger
from tests.builders import SHOP_ID, UUID, a_form_call, receive
from tests.properties.conftest import examples
from tests.properties.test_laws import ledgers
from tests.states import states, streams

LOSABLE = ("effective_amount", "effective_currency", "change_rate", "payment_config")
PLAIN = {"amount": "2990", "effective_amount": "2990"}
REDUCED = {"amount": "2990", "effective_amount": "2000"}
CONVERTED = {
    "amount": "163500",
    "currency": "840",
    "effective_amount": "144256",
    "change_rate": "1.1334",
}
INSTALMENT = REDUCED | {"payment_config": "MULTI:first=2000;count=2;period=30"}
PART = {
    "trans_id": "123456",
    "trans_uuid": UUID,
    "trans_status": "AUTHORISED",
    "operation_type": "DEBIT",
    "amount": "2000",
    "sequence_number": "1",
}

losses = st.sets(st.sampled_from(LOSABLE)).map(lambda names: dict.fromkeys(names))


def play(ledger: Ledger, form_fields: Sequence[Mapping[str, str | None]]) -> list[str]:
    return [receive(ledger, a_form_call(source="PAY", **fields)).outcome for fields in form_fields]


@examples(25)
@given(
    fields=st.sampled_from([PLAIN, REDUCED, CONVERTED, INSTALMENT]),
    earlier=st.lists(losses, max_size=3),
    later=st.lists(losses, max_size=3),
)
def test_a_call_that_lacks_a_field_moves_nothing_that_another_has_said(
    sqlite_template: Path,
    fields: Mapping[str, str],
    earlier: list[dict[str, None]],
    later: list[dict[str, None]],
) -> None:
    with ledgers(sqlite_template) as make:
        ledger = make()
        play(ledger, [{**fields, **lost} for lost in earlier])
        play(ledger, [fields])

        outcomes = play(ledger, [{**fields, **lost} for lost in later])

        (payment,) = states(ledger).values()
        (events,) = streams(ledger).values()
    assert payment["amount_minor"] == int(fields["effective_amount"])
    assert payment["currency"] == "EUR"
    assert set(outcomes) <= {"repeated"}
    assert not any(recorded.event.late or recorded.event.contradiction for recorded in events)


@examples(15)
@given(
    tellers=st.lists(st.sampled_from(["split", "own"]), min_size=2, max_size=5),
    own_status=st.sampled_from(["AUTHORISED", "CAPTURED", "WAITING_AUTHORISATION"]),
)
def test_the_own_call_of_a_part_says_when_it_was_made_in_any_order(
    sqlite_template: Path, tellers: list[str], own_status: str
) -> None:
    split = a_form_call(
        trans_uuid=None,
        card_brand="MULTI",
        sequence_number="0",
        effective_creation_date=None,
        payment_seq=json.dumps({"transactions": [PART]}),
    )
    own = a_form_call(
        own_status,
        trans_id=PART["trans_id"],
        effective_amount=PART["amount"],
        effective_creation_date="20260312101010",
    )
    outcomes: dict[str, list[str]] = {}
    with ledgers(sqlite_template) as make:
        ledger = make()
        for teller in tellers:
            receipt = receive(ledger, split if teller == "split" else own)
            outcomes.setdefault(teller, []).append(receipt.outcome)

        state = states(ledger)[Transaction.id_of(SHOP_ID, "TEST", UUID)]

    told_at = "2026-03-12T10:10:10Z" if "own" in outcomes else "2026-03-10T09:15:02Z"
    assert state["created_at"] == told_at
    assert state["contradictions"] == 0
    assert {outcome for _, *repeats in outcomes.values() for outcome in repeats} <= {"repeated"}
