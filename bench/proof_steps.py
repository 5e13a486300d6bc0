"""Single steps on a ledger that has a log: sequencing, verifying, erasing, and its size."""

from dataclasses import replace
from time import perf_counter, sleep
from typing import Any

from sqlalchemy import create_engine, func, select

from bench.ground import timed
from bench.verify import DELIVERIES, EVENTS, scan
from ledger.application import Ledger
from ledger.audit.check_names import LOG
from ledger.audit.run_checks import Audit
from ledger.instants import utc_now
from ledger.privacy.erasure import Eraser
from ledger.privacy.persons import PersonIndex
from ledger.privacy.selection import select_origins
from ledger.proof.bundle import bundle_files, zipped
from ledger.proof.checkpoints import sign_checkpoint
from ledger.proof.collect import bundle_name, bundle_of, streams_of
from ledger.proof.log_key import open_signer
from ledger.proof.sequencer import Sequencer
from ledger.proof.signer import LogSigner
from ledger.queries.find_by_name import TRANSACTION
from ledger.storage.tables import events, notifications
from web import create_app
from web.pages.printed_history import printed_histories

LOG_ROWS = (
    "SELECT * FROM log_entries ORDER BY log, entry_index",
    DELIVERIES,
    EVENTS,
    "SELECT * FROM bodies",
    "SELECT * FROM origin_secrets",
)
"""The rows that the check of the log reads."""
IS_IN_LOG = (
    "SELECT coalesce((SELECT max(place) FROM notifications), 0)"
    " <= coalesce((SELECT max(place) FROM log_progress WHERE source = 'delivery'), 0)"
)
IS_FOLLOWED = (
    "SELECT coalesce((SELECT max(position) FROM events), 0) <= min(p.position)"
    " FROM generation_positions p JOIN generations g ON g.id = p.generation_id"
    " WHERE g.state = 'live'"
)
SECONDS_MAX = 60


def seconds_until(url: str, is_done: str) -> float:
    """Return the seconds until a question is answered with yes, or the most that is waited."""
    began = perf_counter()
    while not _scalar(url, is_done) and perf_counter() - began < SECONDS_MAX:
        sleep(0.05)
    return perf_counter() - began


def sequence_and_sign(ledger: Ledger) -> None:
    """Write the entries of everything, and sign them."""
    Sequencer(ledger.database, ledger.sealing).catch_up()
    sign_checkpoint(ledger.database, _signer(ledger), utc_now)


def verify_log_seconds(ledger: Ledger, url: str) -> tuple[float, float]:
    """Return the seconds of `ledger verify --only log`, and those of reading the same rows."""
    seconds = timed(lambda: scan(url, LOG_ROWS))
    return timed(lambda: _verify_log(ledger)), seconds


def bundle_seconds(ledger: Ledger) -> float:
    """Return the seconds of a bundle with its pages, of the transaction with the most events."""
    c = events.c
    longest = (
        select(c.originator_id)
        .where(c.topic.like("transaction.%"))
        .group_by(c.originator_id)
        .order_by(func.max(c.originator_version).desc())
        .limit(1)
    )
    with ledger.database.connect() as connection:
        id_ = connection.execute(longest).scalar_one()
    first = ledger.events.history(id_)[0].event
    app = create_app(ledger.settings, ledger)

    def make() -> None:
        streams = streams_of(ledger, TRANSACTION, first.shop_id, first.mode, first.reference)
        title = bundle_name(TRANSACTION, first.reference)
        with app.test_request_context():
            bundle = bundle_of(ledger, title, streams)
            pages = printed_histories(title, streams, bundle.checkpoint)
        bundle = replace(bundle, pages=pages)
        zipped(bundle_files(bundle, facts_only=False))

    return timed(make)


def erase(ledger: Ledger, count: int) -> tuple[int, float]:
    """Erase the oldest deliveries with all that belongs to them. Shape: how many, seconds."""
    PersonIndex(ledger).catch_up()
    oldest = select(notifications.c.id).order_by(notifications.c.place).limit(count)
    eraser = Eraser(ledger, _signer(ledger))
    erased: list[str] = []

    def run() -> None:
        with ledger.database.connect() as connection:
            selection = select_origins(connection, [*connection.scalars(oldest)])
        done = eraser.erase(selection, reason="benchmark", by_whom="bench")
        erased.extend(done.selection.origin_ids)

    seconds = timed(run)
    return len(erased), seconds


def sealed_bytes(url: str) -> int:
    """Return the bytes of all sealed bodies."""
    return int(_scalar(url, "SELECT sum(length(body)) FROM bodies"))


def bodies_bytes(url: str) -> int:
    """Return what the table of sealed contents takes, without its index."""
    if url.startswith("sqlite"):
        return int(_scalar(url, "SELECT sum(pgsize) FROM dbstat WHERE name = 'bodies'"))
    parts = "SELECT sum(pg_table_size(relid)) FROM pg_partition_tree('bodies')"
    return int(_scalar(url, parts))


def stored_bytes(url: str) -> int:
    """Return what all tables take, with their indexes."""
    if url.startswith("sqlite"):
        return int(_scalar(url, "SELECT sum(pgsize) FROM dbstat"))
    tables = (
        "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c"
        " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    )
    return int(_scalar(url, tables))


def table_bytes(url: str) -> dict[str, int]:
    """Return what each table takes with its indexes, the largest first; parts count as one."""
    if url.startswith("sqlite"):
        query = (
            "SELECT m.tbl_name, sum(d.pgsize) FROM dbstat d JOIN sqlite_master m USING (name)"
            " GROUP BY m.tbl_name ORDER BY 2 DESC"
        )
    else:
        query = (
            "SELECT pg_partition_root(c.oid)::regclass::text, sum(pg_total_relation_size(c.oid))"
            " FROM pg_class c WHERE relkind = 'r' AND relispartition"
            " AND relnamespace = 'public'::regnamespace GROUP BY 1 UNION ALL"
            " SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r'"
            " AND NOT relispartition AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC"
        )
    return {str(name): int(size) for name, size in _rows(url, query)}


def settle(url: str) -> None:
    """Let the database clean up and count its rows, as a server does by itself before long."""
    _scalar(url, "ANALYZE" if url.startswith("sqlite") else "VACUUM ANALYZE")


def _verify_log(ledger: Ledger) -> None:
    faults = list(Audit(ledger, only=(LOG,)).faults())
    assert not faults, faults[:3]


def _signer(ledger: Ledger) -> LogSigner:
    signer = open_signer(ledger.settings, ledger.database)
    assert signer is not None, "a checkout has a key of its own"
    return signer


def _scalar(url: str, statement: str) -> Any:
    rows = _rows(url, statement)
    return rows[0][0] if rows else None


def _rows(url: str, statement: str) -> list[Any]:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            result = connection.exec_driver_sql(statement)
            return list(result) if result.returns_rows else []
    finally:
        engine.dispose()
