"""Which keys the service holds, when each last verified a call, and which calls fail since when."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from ledger.ipn import form_v2, rest_v4
from ledger.ipn.shops_and_keys import FORM_HMAC, FORM_SHA1, REST_PASSWORD, Key, Shops
from ledger.queries.activity import Scope
from ledger.storage.tables import notifications, quarantine

LATEST_CALLS = 1_000
"""So many verified calls of a shop and mode are looked at for the key that verified each."""
UNKNOWN_SHOPS_MAX = 20
"""Anybody can call under any number of a shop; only the most frequent ones are shown."""
KEY_REASONS = ("no-key", "signature-mismatch", "unknown-shop", "wrong-mode", "wrong-shop")
"""The reasons of calls that the right key would have verified, if the platform sent them."""

FORMAT_BY_KIND: Mapping[str, str] = {
    FORM_HMAC: form_v2.NAME,
    FORM_SHA1: form_v2.NAME,
    REST_PASSWORD: rest_v4.NAME,
}
"""Kind of key -> the format of the notifications that it verifies; others verify none."""


@dataclass(frozen=True, slots=True)
class HeldKey:
    """One key of the shops file; never its secret.

    Shape: `format` is what it verifies, None for the key of the browser's return.
    `last_verified_at` is when the newest call that it verified arrived, None when it verified
    none of the last LATEST_CALLS of its shop and mode.
    """

    fingerprint: str
    kind: str
    format: str | None
    not_before: datetime | None
    not_after: datetime | None
    is_valid: bool
    last_verified_at: datetime | None


@dataclass(frozen=True, slots=True)
class FailingCalls:
    """Calls in one format that wait in quarantine, and that a key might let pass.

    Shape: `reasons` counts them. `last_verified_at` is when the newest verified call of this format
    arrived. `all_fail_since` is when the first of them came after that: since then every call has
    failed. It is None when a call was verified after them all.
    """

    format: str
    count: int
    first_at: datetime
    last_at: datetime
    reasons: Mapping[str, int]
    last_verified_at: datetime | None
    all_fail_since: datetime | None


@dataclass(frozen=True, slots=True)
class ShopKeys:
    """The keys of one shop and mode, and what fails there. Shape: `mode` as stored."""

    shop_id: str
    mode: str
    keys: tuple[HeldKey, ...]
    failing: tuple[FailingCalls, ...]


def keys_held(
    connection: Connection, shops: Shops, scope: Scope, *, now: datetime
) -> list[ShopKeys]:
    """Return the keys of each shop in one mode, and the calls that fail there.

    Shape: shops of the shops file in its order, without those that have neither a key of the mode
    nor a failing call, and then numbers that it does not have, most calls first.
    """
    failing = _waiting(connection, scope)
    known = [id_ for id_ in shops.shop_by_id if id_ in scope.shops]
    unknown_ids = sorted(failing.keys() - known, key=lambda id_: (-_count(failing[id_]), id_))
    cards = []
    for shop_id in [*known, *unknown_ids[:UNKNOWN_SHOPS_MAX]]:
        shop = shops.shop_by_id.get(shop_id)
        keys = [key for key in shop.keys if key.mode == scope.mode] if shop else []
        if keys or shop_id in failing:
            waiting = failing.get(shop_id, [])
            cards.append(_shop_keys(connection, (shop_id, scope.mode), keys, waiting, now))
    return cards


@dataclass(frozen=True, slots=True)
class _Waiting:
    format: str
    reason: str
    count: int
    first_at: datetime
    last_at: datetime


def _waiting(connection: Connection, scope: Scope) -> dict[str, list[_Waiting]]:
    """Return what waits for a key, by shop; nothing whose shop or format cannot be read."""
    c = quarantine.c
    names = (c.shop_id, c.format, c.reason)
    sums = (func.count(), func.min(c.received_at), func.max(c.received_at))
    query = select(*names, *sums).where(*_for_a_key(scope.mode)).group_by(*names)
    if scope.is_limited:
        query = query.where(c.shop_id.in_(scope.shops))
    by_shop = defaultdict[str, list[_Waiting]](list)
    for shop_id, *group in connection.execute(query):
        by_shop[shop_id].append(_Waiting(*group))
    return by_shop


def _for_a_key(mode: str) -> list[ColumnElement[bool]]:
    c = quarantine.c
    is_read = (c.shop_id.is_not(None), c.format.is_not(None))
    return [c.mode == mode, c.reason.in_(KEY_REASONS), *is_read]


def _count(waiting: Iterable[_Waiting]) -> int:
    return sum(row.count for row in waiting)


def _shop_keys(
    connection: Connection,
    shop_and_mode: tuple[str, str],
    keys: Sequence[Key],
    waiting: Sequence[_Waiting],
    now: datetime,
) -> ShopKeys:
    last_by_key, last_by_format = _last_verified(connection, *shop_and_mode)
    held = [_held_key(key, last_by_key.get(key.fingerprint), now) for key in keys]
    failing = []
    for format_ in sorted({row.format for row in waiting}):
        of_format = [row for row in waiting if row.format == format_]
        last = last_by_format.get(format_)
        since = _all_fail_since(connection, shop_and_mode, of_format, last)
        failing.append(_failing_calls(of_format, last, since))
    return ShopKeys(*shop_and_mode, tuple(held), tuple(failing))


def _last_verified(
    connection: Connection, shop_id: str, mode: str
) -> tuple[dict[str, datetime], dict[str, datetime]]:
    """Return when the newest of the last verified calls arrived, by key and by format."""
    c = notifications.c
    newest = (
        select(c.key_fingerprint, c.format, c.received_at)
        .where(c.shop_id == shop_id, c.mode == mode)
        .order_by(c.id.desc())
        .limit(LATEST_CALLS)
        .subquery()
    )
    names = (newest.c.key_fingerprint, newest.c.format)
    query = select(*names, func.max(newest.c.received_at)).group_by(*names)
    by_key: dict[str, datetime] = {}
    by_format: dict[str, datetime] = {}
    for fingerprint, format_, at in connection.execute(query):
        by_key[fingerprint] = max(at, by_key.get(fingerprint, at))
        by_format[format_] = max(at, by_format.get(format_, at))
    return by_key, by_format


def _held_key(key: Key, last_verified_at: datetime | None, now: datetime) -> HeldKey:
    return HeldKey(
        fingerprint=key.fingerprint,
        kind=key.kind,
        format=FORMAT_BY_KIND.get(key.kind),
        not_before=key.not_before,
        not_after=key.not_after,
        is_valid=key.is_valid_at(now),
        last_verified_at=last_verified_at,
    )


def _all_fail_since(
    connection: Connection,
    shop_and_mode: tuple[str, str],
    waiting: Sequence[_Waiting],
    last_verified_at: datetime | None,
) -> datetime | None:
    """Return when the first call that waits came after the last verified one, if any did."""
    first_at = min(row.first_at for row in waiting)
    if last_verified_at is None or first_at > last_verified_at:
        return first_at
    shop_id, mode = shop_and_mode
    c = quarantine.c
    query = select(func.min(c.received_at)).where(*_for_a_key(mode), c.shop_id == shop_id)
    query = query.where(c.format == waiting[0].format, c.received_at > last_verified_at)
    since: datetime | None = connection.scalar(query)
    return since


def _failing_calls(
    waiting: Sequence[_Waiting], last_verified_at: datetime | None, all_fail_since: datetime | None
) -> FailingCalls:
    reasons = Counter({row.reason: row.count for row in waiting})
    return FailingCalls(
        format=waiting[0].format,
        count=reasons.total(),
        first_at=min(row.first_at for row in waiting),
        last_at=max(row.last_at for row in waiting),
        reasons=dict(reasons.most_common()),
        last_verified_at=last_verified_at,
        all_fail_since=all_fail_since,
    )
