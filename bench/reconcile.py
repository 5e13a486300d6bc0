"""Measures importing and reconciling a day of payments against reading the same file alone, and
what receiving takes meanwhile."""

import resource
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, Table, insert

from bench.bodies import write_bodies
from bench.figures import Goal, Sheet
from bench.ground import SHOP_ID, Extent, apart, median, open_ledger, timed
from bench.load import Load
from bench.paced import send_at_pace
from bench.servers import ledger as serving
from bench.servers import served
from ledger.queries.live_tables import live_table
from ledger.reconciliation.files import chunks_of, import_file
from ledger.reconciliation.journal_reading import read_journal
from ledger.reconciliation.report import make_report
from ledger.reconciliation.report_store import Scope

DAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 12, 9, tzinfo=UTC)
NAME = "TEST_JT_BENCH_12345678_260310.csv"
MISSING_EVERY = 100
"""Of so many payments one was never told."""
CALLS_PER_SECOND = 20
"""Of a large shop, in the middle of the day."""
GOAL_ROWS, SECONDS_MAX, MIB_MAX = 1_000_000, 60, 300
_LABELS = (
    "TRANSACTION_ID;CONTRACT;TRANSACTION_TYPE;AMOUNT;CURRENCY_CODE;PAYMENT_DATE;PAYMENT_TIME;"
    "ORDER_ID;TRANSACTION_STATUS"
)


def on_postgresql(url: str, extent: Extent) -> list[Sheet]:
    return [_measure("PostgreSQL", url, extent)]


def on_sqlite(folder: Path, extent: Extent) -> list[Sheet]:
    return [_measure("SQLite", f"sqlite:///{folder / 'reconcile.sqlite'}", extent)]


def _measure(database: str, url: str, extent: Extent) -> Sheet:
    count = extent.events
    with TemporaryDirectory(prefix="ledger-bench-") as folder:
        file = Path(folder) / NAME
        _write_journal(file, count)
        with open_ledger(url) as ledger, ledger.database.begin() as connection:
            _tell(connection, count)
        read_seconds = timed(lambda: _read(file))
        with _receiving(url, Path(folder), extent) as receive, ThreadPoolExecutor(1) as pool:
            alone, beside = [receive() for _ in range(extent.rounds)], []
            reconciling = pool.submit(apart, _reconcile, url, file)
            while not reconciling.done():
                beside.append(receive())
        import_seconds, reconcile_seconds, memory_mib = reconciling.result()
    sheet = Sheet("reconcile", database, f"a day of {count} payments, 1 % of them never told")
    rows_read = sheet.add("read the rows alone", rate=count / read_seconds).rate
    for arm, seconds in (("import", import_seconds), ("reconcile", reconcile_seconds)):
        sheet.add(arm, rate=count / seconds, ratio=read_seconds / seconds, of="reading alone")
    both = import_seconds + reconcile_seconds
    goal = Goal(high=SECONDS_MAX * max(1.0, count / GOAL_ROWS))
    sheet.add("both", value=both, unit="s", ratio=both, of="1 s", goal=goal)
    sheet.add("  memory", ratio=memory_mib, of="1 MiB", goal=Goal(high=MIB_MAX))
    sheet.figures[-1].memory_mib = memory_mib
    assert rows_read
    _add_receiving(sheet, alone, beside)
    return sheet


@contextmanager
def _receiving(url: str, folder: Path, extent: Extent) -> Iterator[Callable[[], Load]]:
    """Serve, and yield what sends calls for some seconds at a steady pace: new ones as long as
    there are any."""
    calls = extent.seconds * CALLS_PER_SECOND
    write_bodies(folder / "bodies", calls * (extent.rounds + 2 + extent.events // 40_000), "beside")
    bodies = cycle((folder / "bodies").read_bytes().splitlines())
    with served(serving(1, 4), url) as service:
        yield lambda: send_at_pace(
            service.url, list(islice(bodies, calls)), per_second=CALLS_PER_SECOND
        )


def _add_receiving(sheet: Sheet, alone: Sequence[Load], beside: Sequence[Load]) -> None:
    """Add what receiving took: the median of some seconds each, and the worst of them."""
    by_arm = {"receiving alone": alone, "receiving while reconciling": beside}
    for arm, loads in by_arm.items():
        figure = sheet.add(arm)
        figure.p50_ms = median([load.p50_ms for load in loads])
        figure.p99_ms = max(load.p99_ms for load in loads)
        figure.errors = sum(load.errors for load in loads)
    figure.ratio = max(each.p99_ms for each in beside) / max(each.p99_ms for each in alone)
    figure.of = "p99 alone, the worst of each"


def _write_journal(file: Path, count: int) -> None:
    with file.open("w", encoding="ascii") as stream:
        stream.write("TITRE;BENCH;26/03/11_02:04:00;TABLE_V_CUSTOM\n")
        stream.write(f"ENTETE;{_LABELS}\n")
        for number in range(count):
            paid_at = _paid_at(number)
            stream.write(
                f"TRANSACTION;{_short_number(number)};1234567;DEBIT;{1000 + number % 9000};978;"
                f"{paid_at:%Y%m%d};{paid_at:%H%M%S};CMD-{number // 2};AUTHORISED\n"
            )


def _short_number(number: int) -> str:
    return f"{number * 7919 % 900_000:06d}"


def _paid_at(number: int) -> datetime:
    return datetime(2026, 3, 10, tzinfo=UTC) + timedelta(seconds=number * 48_611 % 86_400)


def _tell(connection: Connection, count: int) -> None:
    """Fill the read model as if all payments of the day had been told but some."""
    table, _, _ = live_table(connection, "transactions", "transactions")
    rows = (_row(table, number) for number in range(count) if number % MISSING_EVERY)
    while chunk := list(islice(rows, 10_000)):
        connection.execute(insert(table), chunk)


def _row(table: Table, number: int) -> dict[str, object]:
    written = _paid_at(number).isoformat()
    row: dict[str, object] = {c.name: None if c.nullable else 0 for c in table.columns}
    return row | {
        "id": f"{number:032x}",
        "reference": f"{number:032x}",
        "uuid": f"{number:032x}",
        "shop_id": SHOP_ID,
        "mode": "TEST",
        "order_id": f"CMD-{number // 2}",
        "operation_type": "DEBIT",
        "status": "AUTHORISED",
        "amount_minor": 1000 + number % 9000,
        "currency": "EUR",
        "trans_id": _short_number(number),
        "contract": "1234567",
        "created_at": written,
        "first_seen_at": written,
        "last_changed_at": written,
    }


def _read(file: Path) -> None:
    with file.open("rb") as stream:
        for _ in read_journal(chunks_of(stream), NAME, {}).rows():
            pass


def _reconcile(url: str, file: Path) -> tuple[float, float, float]:
    """Import and reconcile in a process of its own. Units: seconds, seconds, MiB at the peak."""
    with open_ledger(url) as ledger, file.open("rb") as stream:
        import_seconds = timed(
            lambda: import_file(ledger, chunks_of(stream), NAME, by_whom="bench", now=NOW)
        )
        scope = Scope(SHOP_ID, "TEST", DAY, DAY)
        reconcile_seconds = timed(lambda: make_report(ledger, scope, NOW))
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return import_seconds, reconcile_seconds, peak_mib
