"""Publishes to somebody's address: each event is a signed webhook, the next one after its answer.

Source: Standard Webhooks, https://www.standardwebhooks.com.
"""

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from http.client import HTTPException

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from ledger.instants import utc_now, write_public_instant
from ledger.operations.standard_webhooks import Receiver
from ledger.projections.engine.leases import new_holder, release_leases, take_lease
from ledger.publishing.destination import (
    DestinationBusyError,
    DestinationDisabledError,
    DestinationError,
    Message,
)
from ledger.publishing.standing import (
    DestinationStanding,
    FailedTry,
    move,
    note_failure,
    standing_of,
)
from ledger.storage.database import Database

SECONDS_MAX = 15.0
"""For each step of an exchange. Source: Standard Webhooks."""
LEASE_SECONDS = 4 * SECONDS_MAX
CONTENT_TYPE = "application/cloudevents+json"
GONE = 410
"""The status by which a receiver says that it wants nothing more. Source: Standard Webhooks."""


class Endpoint:
    """An address that takes one event after another; a table says how far it has come.

    A webhook's id is the event's position: what is sent again, since a process was killed or a
    receiver's answer was lost, has the id that it had. Shape: `is_patient` waits after a failure
    until it is time, as a service does.
    """

    has_own_end = False

    def __init__(
        self,
        database: Database,
        name: str,
        url: str,
        secrets: Sequence[str],
        *,
        is_patient: bool = True,
        is_stopped: Callable[[], bool] = lambda: False,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._name = name
        self._receiver = Receiver(url, secrets, seconds_max=SECONDS_MAX)
        self._is_patient = is_patient
        self._is_stopped = is_stopped
        self._now = now
        self._holder = new_holder()

    def last_position(self) -> int:
        """Return the position of the last event that was taken."""
        return self._standing().position

    def append(self, behind: int, messages: Sequence[Message]) -> None:
        """Post one event after another; the first that is not taken ends it."""
        if not self._begin(behind):
            return
        for message in messages:
            if self._is_stopped():
                return
            failed_try = self._post(message)
            now = self._now()
            if failed_try is not None:
                jitter = 0.75 + random.random() / 2  # noqa: S311  nothing secret
                with self._database.begin() as connection:
                    note_failure(connection, self._name, failed_try, now, jitter)
                raise _refusal(self._standing())
            with self._database.begin() as connection:
                self._take_lease(connection)
                if not move(connection, self._name, behind, message.position, now):
                    return  # an operator has it replayed from elsewhere
            behind = message.position

    def send_again(self, message: Message) -> None:
        """Post one event, whatever the receiver has had. Errors: DestinationError."""
        failed_try = self._post(message)
        if failed_try is not None:
            raise DestinationError(f"{self._name} {failed_try.reason}")

    def close(self) -> None:
        """End the connection, and let another process go on at once."""
        self._receiver.close()
        with suppress(SQLAlchemyError), self._database.begin() as connection:
            release_leases(connection, self._holder)

    def _begin(self, behind: int) -> bool:
        """Return True if the next event belongs here. Errors: DestinationError."""
        standing = self._standing()
        is_waiting = standing.retry_at is not None and self._now() < standing.retry_at
        if standing.disabled_at is not None or (is_waiting and self._is_patient):
            raise _refusal(standing)
        with self._database.begin() as connection:
            self._take_lease(connection)
        return standing.position == behind

    def _take_lease(self, connection: Connection) -> None:
        lease = f"publish {self._name}"
        if not take_lease(connection, lease, self._holder, seconds=LEASE_SECONDS):
            raise DestinationBusyError(f"another process publishes to {self._name}")

    def _standing(self) -> DestinationStanding:
        with self._database.connect() as connection:
            standing = standing_of(connection, self._name)
        if standing is None:
            raise DestinationDisabledError(f"{self._name} was forgotten: start the command again")
        return standing

    def _post(self, message: Message) -> FailedTry | None:
        """Return what went wrong; of an answer only its status is read."""
        try:
            answer = self._receiver.post(
                str(message.position), self._now(), message.body, content_type=CONTENT_TYPE
            )
        except TimeoutError:
            return FailedTry("did not answer in time")
        except (OSError, HTTPException, ValueError) as error:  # ValueError: a name that is none
            return FailedTry(f"cannot be reached: {type(error).__name__}")
        if answer.is_success:
            return None
        reason = f"answered {answer.status} to the event at position {message.position}"
        return FailedTry(reason, answer.retry_seconds, is_final=answer.status == GONE)


def _refusal(remembered: DestinationStanding) -> DestinationError:
    said = f"{remembered.name} {remembered.reason}"
    if remembered.disabled_at is not None:
        return DestinationDisabledError(
            f"{said}; disabled since {write_public_instant(remembered.disabled_at)}:"
            f" `ledger destinations enable` lets it go on behind position {remembered.position}"
        )
    since, again = (
        instant and write_public_instant(instant)
        for instant in (remembered.failing_since, remembered.retry_at)
    )
    return DestinationError(f"{said}; failing since {since}, tried again at {again}")
