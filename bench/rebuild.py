"""`python -m bench.rebuild`: how fast a view is rebuilt, as a ratio to reading the events alone."""

import argparse
import os
import resource
import sqlite3
import tempfile
from pathlib import Path

import psycopg
from eventsourcing.persistence import Notification
from sqlalchemy import make_url

from bench.ground import fill_events, median, open_ledger, postgres_database, timed
from ledger.application import Ledger
from ledger.projections.generations import RETIRED, all_generations, drop_generation
from ledger.projections.rebuild import Rebuild

VIEW = "transactions"
LIBRARY_EVENTS = 1_500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--postgres-url", default=os.environ.get("LEDGER_BENCH_POSTGRES_URL"))
    parser.add_argument("--only", choices=["postgresql", "sqlite"])
    told = parser.parse_args()
    if told.postgres_url and told.only != "sqlite":
        with postgres_database(told.postgres_url, "ledger_bench") as url:
            on_postgresql(url, told.events, told.rounds, told.workers)
    if told.only != "postgresql":
        with tempfile.TemporaryDirectory() as folder:
            on_sqlite(Path(folder) / "bench.sqlite", told.events, told.rounds)


def on_postgresql(url: str, events: int, rounds: int, workers: int) -> None:
    with open_ledger(url) as ledger:
        count = fill_events(ledger, events)
        with ledger.database.engine.connect().execution_options(
            isolation_level="AUTOCOMMIT"
        ) as connection:
            connection.exec_driver_sql("VACUUM ANALYZE events")
        limits, rates = [], []
        for _ in range(rounds):
            limits.append(count / timed(lambda: copy_out(url)))
            rates.append(count / timed(lambda: rebuild(ledger, workers)))
        library = library_rate(ledger)
    print(f"postgresql, {count} events, {workers} workers, median of {rounds} rounds")
    show("COPY OUT of the events (limit)", limits, limits)
    show(f"rebuild of {VIEW}", rates, limits)
    print(f"  {'the library own ProjectionRunner':<40} {library:>10,.0f}/s")
    print(f"  rebuild / ProjectionRunner: {median(rates) / library:.0f}")
    show_memory()


def on_sqlite(path: Path, events: int, rounds: int) -> None:
    with open_ledger(f"sqlite:///{path}") as ledger:
        count = fill_events(ledger, events)
        limits, rates = [], []
        for _ in range(rounds):
            limits.append(count / timed(lambda: scan(path)))
            rates.append(count / timed(lambda: rebuild(ledger, 1)))
    print(f"sqlite, {count} events, median of {rounds} rounds")
    show("plain scan of the events (limit)", limits, limits)
    show(f"rebuild of {VIEW}", rates, limits)
    show_memory()


def rebuild(ledger: Ledger, workers: int) -> None:
    """The whole of it: fill, index, come to the live edge, switch."""
    Rebuild(ledger, VIEW, workers=workers, progress=lambda *_: None).run(is_compared=False)
    with ledger.database.begin() as connection:
        for one in all_generations(connection, VIEW):
            if one.state == RETIRED:
                drop_generation(connection, one)


def copy_out(url: str) -> None:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with (
        psycopg.connect(plain) as connection,
        connection.cursor() as cursor,
        cursor.copy("COPY events TO STDOUT") as copy,
    ):
        for _ in copy:
            pass


def scan(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        for _ in connection.execute("SELECT * FROM events ORDER BY position"):
            pass


def library_rate(ledger: Ledger) -> float:
    """The library's way: one event, one projection call, one transaction, on the same server.

    Its ProjectionRunner pulls notifications and processes each in a transaction of its own with
    its tracking record; this does exactly these database steps without its threads, which makes
    it faster than the real one.
    """
    from sqlalchemy import text

    with ledger.database.begin() as connection:
        connection.execute(
            text("CREATE TABLE IF NOT EXISTS bench_view (id uuid PRIMARY KEY, version bigint)")
        )
        connection.execute(
            text("CREATE TABLE IF NOT EXISTS bench_tracking (name text PRIMARY KEY, id bigint)")
        )

    def step(entry: Notification) -> None:
        event = ledger.read_entry(entry).event  # type: ignore[arg-type]
        with ledger.database.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO bench_view VALUES (:id, :version) ON CONFLICT (id)"
                    " DO UPDATE SET version = excluded.version"
                ),
                {"id": event.originator_id, "version": event.originator_version},
            )
            connection.execute(
                text(
                    "INSERT INTO bench_tracking VALUES ('view', :id) ON CONFLICT (name)"
                    " DO UPDATE SET id = excluded.id"
                ),
                {"id": entry.id},
            )

    def run() -> None:
        for entry in ledger.recorder.select_notifications(1, LIBRARY_EVENTS):
            step(entry)

    return LIBRARY_EVENTS / timed(run)


def show(what: str, rates: list[float], limits: list[float]) -> None:
    ratio = median([rate / limit for rate, limit in zip(rates, limits, strict=True)])
    print(f"  {what:<40} {median(rates):>10,.0f}/s   ratio {ratio:.2f}")


def show_memory() -> None:
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"  peak memory: {own:.0f} MiB here, {workers:.0f} MiB in a worker")


if __name__ == "__main__":
    main()
