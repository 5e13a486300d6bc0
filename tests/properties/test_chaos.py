"""Whatever goes wrong on a bad day, a ledger holds what it was sent, and nothing twice."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ledger.simulator.chaos_attempts import AnsweredAttempt, Attempt
from ledger.simulator.stories import STORIES, Story
from tests.properties.conftest import examples
from tests.properties.test_laws import ledgers
from tests.simulator.chaos_in_process import (
    a_chaos,
    acknowledge,
    an_api,
    discrepancies,
    rotated_shops,
    send_all,
    send_to,
    with_missing_keys,
)

SEEDS = st.integers(0, 2**32)
A_FEW_STORIES = st.lists(st.sampled_from(list(STORIES.values())), min_size=1, max_size=4)


@examples(3)
@given(seed=SEEDS, stories=A_FEW_STORIES, connections=st.integers(1, 6))
def test_a_bad_day_ends_in_the_truth(
    sqlite_template: Path, seed: int, stories: list[Story], connections: int
) -> None:
    with ledgers(sqlite_template) as make:
        api = an_api(make().database)
        chaos = a_chaos(rotated_shops(), seed=seed, stories=stories)

        sent = send_all(chaos, send_to(api.ledger), connections=connections)

        assert discrepancies(api, sent) == []


@examples(3)
@given(seed=SEEDS, stories=A_FEW_STORIES, data=st.data())
def test_any_order_of_arrival_ends_in_the_truth(
    sqlite_template: Path, seed: int, stories: list[Story], data: st.DataObject
) -> None:
    """Not only the order of a bad day: all of it, in any order, once more with nothing lost."""
    planned = send_all(a_chaos(rotated_shops(), seed=seed, stories=stories), acknowledge)
    attempts: list[Attempt] = data.draw(st.permutations([each.attempt for each in planned]))
    with ledgers(sqlite_template) as make:
        api = an_api(make().database)
        send = send_to(api.ledger)

        sent = [AnsweredAttempt(attempt, send(attempt)) for attempt in attempts]

        assert discrepancies(api, sent) == []


@examples(3)
@given(seed=SEEDS, stories=A_FEW_STORIES)
def test_readmission_after_a_bad_day_ends_in_the_truth(
    sqlite_template: Path, seed: int, stories: list[Story]
) -> None:
    with ledgers(sqlite_template) as make:
        api = an_api(make().database)
        chaos = a_chaos(rotated_shops(), seed=seed, stories=stories)
        sent = send_all(chaos, send_to(api.ledger), connections=1)
        api.ledger.shops = with_missing_keys(api.ledger.shops, chaos)

        for row in api.get("/api/v1/notifications?outcome=quarantined&limit=500")["items"]:
            api.ledger.readmit(row["id"])

        assert discrepancies(api, sent) == []
