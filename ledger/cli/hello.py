"""What `ledger serve` says at its start: what it works on, where the platform is to call."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

import click
import structlog

from ledger.cli.check import settings_findings
from ledger.cli.databases import named_database
from ledger.cli.deployment_findings import deployment_findings
from ledger.cli.shop_findings import OK, WEAK_KEY, Finding, shop_findings
from ledger.cli.variables import variable_findings
from ledger.ipn.modes import Mode
from ledger.ipn.shops_and_keys import REST_BROWSER, Shop, Shops, read_shops
from ledger.settings import Settings
from ledger.storage.database import Database

log = structlog.get_logger("serve")

_ELSEWHERE = "https://YOUR-PROXY"
"""Stands for the name under which the platform reaches this service."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a service listens, and which part it serves alone; None is both."""

    address: str
    port: int
    only: str | None

    @property
    def url(self) -> str:
        """Return the address by which it is reached from this machine."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.port}"


def say_hello(settings: Settings, environ: Mapping[str, str], place: Place) -> None:
    """Print what runs here and what is left to do; one line of the log where machines read it."""
    shops = read_shops(settings.shops_file, environ) if settings.shops_file else Shops()
    warnings = list(_warnings(settings, environ))
    if settings.log_format == "json":
        log.info(
            "serving",
            url=place.url,
            database=named_database(settings, environ),
            shops=[_keys_of(shop) for shop in shops.shop_by_id.values()],
            addresses=list(_ipn_paths(shops, place)),
            pages=_pages(settings, place),
            warnings=warnings,
        )
        return
    for line in _lines(settings, environ, shops, place):
        click.echo(line, err=True)
    for warning in warnings:
        click.echo(f"  warning   {warning}", err=True)
    click.echo("Ctrl-C ends it; `ledger check` says more.", err=True)


def _lines(
    settings: Settings, environ: Mapping[str, str], shops: Shops, place: Place
) -> Iterator[str]:
    yield f"IPN Ledger listens on {place.url}"
    yield f"  database  {named_database(settings, environ)}"
    for shop in shops.shop_by_id.values():
        yield f"  shop      {_keys_of(shop)}"
    paths = list(_ipn_paths(shops, place))
    if paths:
        base = settings.public_url or _ELSEWHERE
        yield "  enter in the Back Office, as the IPN URL of every rule:"
        yield from (f"    {base}{path}" for path in paths)
        if not settings.public_url:
            yield f"    ({_ELSEWHERE}: the public name of the proxy before {place.url})"
    yield f"  pages     {_pages(settings, place)}"


def _keys_of(shop: Shop) -> str:
    """Return a shop with what its keys are for. Shape: `id name: TEST kind, kind; PRODUCTION …`."""
    keys = sorted(shop.keys, key=lambda key: key.mode, reverse=True)
    kinds_by_mode = groupby(keys, key=lambda key: key.mode)
    words = [f"{mode} {', '.join(key.kind for key in group)}" for mode, group in kinds_by_mode]
    return f"{shop.id} {shop.name}".strip() + f": {'; '.join(words) or 'no key'}"


def _ipn_paths(shops: Shops, place: Place) -> Iterator[str]:
    """Yield the address of each shop and mode of which something can be verified."""
    if place.only == "reader":
        return
    for shop in shops.shop_by_id.values():
        modes = {key.mode for key in shop.keys if key.kind != REST_BROWSER}
        yield from (f"/ipn/{shop.id}/{Mode(mode).public}" for mode in sorted(modes, reverse=True))


def _pages(settings: Settings, place: Place) -> str:
    if place.only == "receiver":
        return "off: this process only receives"
    if settings.has_pages:
        return f"on: {settings.public_url or place.url}/test"
    return f"off: {next(_faults(settings_findings(settings)), '')}"


def _warnings(settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield what a check would warn of that costs no long look into the database."""
    yield from _faults(variable_findings(settings, environ))
    yield from _faults(shop_findings(settings, environ, now=datetime.now(UTC)))
    database = Database(settings.database_url)
    try:
        yield from _faults(deployment_findings(database, settings))
    finally:
        database.dispose()


def _faults(findings: Iterator[Finding]) -> Iterator[str]:
    """Yield the words of what is not well, but for weak keys, which the log names at the start."""
    for finding in findings:
        if finding.state != OK and finding.subject != WEAK_KEY:
            yield finding.message
