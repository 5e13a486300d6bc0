"""What `ledger check` finds wrong before the first notification arrives."""

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import click
from alembic.util import CommandError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from ledger.cli.archive_findings import archive_findings
from ledger.cli.asking_findings import asking_findings
from ledger.cli.completeness_findings import completeness_findings
from ledger.cli.coverage_findings import coverage_findings
from ledger.cli.databases import named_database, why_it_failed
from ledger.cli.deployment_findings import deployment_findings
from ledger.cli.destinations import destination_findings
from ledger.cli.drift_findings import drift_findings
from ledger.cli.key_files import key_findings
from ledger.cli.output import counted, echo_document, painted
from ledger.cli.shop_findings import FAULT, OK, WARNING, Finding, shop_findings
from ledger.cli.suspect_findings import suspect_findings
from ledger.cli.upgrade_steps import upgrade_findings
from ledger.cli.variables import variable_findings
from ledger.errors import SettingsError
from ledger.ipn.refusal_reasons import REASONS
from ledger.ipn.shops_and_keys import Shops
from ledger.projections.engine.generations import outdated_views
from ledger.projections.engine.status import lags
from ledger.queries.suspected import count_suspected
from ledger.queries.undecided import undecided_by_reason
from ledger.settings import SECRET_KEY_MIN, Settings, read_settings
from ledger.storage.database import Database
from ledger.storage.database_location import missing_file, obstacle
from ledger.storage.migrations import revisions
from ledger.storage.read_only import MEANING, STANDBY, read_only_state

LAG_SECONDS_MAX = 10.0
"""A read model that is followed is behind for less than a second."""


def print_findings(*, is_verbose: bool, as_json: bool) -> int:
    """Print every finding; return the exit code. Shape: more of each if `is_verbose`."""
    checks = list(findings(os.environ, now=datetime.now(UTC)))
    is_ok = all(finding.state != FAULT for finding in checks)
    if as_json:
        echo_document({"ok": is_ok, "checks": list(map(_data, checks))})
        return 0 if is_ok else 2
    for finding in checks:
        state = painted(finding.state, width=8)
        click.echo(f"{state}{finding.subject:12}{finding.message}")
        for sentence in finding.sentences if is_verbose else ():
            click.echo(f"{'':20}{sentence}")
    return 0 if is_ok else 2


def _data(finding: Finding) -> dict[str, Any]:
    """Return a finding for a machine, whose `data` says more than its sentences do."""
    document = {"state": finding.state, "subject": finding.subject, "message": finding.message}
    return document | ({"data": finding.data} if finding.data else {})


def findings(environ: Mapping[str, str], *, now: datetime) -> Iterator[Finding]:
    """Check everything once. Shape: in the order in which an operator would repair it."""
    try:
        settings = read_settings(environ)
    except SettingsError as error:
        yield Finding(FAULT, "settings", str(error))
        return
    yield from settings_findings(settings)
    yield from variable_findings(settings, environ)
    shops = yield from shop_findings(settings, environ, now=now)
    yield from _database_findings(settings, environ, shops, now=now)


def settings_findings(settings: Settings) -> Iterator[Finding]:
    """Report who may call, through which proxies, and whether people can look."""
    sources = ", ".join(map(str, settings.allowed_sources)) or "any"
    proxies = ", ".join(map(str, settings.trusted_proxies)) or "none"
    bodies = f"bodies up to {settings.body_bytes_max // 1024} KiB"
    yield Finding(
        OK, "settings", f"sources allowed: {sources}; trusted proxies: {proxies}; {bodies}"
    )
    if settings.has_pages:
        yield Finding(OK, "pages", "sessions are signed")
        yield Finding(OK, "sign-in", _ways_in(settings))
        return
    fault = f"has less than {SECRET_KEY_MIN} characters" if settings.secret_key else "is not set"
    message = f"LEDGER_SECRET_KEY {fault}: pages answer 503, all else works"
    yield Finding(WARNING, "pages", message)


def _ways_in(settings: Settings) -> str:
    """Return how people sign in, in words; never a secret."""
    provider = settings.oidc_issuer or "none"
    devices = ", ".join(settings.second_factor_roles) or "none"
    return (
        f"identity provider: {provider}; passwords: {settings.local_passwords}; "
        f"second factor required of: {devices}"
    )


def _database_findings(
    settings: Settings, environ: Mapping[str, str], shops: Shops, *, now: datetime
) -> Iterator[Finding]:
    """Check that the database answers, and that its tables and read models are current."""
    where = named_database(settings, environ)
    if reason := obstacle(settings.database_url):
        yield Finding(FAULT, "database", f"{where} cannot be opened: {reason}")
        return
    if path := missing_file(settings.database_url):
        message = f"{where}: {path} does not exist yet; `ledger serve` makes it"
        yield Finding(WARNING, "database", message)
        return
    try:
        database = Database(settings.database_url)
    except SettingsError as error:
        yield Finding(FAULT, "database", str(error))
        return
    try:
        with database.connect() as connection:
            connection.execute(select(1))
            state = read_only_state(connection)
        yield Finding(OK, "database", f"{where} answers")
        if state is not None:
            yield Finding(OK if state == STANDBY else WARNING, "database", MEANING)
        yield from _stored_findings(database, settings, environ, shops, now=now)
    except SQLAlchemyError as error:
        reason = why_it_failed(settings, error)
        yield Finding(FAULT, "database", f"{where} does not answer: {reason}")
    finally:
        database.dispose()


def _stored_findings(
    database: Database,
    settings: Settings,
    environ: Mapping[str, str],
    shops: Shops,
    *,
    now: datetime,
) -> Iterator[Finding]:
    """Check what is in the database, if its tables are current."""
    migrations = _migrations_finding(database)
    yield migrations
    if migrations.state == OK:
        yield from undecided_findings(database)
        yield from deployment_findings(database, settings)
        yield from key_findings(database, settings, environ, shops)
        yield from archive_findings(database)
        yield from view_findings(database)
        yield from coverage_findings(database, shops, now=now)
        yield from completeness_findings(database, now=now)
        yield from asking_findings(database, shops, now=now)
        yield from suspect_findings(database, now=now)
        yield from drift_findings(database, now=now)
        yield from destination_findings(database)
        yield from card_data_findings(database)


def _migrations_finding(database: Database) -> Finding:
    try:
        known = revisions(database)
    except (SettingsError, CommandError) as error:
        return Finding(FAULT, "migrations", str(error))
    if known.missing:
        what = counted(len(known.missing), "migration")
        message = f"{what} to apply, run `ledger migrate`: {', '.join(known.missing)}"
        return Finding(FAULT, "migrations", message)
    if known.newer is not None:
        message = (
            f"at {known.newer} of a newer version, which lets this one serve until it is replaced"
        )
        return Finding(OK, "migrations", message)
    return Finding(OK, "migrations", "current")


def undecided_findings(database: Database) -> Iterator[Finding]:
    """Report what was verified and kept, but not decided: our own code stumbled over it."""
    with database.connect() as connection:
        count_by_reason = undecided_by_reason(connection)
    for reason, count in sorted(count_by_reason.items()):
        message = (
            f"{counted(count, 'notification')} verified but not decided ({reason}):"
            f" {REASONS.get(reason, '')} Run `ledger notifications readmit --reason {reason}`"
        )
        yield Finding(WARNING, "undecided", message)


def view_findings(database: Database) -> Iterator[Finding]:
    """Report read models that this code cannot read, or whose rows are behind the log."""
    with database.connect() as connection:
        stale = outdated_views(connection)
        model_lags = lags(connection)
        upgrade = list(upgrade_findings(connection, stale))
    for name in stale:
        message = f"{name} is not built for this code: run `ledger rebuild {name}`"
        yield Finding(WARNING, "projections", message)
    yield from upgrade
    if not model_lags and not stale:
        yield Finding(OK, "projections", "none yet: `ledger serve` makes them")
    troubled = [lag for lag in model_lags if lag.seconds > LAG_SECONDS_MAX or lag.poison]
    for lag in troubled:
        behind = (
            f"{counted(lag.positions, 'position')} behind, {lag.seconds:.0f} s: is nobody serving?"
        )
        if lag.stands_still:
            behind = (
                f"stands still for {lag.still_seconds:.0f} s,"
                f" {counted(lag.positions, 'position')} behind: see view.not_followed in the log"
            )
        skipped = f"{counted(lag.poison, 'event')} passed over: see `ledger projections status`"
        remarks = ((lag.positions, behind), (lag.poison, skipped))
        words = [text for count, text in remarks if count]
        state = FAULT if lag.stands_still else WARNING
        yield Finding(state, "projections", f"{lag.name}: {'; '.join(words)}")
    if model_lags and not troubled:
        yield Finding(
            OK, "projections", f"{counted(len(model_lags), 'read model')} at the live edge"
        )


def card_data_findings(database: Database) -> Iterator[Finding]:
    """Report that events seem to hold card data, which somebody put where it must not be."""
    with database.connect() as connection:
        count = count_suspected(connection)
    if count:
        message = (
            f"{counted(count, 'event seems', 'events seem')} to hold card data:"
            " `ledger export events --suspected` shows which"
        )
        yield Finding(WARNING, "card data", message, {"events": count})
