"""Leads whoever reads deliveries or answers again through them, in the order of their commits.

How far it came is stored with what was made of a batch, in one transaction, so that whoever is
killed goes on where it was; of two that work at once, one writes nothing.
"""

from collections.abc import Callable
from time import sleep

from sqlalchemy import Connection, Table, func, select, update

from ledger.errors import UnavailableError
from ledger.proof.origin_fields import SOURCES
from ledger.storage.database import Database
from ledger.storage.high_water_mark import BARRIER_PAUSE_SECONDS, BARRIER_TRIES, passed_barrier


class OriginFollower:
    """Calls a step for each batch of origins of one kind that nobody has taken yet.

    Shape: `progress` has a row for the kind as `source`, with a `place`; a step is given the place
    behind which it begins, and that up to which origins are complete, and calls `moved` in its own
    transaction.
    """

    def __init__(
        self, database: Database, kind: str, progress: Table, step: Callable[[int, int], None]
    ) -> None:
        self._database = database
        self._progress = progress
        self._is_own = progress.c.source == kind
        self._newest = select(func.max(SOURCES[kind].c.place))
        self._step = step

    def follow(self) -> None:
        """Take one batch of what is committed by now; nothing while writers hold on."""
        end = self._complete_place()
        if end is not None and (place := self.place()) < end:
            self._step(place, end)

    def catch_up(self) -> None:
        """Take everything that is committed by now.

        Errors: UnavailableError when writers hold on.
        """
        for _ in range(BARRIER_TRIES):
            end = self._complete_place()
            if end is not None:
                while (place := self.place()) < end:
                    self._step(place, end)
                return
            sleep(BARRIER_PAUSE_SECONDS)
        raise UnavailableError("deliveries are being written without a pause: try again")

    def place(self) -> int:
        """Return the place up to which origins were taken."""
        with self._database.connect() as connection:
            query = select(self._progress.c.place).where(self._is_own)
            place: int = connection.scalars(query).one()
            return place

    def moved(self, connection: Connection, place: int, to_place: int) -> bool:
        """Move on from a place; return False when another has done it."""
        place_column = self._progress.c.place
        moving = update(self._progress).where(self._is_own, place_column == place)
        moving = moving.values(place=to_place)
        return connection.execute(moving.returning(place_column)).one_or_none() is not None

    def restart(self, connection: Connection) -> None:
        """Begin again with the first origin."""
        connection.execute(update(self._progress).where(self._is_own).values(place=0))

    def _complete_place(self) -> int | None:
        """Return up to which place origins are complete for ever; None when writers hold on."""
        with self._database.connect() as connection:
            newest = connection.scalar(self._newest) or 0
        if newest <= self.place():
            return newest  # the barrier makes writers wait
        with passed_barrier(self._database) as connection:
            return None if connection is None else connection.scalar(self._newest)
