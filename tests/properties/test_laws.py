"""Laws of every story: repeats append nothing, order does not matter, formats agree."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.application import Ledger
from ledger.simulator.signed_calls import SignedCall, synthetic_platform
from ledger.simulator.stories import STORIES
from ledger.storage.database import Database
from tests.builders import NOON, SHOP_ID, a_ledger, receive, shops
from tests.properties.conftest import examples
from tests.states import states

PLATFORM = synthetic_platform(shops(), SHOP_ID, "TEST", at=NOON)

# A form carries no time, and this story changes the amount within one status: arrival decides.
UNORDERED_FORMS = {"amount-lowered"}


@contextmanager
def ledgers(template: Path) -> Iterator[Callable[[], Ledger]]:
    """Yield a maker of fresh ledgers on SQLite, each in a file of its own."""
    databases: list[Database] = []
    with TemporaryDirectory() as folder:

        def make() -> Ledger:
            path = Path(folder) / f"{len(databases)}.sqlite"
            shutil.copyfile(template, path)
            databases.append(Database(f"sqlite:///{path}", pool_size=1))
            return a_ledger(databases[-1])

        yield make
        for database in databases:
            database.dispose()


def play(ledger: Ledger, signed_calls: Sequence[SignedCall]) -> None:
    for signed_call in signed_calls:
        assert receive(ledger, signed_call.body).outcome != "quarantined"


def lives(format_choice: str) -> st.SearchStrategy[list[SignedCall]]:
    playable = [story for story in STORIES.values() if PLATFORM.can_play(story, format_choice)]
    return st.builds(
        lambda story, seed: PLATFORM.signed_calls(story, seed, 0, format_choice),
        st.sampled_from(playable),
        st.integers(0, 2**32),
    )


@examples(8)
@given(data=st.data())
@pytest.mark.parametrize("format_choice", ["form", "rest", "mixed"])
def test_any_repetition_appends_no_event(
    sqlite_template: Path, format_choice: str, data: st.DataObject
) -> None:
    signed_calls = data.draw(lives(format_choice))
    repeats = data.draw(st.lists(st.sampled_from(signed_calls), max_size=12))
    with ledgers(sqlite_template) as make:
        ledger = make()
        play(ledger, signed_calls)
        events = ledger.events.events_after(0, 1000)

        outcomes = [receive(ledger, signed_call.body).outcome for signed_call in repeats]

        assert set(outcomes) <= {"repeated"}
        assert ledger.events.events_after(0, 1000) == events


@examples(10)
@given(data=st.data())
def test_any_order_of_rest_calls_ends_in_the_same_state(
    sqlite_template: Path, data: st.DataObject
) -> None:
    signed_calls = data.draw(lives("rest"))
    shuffled = data.draw(st.permutations(signed_calls))
    repeats = data.draw(st.lists(st.sampled_from(signed_calls), max_size=4))
    with ledgers(sqlite_template) as make:
        in_order, out_of_order = make(), make()

        play(in_order, signed_calls)
        play(out_of_order, [*shuffled, *repeats])

        assert states(out_of_order) == states(in_order)


@examples(10)
@given(data=st.data())
def test_any_order_of_form_calls_ends_in_the_same_state_where_ranks_order_them(
    sqlite_template: Path, data: st.DataObject
) -> None:
    ordered_lives = lives("form").filter(lambda life: life[0].story not in UNORDERED_FORMS)
    signed_calls = data.draw(ordered_lives)
    shuffled = data.draw(st.permutations(signed_calls))
    with ledgers(sqlite_template) as make:
        in_order, out_of_order = make(), make()

        play(in_order, signed_calls)
        play(out_of_order, shuffled)

        assert states(out_of_order) == states(in_order)


COMMON = ("status", "amount_minor", "currency", "operation_type", "shop_id", "mode")


@examples(10)
@given(
    story=st.sampled_from([story for story in STORIES.values() if not story.form_only]),
    seed=st.integers(0, 2**32),
)
def test_both_formats_of_a_life_end_in_the_same_state(
    sqlite_template: Path, story: Any, seed: int
) -> None:
    with ledgers(sqlite_template) as make:
        in_form, in_rest = make(), make()

        play(in_form, PLATFORM.signed_calls(story, seed, 0, "form"))
        play(in_rest, PLATFORM.signed_calls(story, seed, 0, "rest"))

        assert common_states(in_form) == common_states(in_rest)


def common_states(ledger: Ledger) -> dict[Any, Any]:
    """Return what both formats can show; ERROR is the REST word for a technical refusal."""
    common: dict[Any, Any] = {}
    for id_, state in states(ledger).items():
        if state["kind"] == "transaction" and state["uuid"] is None:
            continue  # an abandonment has no identity that both formats share
        common[id_] = {name: state.get(name) for name in COMMON}
        if common[id_]["status"] == "ERROR":
            common[id_]["status"] = "REFUSED"
        if state["kind"] == "subscription":
            common[id_] = [
                (instalment["transaction_uuid"], instalment["status"])
                for instalment in state["instalments"]
            ]
    return common


def test_an_event_stored_and_read_again_is_the_same(database: Database) -> None:
    ledger = a_ledger(database)

    for story in STORIES.values():
        play(ledger, PLATFORM.signed_calls(story, 1, 0, story.formats[0]))

    events = [recorded.event for recorded in ledger.events.events_after(0, 1000)]
    assert events
    assert all(
        isinstance(event, LedgerAggregate.Event) and event.timestamp.tzinfo for event in events
    )
