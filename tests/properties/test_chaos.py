"""Laws over bad days: whatever goes wrong, a ledger holds what it was told, and nothing twice."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.simulator.chaos import Attempt
from ledger.simulator.sender import Answer
from ledger.simulator.stories import STORIES
from tests.properties.test_hostile_bytes import FAST
from tests.properties.test_laws import ledgers
from tests.simulator.chaotic import (
    a_bad_day,
    asked,
    discrepancies,
    rotated_shops,
    straight_to,
    suffered,
    with_missing_keys,
)

SLOW = settings(FAST, max_examples=10)
SEEDS = st.integers(0, 2**32)
SOME = st.lists(st.sampled_from(list(STORIES.values())), min_size=1, max_size=4)


@SLOW
@given(seed=SEEDS, stories=SOME, connections=st.integers(1, 6))
def test_a_bad_day_ends_in_the_truth(
    sqlite_template: Path, seed: int, stories: list, connections: int
) -> None:
    with ledgers(sqlite_template) as make:
        api = asked(make().database)
        day = a_bad_day(rotated_shops(), seed=seed, stories=stories)

        sent = suffered(day, straight_to(api.ledger), connections=connections)

        assert discrepancies(api, sent) == []


@SLOW
@given(seed=SEEDS, stories=SOME, data=st.data())
def test_any_order_of_arrival_ends_in_the_truth(
    sqlite_template: Path, seed: int, stories: list, data: st.DataObject
) -> None:
    """Not only the order of a bad day: all of it, in any order, once more with nothing lost."""
    planned = suffered(
        a_bad_day(rotated_shops(), seed=seed, stories=stories), lambda _: Answer(200, "", 0.0)
    )
    attempts: list[Attempt] = data.draw(st.permutations([one.attempt for one in planned]))
    with ledgers(sqlite_template) as make:
        api = asked(make().database)
        send = straight_to(api.ledger)

        sent = [type(planned[0])(one, send(one)) for one in attempts]

        assert discrepancies(api, sent) == []


@SLOW
@given(seed=SEEDS, stories=SOME)
def test_readmission_after_a_bad_day_ends_in_the_truth(
    sqlite_template: Path, seed: int, stories: list
) -> None:
    with ledgers(sqlite_template) as make:
        api = asked(make().database)
        day = a_bad_day(rotated_shops(), seed=seed, stories=stories)
        sent = suffered(day, straight_to(api.ledger), connections=1)
        api.ledger.shops = with_missing_keys(api.ledger.shops, day)

        for row in api.get("/api/v1/notifications?outcome=quarantined&limit=500")["items"]:
            api.ledger.readmit(row["id"])

        assert discrepancies(api, sent) == []
