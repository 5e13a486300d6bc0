"""Check what surrounds the ledger: its files, its role in the database, the proxy in front."""

import os
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from sqlalchemy import func, select

from ledger.cli.shop_findings import FAULT, OK, WARNING, Finding
from ledger.queries.activity import latest_peers
from ledger.settings import Settings
from ledger.storage.database import Database
from ledger.storage.service_role import changeable_tables, missing_rights


def deployment_findings(database: Database, settings: Settings) -> Iterator[Finding]:
    """Report what others could read or change, and whether callers can be told apart."""
    if database.is_sqlite:
        yield from _file_findings(Path(database.engine.url.database or ""))
    else:
        yield _role_finding(database)
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


def _proxy_findings(database: Database, settings: Settings) -> Iterator[Finding]:
    """Report deliveries that came from inside: the platform calls from the public network."""
    with database.connect() as connection:
        peers = sorted(latest_peers(connection))
    inside = [peer for peer in peers if _is_inside(peer, settings)]
    if inside:
        message = (
            f"deliveries came lately from {', '.join(inside)}, which is not the platform:"
            " is a proxy there that is not in LEDGER_TRUSTED_PROXIES, or does not send"
            " X-Forwarded-For? Behind it all callers are one"
        )
        yield Finding(WARNING, "proxy", message)


def _is_inside(peer: str, settings: Settings) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False  # nobody knows where it came from
    is_expected = any(address in network for network in settings.allowed_sources)
    return not address.is_global and not is_expected
