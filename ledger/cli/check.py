"""`ledger check`: finds what is wrong before the first notification arrives."""

import json as json_text
import os
from collections.abc import Generator, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import click
from alembic.util import CommandError
from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from ledger.cli.find_object import FAULT, OK, WARNING, Finding
from ledger.cli.rule_coverage import coverage_findings, view_findings
from ledger.errors import SettingsError
from ledger.ipn.shops_and_keys import REST_BROWSER, Key, Shop, Shops, exposed_files, read_shops
from ledger.settings import SECRET_KEY_MIN, Settings, read_settings
from ledger.storage.database import Database
from ledger.storage.migrations import pending

_EVER = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def check(ctx: click.Context, *, as_json: bool) -> None:
    """Check settings, shops, keys, database, migrations and read models; change nothing.

    Also names the kinds of notification that a shop has never sent, with the Back Office rule
    that sends them.

    Prints one line each. Exits 0 when the service can run, 2 when something is at fault.
    """
    checks = list(findings(os.environ, now=datetime.now(UTC)))
    is_ok = all(finding.state != FAULT for finding in checks)
    if as_json:
        document = {"ok": is_ok, "checks": [_json(finding) for finding in checks]}
        click.echo(json_text.dumps(document, indent=2))
    else:
        for finding in checks:
            click.echo(f"{finding.state:8}{finding.subject:12}{finding.message}")
    ctx.exit(0 if is_ok else 2)


def _json(finding: Finding) -> dict[str, Any]:
    return {name: value for name, value in asdict(finding).items() if value is not None}


def findings(environ: Mapping[str, str], *, now: datetime) -> Iterator[Finding]:
    """Check everything once. Shape: in the order in which an operator would repair it."""
    try:
        settings = read_settings(environ)
    except SettingsError as error:
        yield Finding(FAULT, "settings", str(error))
        return
    yield Finding(OK, "settings", _settings_words(settings))
    yield _pages_finding(settings)
    shops = yield from shop_findings(settings, environ, now=now)
    yield from _database_findings(settings, shops)


def shop_findings(
    settings: Settings, environ: Mapping[str, str], *, now: datetime
) -> Generator[Finding, None, Shops]:
    """Check the shops file and every key in it; return the shops that could be read."""
    if settings.shops_file is None:
        yield Finding(FAULT, "shops file", "LEDGER_SHOPS_FILE is not set")
        return Shops()
    try:
        shops = read_shops(settings.shops_file, environ)
    except SettingsError as error:
        yield Finding(FAULT, "shops file", str(error))
        return Shops()
    count = len(shops.shop_by_id)
    yield Finding(OK if count else WARNING, "shops file", f"{settings.shops_file}: {count} shops")
    for message in exposed_files(settings.shops_file):
        yield Finding(WARNING, "shops file", message)
    for shop in shops.shop_by_id.values():
        yield from _key_findings(shop, now)
    return shops


def _database_findings(settings: Settings, shops: Shops) -> Iterator[Finding]:
    """Check that the database answers, and that its tables and read models are current."""
    url = make_url(settings.database_url)
    where = url.render_as_string(hide_password=True)
    if settings.is_sqlite and not Path(url.database or "").exists():
        yield Finding(WARNING, "database", f"{where} does not exist yet; `ledger serve` makes it")
        return
    database = Database(settings.database_url)
    try:
        with database.connect() as connection:
            connection.execute(select(1))
        yield Finding(OK, "database", f"{where} answers")
        migrations = _migrations_finding(database)
        yield migrations
        if migrations.state == OK:
            yield from view_findings(database)
            yield from coverage_findings(database, shops)
    except SQLAlchemyError as error:
        yield Finding(FAULT, "database", f"{where} does not answer ({type(error).__name__})")
    finally:
        database.dispose()


def _migrations_finding(database: Database) -> Finding:
    try:
        missing = pending(database)
    except (SettingsError, CommandError) as error:
        return Finding(FAULT, "migrations", str(error))
    if missing:
        message = f"{len(missing)} to apply, run `ledger migrate`: {', '.join(missing)}"
        return Finding(FAULT, "migrations", message)
    return Finding(OK, "migrations", "current")


def _settings_words(settings: Settings) -> str:
    sources = ", ".join(map(str, settings.allowed_sources)) or "any"
    proxies = ", ".join(map(str, settings.trusted_proxies)) or "none"
    kib = settings.body_bytes_max // 1024
    return f"sources allowed: {sources}; trusted proxies: {proxies}; bodies up to {kib} KiB"


def _pages_finding(settings: Settings) -> Finding:
    if settings.has_pages:
        return Finding(OK, "pages", "sessions are signed")
    fault = f"has less than {SECRET_KEY_MIN} characters" if settings.secret_key else "is not set"
    return Finding(WARNING, "pages", f"LEDGER_SECRET_KEY {fault}: pages answer 503, all else works")


def _key_findings(shop: Shop, now: datetime) -> Iterator[Finding]:
    if not any(key.kind != REST_BROWSER for key in shop.keys):
        yield Finding(WARNING, "shop", f"{shop.id} has no key that verifies a notification")
    for key in shop.keys:
        yield _key_finding(key, now)
    for first, second in combinations(shop.keys, 2):
        if (first.mode, first.kind) == (second.mode, second.kind) and _overlap(first, second):
            fingerprints = f"{first.fingerprint} and {second.fingerprint}"
            yield Finding(WARNING, "key", f"{_name(first)}: {fingerprints} are valid together")


def _key_finding(key: Key, now: datetime) -> Finding:
    window = f"valid {_from(key.not_before)} {_until(key.not_after)}"
    message = f"{_name(key)} {key.fingerprint} {window}"
    if key.not_before and key.not_after and key.not_before >= key.not_after:
        return Finding(FAULT, "key", f"{message}: its window is empty")
    if key.not_after and now >= key.not_after:
        return Finding(WARNING, "key", f"{message}: expired")
    if key.not_before and now < key.not_before:
        return Finding(WARNING, "key", f"{message}: not valid yet")
    return Finding(OK, "key", message)


def _name(key: Key) -> str:
    return f"{key.shop_id} {key.mode} {key.kind}"


def _overlap(first: Key, second: Key) -> bool:
    begin = max(first.not_before or _EVER, second.not_before or _EVER)
    return begin < min(first.not_after or _NEVER, second.not_after or _NEVER)


def _from(at: datetime | None) -> str:
    return "from the beginning" if at is None else f"from {at:%Y-%m-%dT%H:%MZ}"


def _until(at: datetime | None) -> str:
    return "without end" if at is None else f"until {at:%Y-%m-%dT%H:%MZ}"
