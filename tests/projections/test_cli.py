"""`ledger rebuild` and `ledger projections`, as an operator meets them."""

import json
import re
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from ledger.application import Ledger
from ledger.errors import ConflictError
from ledger.projections.engine.generations import drop_generation
from ledger.projections.engine.rebuild_as_of import write_as_of
from ledger.projections.engine.registry import PROJECTIONS
from tests.builders import NOON
from tests.cli.test_check import environment, key, run
from tests.conftest import opened
from tests.projections.brute_force import expected
from tests.projections.helpers import (
    follow,
    live,
    log_end,
    make_other_code,
    poison,
    rebuilt,
    receive_stories,
    rows,
    rows_of,
    silent,
)
from tests.projections.test_poison import UNDECODABLE, append


@pytest.fixture
def ledger(seven_stories_on_sqlite: Ledger) -> Ledger:
    follow(seven_stories_on_sqlite)
    return seven_stories_on_sqlite


@pytest.fixture
def environ(tmp_path: Path, ledger: Ledger) -> dict[str, str]:
    url = ledger.database.engine.url.render_as_string(hide_password=False)
    return environment(tmp_path, key()) | {"LEDGER_DATABASE_URL": url}


def test_a_rebuild_reports_what_it_compared_and_how_far_it_is(
    ledger: Ledger, environ: dict[str, str]
) -> None:
    until = ledger.events.high_water_mark()

    result = run(environ, "rebuild", "orders")

    assert result.exit_code == 0
    first, *tables = result.stdout.splitlines()
    assert first == f"orders\tidentical\tlive at {until}"
    assert [table.split(":")[0].strip() for table in tables] == ["order_lines", "orders"]
    counted = r"(building|catching up) \d+/\d+ positions(, [1-9][\d,]*/s)?(, \d+ s left)?"
    step = re.compile(rf"orders: ({counted}|merging|grouping|indexing|comparing)")
    assert [line for line in result.stderr.splitlines() if not step.fullmatch(line)] == []
    assert f"orders: building {until}/{until} positions" in result.stderr
    assert "\x1b" not in result.stderr


def test_a_rebuilt_model_that_differs_from_the_same_code_is_reported_and_exits_1(
    ledger: Ledger, environ: dict[str, str]
) -> None:
    table = f"orders_g{live(ledger, 'orders').id}"
    with ledger.database.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {table} SET captured_minor = captured_minor + 1")

    result = run(environ, "rebuild", "orders", "--dry-run")

    assert result.exit_code == 1
    assert result.stdout.startswith("orders\tdifferent\tbuilt, not read at ")
    assert re.search(r"captured_minor \d+ → \d+", result.stdout)


def test_an_unknown_name_is_refused_before_anything_begins(environ: dict[str, str]) -> None:
    result = run(environ, "rebuild", "orders", "nothing")

    assert result.exit_code == 1
    assert result.stderr.startswith("error: no projection nothing; there are transactions, ")


@pytest.mark.parametrize("option_and_value", [("--as-of", "2026-01-01"), ("--into", "x.sqlite")])
def test_as_of_and_into_belong_together(
    environ: dict[str, str], option_and_value: tuple[str, str]
) -> None:
    assert run(environ, "rebuild", "orders", *option_and_value).exit_code == 2


def test_status_compare_and_prune_in_text(ledger: Ledger, environ: dict[str, str]) -> None:
    until = ledger.events.high_water_mark()
    append(ledger.database, UNDECODABLE)
    follow(ledger)
    rebuilt(ledger, "orders")

    status = run(environ, "projections", "status")
    same = run(environ, "projections", "compare", "orders")
    alone = run(environ, "projections", "compare", "totals")
    pruned = run(environ, "projections", "prune")
    again = run(environ, "projections", "prune")

    table = [line.split("\t") for line in status.stdout.splitlines()]
    assert [row[0] for row in table] == sorted(
        [*PROJECTIONS, "orders"], key=list(PROJECTIONS).index
    )
    assert f"passed over #{(until or 0) + 1} transaction.captured: DecodeError" in status.stderr
    assert all(row[4:7] == ["0", "0", "this code"] for row in table)
    assert (same.exit_code, same.stdout.count("0 differ")) == (0, 2)
    assert (alone.exit_code, alone.stdout) == (0, "")
    assert alone.stderr == "totals: one generation only, nothing to compare with\n"
    assert re.match(r"dropped orders generation \d+ \(retired, [0-9a-f]{12}\)\n", pruned.stdout)
    assert (again.stdout, again.stderr) == ("", "0 generations dropped\n")


def test_a_rebuild_that_was_stopped_says_how_it_goes_on(
    ledger: Ledger, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    echo = click.echo

    def stop_at_indexes(message: object = None, **options: Any) -> None:
        if message == "orders: indexing":
            raise KeyboardInterrupt
        echo(message, **options)

    with monkeypatch.context() as patch:
        patch.setattr("click.echo", stop_at_indexes)
        stopped = run(environ, "rebuild", "orders", "--workers", "1")
    status = run(environ, "projections", "status")
    done = run(environ, "rebuild", "orders", "--workers", "1")

    assert stopped.exit_code == 1
    assert stopped.stderr.endswith("stopped; it goes on with the next `ledger rebuild`\n")
    (row,) = [line.split("\t") for line in status.stdout.splitlines() if "\tstopped\t" in line]
    assert (row[0], row[4:6]) == ("orders", ["-", "-"])
    assert "its rebuild was stopped; `ledger rebuild orders` goes on with it" in status.stderr
    assert done.exit_code == 0
    assert done.stdout.startswith("orders\tidentical\tlive at ")


def test_a_machine_reads_that_there_is_nothing_to_compare_with(
    ledger: Ledger, environ: dict[str, str]
) -> None:
    alone = run(environ, "projections", "compare", "totals", "--json")

    assert alone.exit_code == 0
    assert json.loads(alone.stdout) == {
        "name": "totals",
        "before": None,
        "after": None,
        "tables": [],
    }


@pytest.mark.parametrize("command", ["compare", "prune"])
def test_a_read_model_that_there_is_not_is_refused(environ: dict[str, str], command: str) -> None:
    done = run(environ, "projections", command, "nothing")

    assert (done.exit_code, done.stdout) == (1, "")
    assert "no projection nothing" in done.stderr


def test_status_and_compare_for_machines(ledger: Ledger, environ: dict[str, str]) -> None:
    rebuilt(ledger, "orders")
    receive_stories(ledger, "duplicated")
    table = f"orders_g{live(ledger, 'orders').id}"
    with ledger.database.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM {table}")

    status = json.loads(run(environ, "projections", "status", "--json").stdout)
    result = run(environ, "projections", "compare", "orders", "--json")

    assert status["stale"] == []
    shown = status["generations"]
    assert [generation["state"] for generation in shown if generation["name"] == "orders"] == [
        "retired",
        "live",
    ]
    assert all(generation["lag"] > 0 and generation["lag_seconds"] >= 0 for generation in shown)
    compared = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [table["differing"] > 0 for table in compared["tables"]] == [False, True]
    assert compared["tables"][1]["rows"][1] == 0


def test_prune_says_what_another_version_has_built_and_keeps_it(
    ledger: Ledger, environ: dict[str, str]
) -> None:
    make_other_code(ledger, rebuilt(ledger, "orders", is_dry=True).generation)

    kept = run(environ, "projections", "prune")
    forced = run(environ, "projections", "prune", "--force")

    assert kept.stdout == ""
    assert re.fullmatch(
        r"kept orders generation \d+ \(built, 0123456789ab\); --force drops it too\n"
        r"0 generations dropped\n",
        kept.stderr,
    )
    assert forced.stdout.startswith("dropped orders generation ")


def test_migrate_says_which_read_models_are_new(ledger: Ledger, environ: dict[str, str]) -> None:
    assert run(environ, "migrate").stderr == "nothing to apply\n"
    make_other_code(ledger, live(ledger, "totals"))
    generation = live(ledger, "orders")
    with ledger.database.begin() as connection:
        drop_generation(connection, generation)

    migrated = run(environ, "migrate")

    steps = [line.split("`")[1] for line in migrated.stderr.splitlines() if "`" in line]
    assert steps == ["ledger rebuild", "ledger projections prune"]
    assert migrated.stdout.splitlines() == [
        "made the first generation of orders",
        "stale: totals; its code has changed, run `ledger rebuild totals`",
    ]


def test_a_model_as_of_a_day_is_that_of_the_events_known_then(
    seven_stories: Ledger, tmp_path: Path
) -> None:
    ledger = seven_stories
    until = log_end(ledger) // 2
    as_of = ledger.events.events_after(until - 1, 1)[0].event.timestamp
    known = [
        recorded
        for recorded in ledger.events.events_after(0, 1000)
        if recorded.event.timestamp <= as_of
    ]
    wanted = expected(ledger, until=known[-1].position)
    file = tmp_path / "then.sqlite"

    for name, model in PROJECTIONS.items():
        count, skipped = write_as_of(ledger, name, as_of=as_of, into=file, progress=silent)

        assert skipped == []
        assert 0 < count <= len(known)
        with opened(f"sqlite:///{file}") as then:
            for table in model.all_tables:
                assert rows_of(then, table.name) == wanted[table.name]
        with pytest.raises(ConflictError, match="already holds"):
            write_as_of(ledger, name, as_of=as_of, into=file, progress=silent)


def test_a_model_as_of_a_day_skips_what_nobody_can_read(
    ledger: Ledger, environ: dict[str, str], tmp_path: Path
) -> None:
    append(ledger.database, UNDECODABLE)
    file = tmp_path / "then.sqlite"
    as_of = (NOON + timedelta(days=1)).isoformat()

    done = run(environ, "rebuild", "orders", "--as-of", as_of, "--into", str(file))
    again = run(environ, "rebuild", "orders", "--as-of", as_of, "--into", str(file))
    other = run(environ, "rebuild", "totals", "--as-of", as_of, "--into", str(file))

    assert done.exit_code == other.exit_code == 0
    assert re.fullmatch(r"orders\t\d+ events\t.*\t1 event passed over\n", done.stdout)
    assert (again.exit_code, again.stderr) == (
        1,
        "error: the file already holds order_lines (conflict)\n",
    )
    shown = sqlite3.connect(file).execute("SELECT count(*) FROM orders").fetchone()[0]
    assert shown == len(rows(ledger, "orders")["orders"])
    assert poison(ledger, "orders") == []


def test_a_model_as_of_a_day_is_never_written_into_a_ledger(
    ledger: Ledger, environ: dict[str, str]
) -> None:
    path = environ["LEDGER_DATABASE_URL"].removeprefix("sqlite:///")

    result = run(environ, "rebuild", "orders", "--as-of", "2027-01-01", "--into", path)

    assert result.exit_code == 1
    assert "the file is a ledger itself" in result.stderr
