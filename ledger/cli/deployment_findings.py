"""Check what surrounds the ledger: its files, its role in the database, the proxy in front."""

import os
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from sqlalchemy import func, select, text

from ledger.cli.shop_findings import FAULT, OK, WARNING, Finding
from ledger.queries.activity import latest_peers
from ledger.settings import Settings
from ledger.storage.database import Database
from ledger.storage.service_role import changeable_tables, missing_rights

LARGE_BYTES = 32 * 1024 * 1024
_WITHOUT_STATISTICS = text(
    "SELECT t.relname FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace"
    " WHERE t.relkind = 'r' AND pg_table_is_visible(t.oid) AND n.nspname <> 'pg_catalog'"
    " AND has_table_privilege(t.oid, 'SELECT') AND pg_relation_size(t.oid) >= :bytes"
    " AND NOT EXISTS (SELECT FROM pg_stats s"
    " WHERE s.schemaname = n.nspname AND s.tablename = t.relname) ORDER BY 1"
)
SLOT_BYTES = 64 * 1024 * 1024
_UNREAD_SLOTS = text(
    "SELECT slot_name, coalesce(wal_status, '') AS wal_status, coalesce(pg_wal_lsn_diff("
    " CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,"
    " restart_lsn), 0)::bigint AS bytes FROM pg_replication_slots WHERE NOT active ORDER BY 1"
)


def deployment_findings(database: Database, settings: Settings) -> Iterator[Finding]:
    """Report what others could read or change, and whether callers can be told apart."""
    if database.is_sqlite:
        yield from _file_findings(Path(database.engine.url.database or ""))
    else:
        yield _role_finding(database)
        yield from statistics_findings(database)
        yield from slot_findings(database)
    yield from _proxy_findings(database, settings)


def _file_findings(path: Path) -> Iterator[Finding]:
    """Report which files of an SQLite database others on this machine can read or change."""
    files = (path.with_name(path.name + ending) for ending in ("", "-wal", "-shm"))
    open_files = [file for file in files if file.exists() and file.stat().st_mode & 0o077]
    if os.name == "posix" and open_files:
        names = " ".join(map(str, open_files))
        message = f"others on this machine can read or change it: chmod 600 {names}"
        yield Finding(WARNING, "database", message)


def _role_finding(database: Database) -> Finding:
    """Report what the role of this connection may do to what was recorded."""
    with database.connect() as connection:
        role = connection.scalar(select(func.current_user()))
        missing, changeable = missing_rights(connection), changeable_tables(connection)
    if missing:
        remedy = f"as the owner, run `ledger migrate --service-role {role}`"
        return Finding(FAULT, "role", f"{role} lacks {', '.join(missing)}: {remedy}")
    if changeable:
        tables = ", ".join(sorted(changeable))
        remedy = "give the service a role of its own, as docs/how-to/run-in-production.md says"
        return Finding(WARNING, "role", f"{role} could change {tables}: {remedy}")
    return Finding(OK, "role", f"{role} adds to what was recorded and cannot change it")


def statistics_findings(database: Database) -> Iterator[Finding]:
    """Report large tables that the server knows nothing of, as after an upgrade or a restore."""
    with database.connect() as connection:
        tables = list(connection.scalars(_WITHOUT_STATISTICS, {"bytes": LARGE_BYTES}))
    if tables:
        message = f"the server has no statistics of {', '.join(tables)}: run ANALYZE"
        yield Finding(WARNING, "database", f"{message}; until then its plans are guesses")


def slot_findings(database: Database) -> Iterator[Finding]:
    """Report replication slots that nobody reads: the server keeps its log for them, to a full disk
    or up to max_slot_wal_keep_size, which ends them."""
    with database.connect() as connection:
        slots = connection.execute(_UNREAD_SLOTS).all()
    for slot in slots:
        drop = f"SELECT pg_drop_replication_slot('{slot.slot_name}')"
        if slot.wal_status == "lost":
            message = f"the replication slot {slot.slot_name} has lost what it was to be given"
            yield Finding(WARNING, "database", f"{message}: {drop}, and let its reader begin anew")
        elif slot.bytes >= SLOT_BYTES:
            message = (
                f"nobody reads the replication slot {slot.slot_name}, for which the server keeps"
                f" {slot.bytes >> 20} MiB of its log: start its reader, or {drop}"
            )
            yield Finding(WARNING, "database", message)


def _proxy_findings(database: Database, settings: Settings) -> Iterator[Finding]:
    """Report deliveries that came from inside: the platform calls from the public network."""
    with database.connect() as connection:
        peers = sorted(latest_peers(connection))
    inside = [peer for peer in peers if _is_inside(peer, settings)]
    if inside:
        message = (
            f"recent deliveries came from {', '.join(inside)}, which is not the platform: name"
            " your proxy in LEDGER_TRUSTED_PROXIES and let it send X-Forwarded-For; without that"
            " all callers count as one"
        )
        yield Finding(WARNING, "proxy", message)


def _is_inside(peer: str, settings: Settings) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False  # nobody knows where it came from
    is_expected = any(address in network for network in settings.allowed_sources)
    return not address.is_global and not is_expected
