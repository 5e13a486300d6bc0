"""Laws that hold for every story: repeats add nothing, order does not matter, formats agree."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.aggregates.observed import Observed
from ledger.application import Ledger
from ledger.items import item
from ledger.simulator.stories import STORIES
from ledger.simulator.telling import Telling, teller
from ledger.storage.database import Database
from tests.builders import NOON, SHOP_ID, a_ledger, receive, shops

TOLD_BY = teller(shops(), SHOP_ID, "TEST", at=NOON)
SLOW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

# A form tells no time, and this story changes the amount within one status: arrival decides.
UNORDERED_FORMS = {"amount-lowered"}


@contextmanager
def ledgers(template: Path) -> Iterator[Any]:
    """A maker of fresh ledgers on SQLite, each in a file of its own."""
    databases: list[Database] = []
    with TemporaryDirectory() as folder:

        def make() -> Ledger:
            path = Path(folder) / f"{len(databases)}.sqlite"
            shutil.copyfile(template, path)
            databases.append(Database(f"sqlite:///{path}", pool_size=1))
            return a_ledger(databases[-1])

        yield make
        for one in databases:
            one.dispose()


def play(ledger: Ledger, tellings: Sequence[Telling]) -> None:
    for telling in tellings:
        assert receive(ledger, telling.body).outcome != "quarantined"


def streams(ledger: Ledger) -> set[Any]:
    return {one.event.originator_id for one in ledger.events.events_after(0, 1000)}


NOT_STATE = ("version", "first_seen_at", "last_changed_at", "details", "personal")


def state(ledger: Ledger) -> dict[Any, Any]:
    """Every object by its stream. What depends on how often and when we heard is left out."""
    found = {}
    for id_ in streams(ledger):
        told = item(ledger.events.history(id_))
        found[id_] = {name: value for name, value in told.items() if name not in NOT_STATE}
    return found


def stories(format_: str) -> st.SearchStrategy[list[Telling]]:
    able = [one for one in STORIES.values() if TOLD_BY.can_tell(one, format_)]
    return st.builds(
        lambda story, seed: TOLD_BY.tell(story, seed, 0, format_),
        st.sampled_from(able),
        st.integers(0, 2**32),
    )


@SLOW
@given(data=st.data())
@pytest.mark.parametrize("format_", ["form", "rest", "mixed"])
def test_any_repetition_adds_no_event(
    sqlite_template: Path, format_: str, data: st.DataObject
) -> None:
    tellings = data.draw(stories(format_))
    again = data.draw(st.lists(st.sampled_from(tellings), max_size=12))
    with ledgers(sqlite_template) as make:
        ledger = make()
        play(ledger, tellings)
        before = ledger.events.events_after(0, 1000)

        outcomes = [receive(ledger, one.body).outcome for one in again]

        assert set(outcomes) <= {"repeated"}
        assert ledger.events.events_after(0, 1000) == before


@SLOW
@given(data=st.data())
def test_any_order_of_rest_calls_ends_in_the_same_state(
    sqlite_template: Path, data: st.DataObject
) -> None:
    tellings = data.draw(stories("rest"))
    shuffled = data.draw(st.permutations(tellings))
    repeats = data.draw(st.lists(st.sampled_from(tellings), max_size=4))
    with ledgers(sqlite_template) as make:
        in_order, out_of_order = make(), make()

        play(in_order, tellings)
        play(out_of_order, [*shuffled, *repeats])

        assert state(out_of_order) == state(in_order)


@SLOW
@given(data=st.data())
def test_any_order_of_form_calls_ends_in_the_same_state_where_ranks_order_them(
    sqlite_template: Path, data: st.DataObject
) -> None:
    tellings = data.draw(stories("form").filter(lambda told: told[0].story not in UNORDERED_FORMS))
    shuffled = data.draw(st.permutations(tellings))
    with ledgers(sqlite_template) as make:
        in_order, out_of_order = make(), make()

        play(in_order, tellings)
        play(out_of_order, shuffled)

        assert state(out_of_order) == state(in_order)


COMMON = ("status", "amount_minor", "currency", "operation_type", "shop_id", "mode")


@SLOW
@given(
    story=st.sampled_from([one for one in STORIES.values() if not one.form_only]),
    seed=st.integers(0, 2**32),
)
def test_both_formats_of_one_life_end_in_the_same_state(
    sqlite_template: Path, story: Any, seed: int
) -> None:
    with ledgers(sqlite_template) as make:
        in_form, in_rest = make(), make()

        play(in_form, TOLD_BY.tell(story, seed, 0, "form"))
        play(in_rest, TOLD_BY.tell(story, seed, 0, "rest"))

        assert common(in_form) == common(in_rest)


def common(ledger: Ledger) -> dict[Any, Any]:
    """What both formats can tell; ERROR is the REST word for a technical refusal."""
    found = {}
    for id_, told in state(ledger).items():
        if told["kind"] == "transaction" and told["uuid"] is None:
            continue  # an abandonment has no identity that both formats share
        found[id_] = {name: told.get(name) for name in COMMON}
        if found[id_]["status"] == "ERROR":
            found[id_]["status"] = "REFUSED"
        if told["kind"] == "subscription":
            found[id_] = [(one["transaction_uuid"], one["status"]) for one in told["instalments"]]
    return found


def test_an_event_stored_and_read_again_is_the_same(database: Database) -> None:
    ledger = a_ledger(database)

    for story in STORIES.values():
        play(ledger, TOLD_BY.tell(story, 1, 0, story.formats[0]))

    events = [one.event for one in ledger.events.events_after(0, 1000)]
    assert events
    assert all(isinstance(one, Observed.Event) and one.timestamp.tzinfo for one in events)
