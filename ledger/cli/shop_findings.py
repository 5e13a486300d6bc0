"""Check the shops file and the keys in it, for `ledger check` and `ledger serve`."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from typing import Any

from ledger.cli.output import counted
from ledger.errors import SettingsError
from ledger.ipn.modes import Mode
from ledger.ipn.shops_and_keys import (
    FORM_HMAC,
    FORM_SHA1,
    REST_BROWSER,
    REST_PASSWORD,
    Key,
    Shop,
    Shops,
    exposed_files,
    read_shops,
)
from ledger.settings import Settings

OK, WARNING, FAULT = "ok", "warning", "fault"
ENDED_KEYS = "ended keys"
"""The subject of faults of a shop that has keys of a mode, none of which verifies any more."""
WEAK_KEY = "weak key"
"""The subject of findings about keys that sign in a way that is no longer trusted."""

PLATFORM_RANGE = "194.50.38.0/24"
"""Where the platform calls from, in both modes and under all brands."""

_PASSWORD_PREFIX_BY_MODE = {"TEST": "testpassword_", "PRODUCTION": "prodpassword_"}
_EVER = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. Shape: never holds a secret; `data` is for machines, and
    `sentences` are for whoever wants to know more."""

    state: str
    subject: str
    message: str
    data: dict[str, Any] | None = None
    sentences: tuple[str, ...] = ()


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
        for line in (str(error), *getattr(error, "__notes__", ())):
            yield Finding(FAULT, "shops file", line)
        return Shops()
    count = len(shops.shop_by_id)
    yield Finding(
        OK if count else WARNING, "shops file", f"{settings.shops_file}: {counted(count, 'shop')}"
    )
    for message in exposed_files(settings.shops_file):
        yield Finding(WARNING, "shops file", message)
    for shop in shops.shop_by_id.values():
        yield from _key_findings(shop, now)
    yield from _source_findings(settings, shops)
    return shops


def _source_findings(settings: Settings, shops: Shops) -> Iterator[Finding]:
    """Report that forms of real money could come from anywhere.

    Source: delivery reference, section 2; form-v2 reference, section 2.4.
    """
    form_shops = sorted(
        shop.id
        for shop in shops.shop_by_id.values()
        if any(
            key.mode == Mode.PRODUCTION and key.kind in (FORM_HMAC, FORM_SHA1) for key in shop.keys
        )
    )
    if not form_shops or settings.names_a_range:
        return
    listed = ", ".join(form_shops)
    why = f"forms of {listed} in PRODUCTION: their signature covers values, not names"
    name = f"set LEDGER_ALLOWED_SOURCES={PLATFORM_RANGE}, the range that the platform documents"
    if settings.allowed_sources:
        yield Finding(WARNING, "sources", f"any address may send {why}; {name}")
    else:
        yield Finding(
            FAULT, "sources", f"LEDGER_ALLOWED_SOURCES is not set for {why}; {name}, or `any`"
        )


def _key_findings(shop: Shop, now: datetime) -> Iterator[Finding]:
    if all(key.kind == REST_BROWSER for key in shop.keys):
        yield Finding(WARNING, "shop", f"{shop.id} has no key that verifies a notification")
    yield from _ended_findings(shop, now)
    for key in shop.keys:
        yield _key_finding(key, now)
        yield from _plausibility_findings(shop, key)
        if key.kind == FORM_SHA1 and now < (key.not_after or _NEVER):
            yield _weak_key_finding(key)
    for first, second in combinations(shop.keys, 2):
        begin = max(first.not_before or _EVER, second.not_before or _EVER)
        end = min(first.not_after or _NEVER, second.not_after or _NEVER)
        if (first.mode, first.kind) == (second.mode, second.kind) and begin < end:
            fingerprints = f"{first.fingerprint} and {second.fingerprint}"
            yield Finding(WARNING, "key", f"{_name(first)}: {fingerprints} are valid together")


def _ended_findings(shop: Shop, now: datetime) -> Iterator[Finding]:
    """Report the modes of a shop whose keys have all ended: whatever arrives there is refused."""
    for mode in Mode:
        keys = [key for key in shop.keys if key.mode == mode and key.kind != REST_BROWSER]
        ends = [key.not_after for key in keys if key.not_after]
        if keys and len(ends) == len(keys) and max(ends) <= now:
            message = (
                f"{shop.id} {mode} has no valid key left since {_minute(max(ends))}: its"
                " notifications go to quarantine (no-key). Add the new key to the shops file,"
                " restart the service, and run `ledger notifications readmit --reason no-key`"
            )
            yield Finding(FAULT, ENDED_KEYS, message)


def _window(begin: datetime | None, end: datetime | None) -> str:
    if begin and end:
        return f"valid from {_minute(begin)} until {_minute(end)}"
    if begin:
        return f"valid from {_minute(begin)}"
    return f"valid until {_minute(end)}" if end else "always valid"


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%MZ}"


def _key_finding(key: Key, now: datetime) -> Finding:
    begin, end = key.not_before, key.not_after
    message = f"{_name(key)} {key.fingerprint} {_window(begin, end)}"
    if begin and end and begin >= end:
        return Finding(FAULT, "key", f"{message}: its window is empty")
    if end and now >= end:
        return Finding(WARNING, "key", f"{message}: expired")
    if begin and now < begin:
        return Finding(WARNING, "key", f"{message}: not valid yet")
    return Finding(OK, "key", message)


def _plausibility_findings(shop: Shop, key: Key) -> Iterator[Finding]:
    """Report what a key looks like, where that is not what it is said to be.

    Source: REST reference, section 2.1: the prefixes of the platform's passwords.
    """
    number = shop.keys.index(key) + 1
    place = f"shop {shop.id}, key {number} ({key.mode} {key.kind})"
    for remark in _doubts(key):
        yield Finding(WARNING, "key", f"{place}: {remark}")


def _doubts(key: Key) -> Iterator[str]:
    if any(character.isspace() for character in key.secret):
        yield "it has blanks inside; was more than the key pasted?"
    is_password = key.secret.startswith(tuple(_PASSWORD_PREFIX_BY_MODE.values()))
    prefix = _PASSWORD_PREFIX_BY_MODE[key.mode]
    if "publickey_" in key.secret:
        yield "it is a public key of the REST API, which signs nothing"
    elif key.kind != REST_PASSWORD and is_password:
        yield f"it has the form of a password of the REST API; did you mean `{REST_PASSWORD}`?"
    elif key.kind == REST_PASSWORD and not is_password:
        yield f"it does not begin with {prefix}, as a password of the REST API does"
    elif key.kind == REST_PASSWORD and not key.secret.startswith(prefix):
        yield "it begins as a password of the other mode does"


def _weak_key_finding(key: Key) -> Finding:
    end = f"it ends {key.not_after:%Y-%m-%d}" if key.not_after else "then let it end by `not_after`"
    return Finding(
        WARNING,
        WEAK_KEY,
        f"{_name(key)} {key.fingerprint}: SHA-1 no longer resists chosen-prefix collisions, two"
        " calls made to bear one signature; choose HMAC-SHA-256 in the Back Office,"
        f" enter its key as form-hmac-sha256, {end}",
    )


def _name(key: Key) -> str:
    return f"{key.shop_id} {key.mode} {key.kind}"
