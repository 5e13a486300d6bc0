"""Pruning drops what nobody reads, and nothing that somebody follows or is about to read."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from ledger.application import Ledger
from ledger.errors import NotFoundError
from ledger.projections.engine.follow import Follower
from ledger.projections.engine.generations import (
    BUILDING,
    BUILT,
    LIVE,
    Generation,
    create_generation,
)
from ledger.projections.engine.leases import release_leases, take_lease
from ledger.projections.engine.registry import PROJECTIONS
from ledger.projections.engine.status import prune
from ledger.storage.database import Database
from ledger.storage.tables import generation_positions
from tests.projections.brute_force import expected
from tests.projections.helpers import (
    all_rows,
    follow,
    ledger_of,
    make_other_code,
    rebuilt,
    set_columns,
    states,
)


def test_what_was_retired_is_pruned_and_what_a_server_of_other_code_follows_stays(
    database: Database,
) -> None:
    ledger = ledger_of(database, "payment-accepted")
    follow(ledger)
    rebuilt(ledger, "totals")
    with database.begin() as connection:
        of_other_code = create_generation(connection, PROJECTIONS["orders"], state=LIVE)
        assert take_lease(connection, of_other_code.lease_name, "an old server", seconds=60)
    make_other_code(ledger, of_other_code)

    pruned = prune(ledger)

    assert [words.split(" (")[0][:17] for words in pruned.dropped] == ["totals generation"]
    assert [words.split()[0] for words in pruned.kept] == ["orders"]
    assert states(ledger, "totals") == [LIVE]
    assert states(ledger, "orders") == [LIVE, LIVE]
    with database.begin() as connection:
        release_leases(connection, "an old server")
    assert len(prune(ledger).dropped) == 1
    with pytest.raises(NotFoundError):
        Follower(database, of_other_code).step(100)
    assert all_rows(ledger) == expected(ledger)


@pytest.mark.parametrize("state", [BUILDING, BUILT])
def test_what_other_code_has_built_is_kept_for_a_day_unless_it_is_forced(
    seven_stories_on_sqlite: Ledger, state: str
) -> None:
    ledger = seven_stories_on_sqlite
    follow(ledger)
    dry = rebuilt(ledger, "orders", is_dry=True).generation
    make_other_code(ledger, dry)
    set_columns(ledger, dry, state=state)

    kept_today = prune(ledger)
    let_a_day_pass(ledger, dry)
    dropped_tomorrow = prune(ledger)

    assert (kept_today.dropped, len(kept_today.kept)) == ([], 1)
    assert kept_today.kept[0].startswith(f"orders generation {dry.id} ({state}, ")
    assert (dropped_tomorrow.dropped, dropped_tomorrow.kept) == (kept_today.kept, [])


def test_what_other_code_has_built_is_dropped_at_once_when_it_is_forced(
    seven_stories_on_sqlite: Ledger,
) -> None:
    ledger = seven_stories_on_sqlite
    follow(ledger)
    make_other_code(ledger, rebuilt(ledger, "orders", is_dry=True).generation)

    assert len(prune(ledger, is_forced=True).dropped) == 1
    assert states(ledger, "orders") == [LIVE]


def let_a_day_pass(ledger: Ledger, generation: Generation) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=1, seconds=1)
    set_columns(ledger, generation, changed_at=long_ago)
    is_of_generation = generation_positions.c.generation_id == generation.id
    with ledger.database.begin() as connection:
        connection.execute(
            update(generation_positions).where(is_of_generation).values(moved_at=long_ago)
        )
