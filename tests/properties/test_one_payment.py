"""One payment ends the same, in whatever order its calls arrive and by whichever name."""

from collections.abc import Iterable
from itertools import permutations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.aggregates.transaction import Transaction
from ledger.ipn.references import names_of
from ledger.ipn.snapshots import TransactionSnapshot
from tests.aggregates.given import MODE, SHOP_ID, UUID, a_payment
from tests.recording.given import given as a_ledger

_NAME: dict[str, Any] = {
    "trans_id": "aB1c9d",
    "trans_date": "2026-03-10T09:15:02Z",
    "sequence_number": 1,
}
_REFERENCE = "20260310-AB1C9D-1-DEBIT"
_WHOLE = a_payment("AUTHORISED", **_NAME)


@st.composite
def calls(draw: st.DrawFn) -> TransactionSnapshot:
    """A call that has the uuid, or the short number, or both, and reports a part of the facts."""
    has_uuid, has_number = draw(st.sampled_from([(True, True), (True, False), (False, True)]))
    status = draw(st.sampled_from(["INITIAL", "AUTHORISED", "CAPTURED"]))
    facts = dict.fromkeys(draw(st.sets(st.sampled_from(["contract", "order_id"]))))
    if not has_number:
        facts |= {"sequence_number": None}
    snapshot = a_payment(status, UUID if has_uuid else None, **(_NAME | facts))
    if has_uuid:
        return snapshot
    return TransactionSnapshot(None, _REFERENCE, snapshot.facts)


@given(st.lists(calls(), min_size=1, max_size=4), st.integers(0, 10**6))
@settings(max_examples=150, deadline=None)
def test_every_order_of_arrival_ends_the_same(
    payments: list[TransactionSnapshot], number: int
) -> None:
    orders = list(permutations([*payments, _WHOLE]))

    ends = [end_of(payments), end_of(orders[number % len(orders)])]

    assert ends[0] == ends[1]


def end_of(payments: Iterable[TransactionSnapshot]) -> tuple[Any, ...]:
    """What is known at last, under either name."""
    ledger = a_ledger()
    for snapshot in (*payments, _WHOLE):
        ledger.when(snapshot)
    uuid_id, number_id = (Transaction.id_of(SHOP_ID, MODE, name) for name in names_of(_WHOLE))
    by_uuid, by_number = ledger.known(uuid_id), ledger.known(number_id)
    assert by_uuid is by_number
    return by_uuid.uuid, by_uuid.facts, by_uuid.is_doubtful
