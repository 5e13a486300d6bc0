"""Slows down guessing at passwords without locking anybody out.

Failures are counted in the database, so that all processes count together. A stranger is held by
name, by network, and by both. Who has proven before that they are the person is not held by what
strangers do: a browser in which they have signed in is counted by itself, and their own network
is not counted with all others.
Source: OWASP, Slow Down Online Guessing Attacks with Device Cookies.
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from ledger.access.password_hashes import hashing_queue
from ledger.access.user_names import name_key
from ledger.errors import TooManyTriesError
from ledger.storage.access_tables import failed_tries
from ledger.storage.database import Database

WINDOW = timedelta(minutes=15)
PER_NAME = 15
PER_NAME_AND_NETWORK = 10
PER_NETWORK = 20
PER_SITE = 10 * PER_NETWORK
PER_DEVICE = 10


@dataclass(frozen=True, slots=True)
class Brake:
    """So many failures within the window are let pass under one key.

    Shape: a digest, since people type passwords where their name should be.
    """

    digest: str
    failures_max: int

    @classmethod
    def on(cls, *words: str, failures_max: int) -> "Brake":
        """Return the brake on what these words name together."""
        return cls(hashlib.sha256(repr(words).encode()).hexdigest()[:32], failures_max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a try comes from.

    Shape: `network` is what one caller has for certain, `site` what one may have. `device_id` is
    of a browser in which the person has signed in before.
    """

    network: str
    site: str
    device_id: str | None = None
    is_own_network: bool = False

    @property
    def is_known(self) -> bool:
        """Return True if the person has been there before."""
        return self.device_id is not None or self.is_own_network


def sign_in_brakes(name: str, origin: Origin) -> list[Brake]:
    """Return what counts the failures of somebody who says that they are of this name."""
    key, network = name_key(name), origin.network
    if origin.device_id is not None:
        return [Brake.on("device", key, origin.device_id, failures_max=PER_DEVICE)]
    brakes = [
        Brake.on("name and network", key, network, failures_max=PER_NAME_AND_NETWORK),
        Brake.on("network", network, failures_max=PER_NETWORK),
        Brake.on("site", origin.site, failures_max=PER_SITE),
    ]
    if not origin.is_own_network:
        brakes.append(Brake.on("name", key, failures_max=PER_NAME))
    return brakes


def check_guarded(
    database: Database,
    brakes: Sequence[Brake],
    is_right: Callable[[], bool],
    *,
    now: datetime,
    is_known: bool,
) -> bool:
    """Check what somebody may be guessing, unless a brake holds; count it if it is wrong.

    Errors: TooManyTriesError, without having looked.
    """
    refuse_if_held(database, brakes, now=now)  # without waiting
    with hashing_queue.place(is_known=is_known):
        refuse_if_held(database, brakes, now=now)  # others may have failed meanwhile
        if is_right():
            return True
        with database.begin() as connection:
            note_failure(connection, brakes, now=now)
    return False


def refuse_if_held(database: Database, brakes: Sequence[Brake], *, now: datetime) -> None:
    """Refuse a try that a brake holds. Errors: TooManyTriesError, which says for how long."""
    with database.connect() as connection:
        ends = [end for brake in brakes if (end := _held_until(connection, brake, now)) is not None]
    if ends:
        seconds = math.ceil((max(ends) - now).total_seconds())
        raise TooManyTriesError("too many wrong passwords", retry_seconds=max(1, seconds))


def note_failure(connection: Connection, brakes: Sequence[Brake], *, now: datetime) -> None:
    """Count a failure under each brake, and forget those that count no more."""
    connection.execute(delete(failed_tries).where(failed_tries.c.at <= now - WINDOW))
    connection.execute(
        insert(failed_tries), [{"brake": brake.digest, "at": now} for brake in brakes]
    )


def _held_until(connection: Connection, brake: Brake, now: datetime) -> datetime | None:
    """Return when the oldest failure that fills the brake counts no more, if it is full."""
    c = failed_tries.c
    counted = select(c.at).where(c.brake == brake.digest, c.at > now - WINDOW)
    filling = counted.order_by(c.at.desc()).offset(brake.failures_max - 1).limit(1)
    filled_at: datetime | None = connection.scalar(filling)
    return None if filled_at is None else filled_at + WINDOW
