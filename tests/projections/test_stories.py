"""After every story the views show what plain Python computes from the streams."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect

from ledger.application import Ledger
from ledger.projections import filling, parts
from ledger.projections import generations as g
from ledger.projections.follower import Follower
from ledger.projections.parts import Place, make_groups, make_keys, merge_waiting
from ledger.projections.registry import PROJECTIONS
from ledger.projections.runner import prepare_views
from ledger.simulator.stories import STORIES
from ledger.simulator.telling import FORM, MIXED, REST
from ledger.storage.database import Database
from tests.builders import a_ledger, an_answer, receive, rest_body
from tests.conftest import opened
from tests.projections.brute_force import expected
from tests.projections.helpers import (
    all_rows,
    follow,
    merge_some,
    poison,
    rebuilt,
    rows,
    tell,
    told,
)

GOLDEN = Path(__file__).parent / "golden"
SLOW = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("format_", [FORM, REST, MIXED])
def test_after_every_story_each_view_shows_what_the_streams_say(
    sqlite_url: str, format_: str
) -> None:
    with opened(sqlite_url) as database:
        ledger = told(database, "payment-accepted", formats=[format_])
        for number, name in enumerate(STORIES, 1):
            tell(ledger, name, formats=[format_], seed=11)
            if format_ == MIXED or number % 9 == 0:  # the others a few stories at a time
                follow(ledger)
                assert all_rows(ledger) == expected(ledger), name


def test_all_stories_together_show_the_same_on_both_databases(database: Database) -> None:
    ledger = told(database)

    follow(ledger, batch=50)

    assert all_rows(ledger) == expected(ledger)


def test_after_every_story_a_rebuild_of_the_same_code_is_identical(sqlite_url: str) -> None:
    views = list(PROJECTIONS)
    with opened(sqlite_url) as database:
        ledger = told(database, "payment-accepted")
        for number, name in enumerate(STORIES):
            tell(ledger, name, formats=[MIXED], seed=13)
            follow(ledger)
            done = rebuilt(ledger, views[number % len(views)])

            assert done.is_identical, (name, done.differences)
            assert done.against is not None
            assert done.differences[0].digests[0] == done.differences[0].digests[1]
        assert all_rows(ledger) == expected(ledger)


@pytest.mark.parametrize("name", list(PROJECTIONS))
def test_a_rebuild_of_all_stories_is_identical(postgres_stories: Ledger, name: str) -> None:
    done = rebuilt(postgres_stories, name, workers=3)

    assert done.is_identical
    assert done.is_live
    assert [one.differing for one in done.differences] == [0] * len(PROJECTIONS[name].all_tables)


@SLOW
@given(data=st.data())
def test_any_batches_leave_the_same_rows(sqlite_stories: Ledger, data: st.DataObject) -> None:
    ledger = sqlite_stories
    name = data.draw(st.sampled_from(list(PROJECTIONS)))
    view = PROJECTIONS[name]
    with ledger.database.begin() as connection:
        generation = g.create_generation(connection, view, state=g.BUILT)
    until = ledger.events.high_water_mark() or 0
    follower = Follower(ledger.database, generation, view)

    while follower.position() < until:
        follower.step(until, data.draw(st.integers(20, until)))

    shown = rows(ledger, name, generation)
    with ledger.database.begin() as connection:
        g.drop_generation(connection, generation)
    assert shown == rows(ledger, name)


@SLOW
@given(data=st.data())
def test_any_shards_and_interruptions_leave_the_same_rows(
    postgres_stories: Ledger, data: st.DataObject
) -> None:
    ledger = postgres_stories
    name = data.draw(st.sampled_from(list(PROJECTIONS)))
    count = data.draw(st.integers(1, 5))
    with ledger.database.begin() as connection:
        generation = g.create_generation(
            connection, PROJECTIONS[name], state=g.BUILDING, shards=count
        )
    url = ledger.database.engine.url.render_as_string(hide_password=False)
    place = Place(url, generation.id, name)
    until = ledger.events.high_water_mark() or 0
    ends = [*sorted(data.draw(st.lists(st.integers(1, until), max_size=2))), until]

    with pytest.MonkeyPatch.context() as patched:
        for end in ends:  # each time it is taken up again, the log has grown
            patched.setattr(parts, "BATCH", data.draw(st.integers(50, 2 * until)))
            patched.setattr(filling, "TURN", data.draw(st.integers(until // 10, until)))
            for shard in data.draw(st.permutations(range(count))):
                parts.fill_part(parts.Part(place, shard, count, end))
            make_keys(place, count)
            for shard in range(count):
                merge_some(ledger, generation, data.draw(st.integers(0, 3)), shard)
    for shard in range(count):
        merge_waiting(place, shard)
    make_groups(place)

    with ledger.database.connect() as connection:
        tables, suffix = inspect(connection).get_table_names(), f"_g{generation.id}"
    shown = rows(ledger, name, generation)
    with ledger.database.begin() as connection:
        g.drop_generation(connection, generation)
    assert not [one for one in tables if one.startswith("waiting") and one.endswith(suffix)]
    assert shown == rows(ledger, name)


STORIES_SHOWN = (
    "payment-split",
    "refunded-in-part",
    "changed-and-cancelled",
    "subscription-instalment-tried-again",
    "alias-created-and-updated",
    "capture-failed",
)


@pytest.mark.parametrize("name", STORIES_SHOWN)
def test_the_rows_of_a_story_are_as_they_were_once_checked_by_hand(
    database: Database, name: str
) -> None:
    ledger = told(database, name, formats=[REST])

    follow(ledger)

    assert shown(ledger) == (GOLDEN / f"{name}.txt").read_text()


OF_DELIVERIES = ("notification_id", "received_at", "first_seen_at", "last_seen_at")


def shown(ledger: Ledger) -> str:
    """Every table, row by row, without what was not told and what depends on the deliveries."""
    lines = []
    for table, found in all_rows(ledger).items():
        lines.append(f"## {table}")
        for row in found:
            told = {
                name: value
                for name, value in row.items()
                if value is not None and name not in OF_DELIVERIES
            }
            lines.append("  " + "  ".join(f"{name}={value}" for name, value in told.items()))
    return "\n".join(lines) + "\n"


def test_a_refund_that_names_only_its_payment_is_of_the_same_order(database: Database) -> None:
    """Whichever of the two is heard first, and also when they are far apart in the log."""
    ledger = a_ledger(database)
    payment = a_rest("a" * 32, "DEBIT", "CAPTURED", 5000, order_id="F-1")
    refund = a_rest("b" * 32, "CREDIT", "CAPTURED", 2000, parent="a" * 32)
    early = a_rest("c" * 32, "CREDIT", "CAPTURED", 300, parent="d" * 32)
    late = a_rest("d" * 32, "DEBIT", "AUTHORISED", 900, order_id="F-2")
    prepare_views(database)

    for body in (payment, early, refund, late):
        assert receive(ledger, body).outcome == "recorded"
        follow(ledger, batch=1)

    found = {one["order_id"]: one for one in rows(ledger, "orders")["orders"]}
    assert {
        name: (one["captured_minor"], one["refunded_minor"], one["open_minor"])
        for name, one in found.items()
    } == {"F-1": (5000, 2000, 0), "F-2": (0, 300, 900)}
    assert found["F-1"]["balance_minor"] == 3000
    assert rows(ledger, "orders")["orders"] == expected(ledger)["orders"]


def a_rest(
    uuid: str,
    operation: str,
    status: str,
    amount: int,
    *,
    order_id: str | None = None,
    parent: str | None = None,
) -> bytes:
    answer = an_answer(
        uuid=uuid, operationType=operation, detailedStatus=status, amount=amount, orderStatus="PAID"
    )
    details = answer["transactions"][0]["transactionDetails"]
    details.pop("parentTransactionUuid", None)
    details["effectiveAmount"] = amount
    if parent:
        details["parentTransactionUuid"] = parent
    answer["orderDetails"]["orderId"] = order_id
    return rest_body(answer)


def test_amounts_beyond_the_platform_never_make_a_sum_overflow(database: Database) -> None:
    ledger = a_ledger(database)
    prepare_views(database)
    for number in range(12):
        uuid = f"{number:032x}"
        receive(ledger, a_rest(uuid, "DEBIT", "CAPTURED", 10**18 - 1, order_id="F-1"))
    receive(ledger, a_rest("f" * 32, "DEBIT", "CAPTURED", 500, order_id="F-1"))

    follow(ledger)

    (order,) = rows(ledger, "orders")["orders"]
    assert order["transactions"] == 13
    assert order["captured_minor"] == 500
    assert poison(ledger, "orders") == poison(ledger, "totals") == []
    assert rebuilt(ledger, "totals").is_identical
