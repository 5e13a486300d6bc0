"""What `docs/changing-a-projection.md` walks through, done with two versions of the code; and
two servers beside each other."""

import os
import re
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select

from ledger.application import Ledger
from ledger.projections.engine.generations import all_generations
from ledger.projections.engine.generations import positions as shard_positions
from ledger.projections.engine.registry import PROJECTIONS
from ledger.proof.runner import LEASE
from ledger.storage.database import Database
from ledger.storage.tables import leases
from tests.conftest import opened
from tests.projections.brute_force import expected
from tests.projections.helpers import (
    all_rows,
    eventually,
    ledger_of,
    positions,
    receive_stories,
    rows_of,
)
from tests.projections.two_versions import (
    ROOT,
    copy_with_network_column,
    environment,
    run_ledger,
    serving,
    stale_models,
)

Environ = dict[str, str]


@pytest.fixture
def ledger(seven_stories_on_postgresql: Ledger) -> Ledger:
    return seven_stories_on_postgresql


@pytest.fixture
def old_code(ledger: Ledger, tmp_path: Path) -> Environ:
    return environment(tmp_path, url_of(ledger), ROOT)


@pytest.fixture
def new_code(ledger: Ledger, tmp_path: Path) -> Environ:
    """The next version: transactions show the acquirer's network as well."""
    return environment(tmp_path, url_of(ledger), copy_with_network_column(tmp_path / "next"))


def url_of(ledger: Ledger) -> str:
    return ledger.database.engine.url.render_as_string(hide_password=False)


def test_a_column_is_added_beside_what_is_read_taken_back_and_pruned(
    ledger: Ledger, old_code: Environ, new_code: Environ
) -> None:
    with ExitStack() as old_server:
        old_server.enter_context(serving(old_code))
        built = build_with_new_code(ledger, new_code)

        with serving(new_code):
            both_codes_follow_their_own(ledger, built)

            # what the old servers follow stays
            assert run_ledger(new_code, "projections", "prune").stdout == ""
            old_server.close()
            receive_stories(ledger, "refund-refused")
            eventually(lambda: reached(ledger, built) == ledger.events.high_water_mark())
            assert positions(ledger)["transactions"] < reached(ledger, built)

    # back to the old code: its generation is there and comes up to date by itself
    with serving(old_code):
        assert stale_models(old_code) == []
        eventually(lambda: all_rows(ledger) == expected(ledger))

    # forward for good: nobody follows the old one any more
    pruned = run_ledger(new_code, "projections", "prune").stdout
    assert re.fullmatch(r"dropped transactions generation 1 \(live, [0-9a-f]{12}\)\n", pruned)
    assert stale_models(old_code) == ["transactions"]


def build_with_new_code(ledger: Ledger, new_code: Environ) -> int:
    """Let the new code find its model stale, and build it; return the generation's id."""
    assert "stale: transactions; its code has changed" in run_ledger(new_code, "migrate").stdout
    assert stale_models(new_code) == ["transactions"]
    done = run_ledger(new_code, "rebuild", "transactions", "--workers", "2")
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    assert done.stdout.startswith("transactions\tsame rows, other columns\tlive at ")
    assert "new columns: network" in done.stdout
    with ledger.database.connect() as connection:
        return all_generations(connection, name="transactions")[-1].id


def both_codes_follow_their_own(ledger: Ledger, built: int) -> None:
    receive_stories(ledger, "duplicated")
    eventually(lambda: all_rows(ledger) == expected(ledger))
    networks = [
        recorded.event.facts.get("network") for recorded in ledger.events.events_after(0, 1000)
    ]
    assert any(networks)
    table = f"transactions_g{built}"
    count = len(all_rows(ledger)["transactions"])
    eventually(lambda: len(rows_of(ledger.database, table)) == count)
    assert any(row["network"] for row in rows_of(ledger.database, table))


def reached(ledger: Ledger, generation_id: int) -> int:
    with ledger.database.connect() as connection:
        return shard_positions(connection, generation_id)[0]


def test_of_two_servers_one_follows_and_the_other_takes_over_when_it_is_killed(
    postgres_url: str, tmp_path: Path
) -> None:
    environ = environment(tmp_path, postgres_url, ROOT)
    with opened(postgres_url) as database:
        ledger = ledger_of(database, "payment-accepted")
        with serving(environ) as (_, first):
            eventually(lambda: followed_by(database) == {first.pid})
            with serving(environ) as (port, second):
                simulated = run_ledger(
                    environ, "simulate", "--url", f"http://127.0.0.1:{port}", "--count", "20"
                )
                assert simulated.returncode == 0, simulated.stderr
                eventually(lambda: at_the_edge(ledger))
                assert all_rows(ledger) == expected(ledger)
                assert followed_by(database) == {first.pid}

                os.killpg(first.pid, signal.SIGKILL)
                first.wait()
                receive_stories(ledger, "refunded-in-part")

                eventually(lambda: at_the_edge(ledger))
                assert followed_by(database) == {second.pid}
                assert all_rows(ledger) == expected(ledger)
        with database.connect() as connection:
            held = set(connection.scalars(select(leases.c.name))) - {LEASE}  # may be the dead one's
    assert not held  # a server that stops in order lets others go on at once


def at_the_edge(ledger: Ledger) -> bool:
    return set(positions(ledger).values()) == {ledger.events.high_water_mark()}


def followed_by(database: Database) -> set[int]:
    """Return the services that hold the leases of all models: the parents of their workers."""
    of_models = select(leases.c.holder).where(leases.c.name != LEASE)
    with database.connect() as connection:
        holders = list(connection.scalars(of_models))
    if len(holders) != len(PROJECTIONS):
        return set()
    return {parent(int(holder.split(":")[1])) for holder in holders}


def parent(pid: int) -> int:
    try:
        return int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
