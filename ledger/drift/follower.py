"""Follows the deliveries in the order of their commits, and learns what calls look like.

A delivery with the same signed content as an earlier one says nothing further, and is not read.
Of one that was erased nothing can be read any more: it is counted as unread, and what it had shown
before stays counted until everything is made anew.
"""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from ledger.application import Ledger
from ledger.drift.calls import Call, read_call
from ledger.drift.catalogue import Catalogue, DriftFinding
from ledger.drift.catalogue_rows import (
    DriftScope,
    delete_catalogues,
    read_catalogue,
    write_catalogue,
)
from ledger.errors import MalformedNotificationError
from ledger.proof.entry import DELIVERY
from ledger.proof.following import OriginFollower
from ledger.proof.origins import rows_after
from ledger.recording.inbox_rows import delivery_of
from ledger.storage.database import padded
from ledger.storage.drift_tables import drift_progress
from ledger.storage.inbox import Inbox, InboxRecord
from ledger.storage.tables import notifications

BATCH = 500


class DriftIndex:
    """Knows what the calls of one ledger look like, as far as it has followed them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._database = ledger.database
        self._follower = OriginFollower(ledger.database, DELIVERY, drift_progress, self.step)
        self._catalogues: dict[DriftScope, Catalogue] = {}
        self._known_place = 0

    def follow(self) -> None:
        """Read one batch of what is committed by now; nothing while writers hold on.

        Errors: SettingsError without the master keys.
        """
        self._follower.follow()

    def catch_up(self) -> None:
        """Read everything that is committed by now.

        Errors: SettingsError without the master keys; UnavailableError when writers hold on.
        """
        self._follower.catch_up()

    def rebuild(self) -> None:
        """Forget all, and read every body again. Errors: as `catch_up`."""
        with self._database.begin() as connection:
            self._follower.restart(connection)
            delete_catalogues(connection)
        self._catalogues = {}
        self.catch_up()

    def place(self) -> int:
        """Return the place up to which deliveries were read."""
        return self._follower.place()

    def step(self, place: int, end: int) -> None:
        """Read one batch of the deliveries behind a place; nothing when another has done it."""
        catalogues = self._catalogues if place == self._known_place else {}
        self._catalogues = {}  # until all is written they are ahead of their rows
        with self._database.connect() as connection:
            rows = rows_after(connection, DELIVERY, place, end, BATCH)
            new_ids = _first_of_their_content(connection, [row.signed_tag for row in rows])
            ids = [row.id for row in rows if row.id in new_ids]
            records = Inbox(connection).get_verified(ids)
            in_order = [records[id_] for id_ in ids]
            opened = self._ledger.sealing.with_bodies(connection, in_order)
            for scope in {_scope(record) for record in opened} - catalogues.keys():
                catalogues[scope] = read_catalogue(connection, scope)
        noticed_by_scope: dict[DriftScope, list[DriftFinding]] = defaultdict(list)
        for record in opened:
            call, scope = self._call(record), _scope(record)
            if call is None:
                catalogues[scope].add_unread()
            else:
                noticed_by_scope[scope] += catalogues[scope].add(call)
        with self._database.begin() as connection:
            if not self._follower.moved(connection, place, rows[-1].place):
                return
            for scope in {_scope(record) for record in opened}:
                write_catalogue(connection, scope, catalogues[scope], noticed_by_scope[scope])
        self._catalogues, self._known_place = catalogues, rows[-1].place

    def _call(self, record: InboxRecord) -> Call | None:
        if record.body is None:
            return None
        try:
            return read_call(delivery_of(record), self._ledger.limits)
        except MalformedNotificationError:
            return None


def _scope(record: InboxRecord) -> DriftScope:
    return DriftScope(record.shop_id or "", record.mode or "", record.format or "")


def _first_of_their_content(connection: Connection, signed_tags: Sequence[str]) -> set[str]:
    """Return the ids of the deliveries that were the first with their signed content."""
    c = notifications.c
    tags = sorted(set(signed_tags))
    first = select(func.min(c.place)).where(c.signed_tag.in_(padded(tags))).group_by(c.signed_tag)
    return set(connection.scalars(select(c.id).where(c.place.in_(first))))
