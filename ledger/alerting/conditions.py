"""What an operator wants to be told of, as it stands now. No word of it is about a person."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from ledger.application import Ledger
from ledger.ipn.modes import MODES, Mode
from ledger.projections.engine.status import lags
from ledger.queries.activity import Scope, last_received
from ledger.queries.silent_shops import find_silent_shops
from ledger.storage.tables import quarantine

SILENCE, QUARANTINE, LAG, CHECK, VERIFY = "silence", "quarantine", "lag", "check", "verify"

QUARANTINE_SPAN = timedelta(hours=1)
QUARANTINE_COUNT = 10
"""So many refused calls of one mode within that time are told of; anybody can send a few."""
LAG_SECONDS = 60.0
"""A read model that is followed is behind for less than a second."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that needs an operator. Shape: the name is the same as long as it lasts."""

    kind: str
    name: str
    message: str


Source = Callable[[datetime], Iterable[Condition]]
"""Returns the conditions of one kind that hold at an instant."""


def sources(ledger: Ledger, check_source: Source) -> Mapping[str, Source]:
    """Return what finds the conditions of each kind; `check_source` those of `ledger check`.

    What `ledger verify` finds it tells itself, whenever it is run.
    """

    def reading(find: Callable[[Connection, Ledger, datetime], Iterable[Condition]]) -> Source:
        def source(now: datetime) -> Iterable[Condition]:
            with ledger.database.connect() as connection:
                return list(find(connection, ledger, now))

        return source

    return {
        SILENCE: reading(_silence),
        QUARANTINE: reading(_quarantine),
        LAG: reading(_lag),
        CHECK: check_source,
    }


def _silence(connection: Connection, ledger: Ledger, now: datetime) -> Iterable[Condition]:
    for mode in MODES:
        scope = Scope(mode, tuple(ledger.shops.shop_by_id))
        last = last_received(connection, scope)
        for silent in find_silent_shops(connection, scope, last, now):
            since = f"{silent.last_received_at:%Y-%m-%dT%H:%MZ}"
            yield Condition(
                SILENCE,
                f"{SILENCE} {silent.shop_id} {Mode(mode).public}",
                f"no notification of shop {silent.shop_id} in {Mode(mode).public} since {since},"
                " for longer than usual",
            )


def _quarantine(connection: Connection, _ledger: Ledger, now: datetime) -> Iterable[Condition]:
    c = quarantine.c
    for mode in MODES:
        is_new = (c.mode == mode, c.received_at >= now - QUARANTINE_SPAN)
        count = connection.scalar(select(func.count()).select_from(quarantine).where(*is_new)) or 0
        if count >= QUARANTINE_COUNT:
            yield Condition(
                QUARANTINE,
                f"{QUARANTINE} {Mode(mode).public}",
                f"{count} calls in {Mode(mode).public} were refused within an hour: see the page"
                " Quarantine, or `ledger notifications list --outcome quarantined`",
            )


def _lag(connection: Connection, _ledger: Ledger, _now: datetime) -> Iterable[Condition]:
    for lag in lags(connection):
        if lag.seconds > LAG_SECONDS:
            message = f"the read model {lag.name} is {lag.positions} positions behind"
            yield Condition(LAG, f"{LAG} {lag.name}", f"{message}: see `ledger projections status`")
