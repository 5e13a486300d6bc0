"""Writes a write set by one plain statement after another, in one transaction: on any database."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from sqlalchemy import Connection

from ledger.storage import subscription_index
from ledger.storage.database import Database
from ledger.storage.event_recorder import EventRecorder
from ledger.storage.inbox import Inbox
from ledger.storage.write_set import Loaded, LoadRequest, WriteSet


class PlainWriter:
    """The plain strategy, which every other one is compared with."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._journal = Inbox()
        self._recorder = EventRecorder(database)

    def begin(self) -> AbstractContextManager[Connection]:
        return self._database.begin()

    def load(self, connection: Connection, requests: Sequence[LoadRequest]) -> Loaded:
        digests = [request.signed_digest for request in requests]
        recorded = self._journal.positions_by_digest(connection, digests)
        new = [request for request in requests if request.signed_digest not in recorded]
        ids = dict.fromkeys(id_ for request in new for id_ in request.streams)
        streams = self._recorder.select_streams(list(ids), connection)
        dated = dict.fromkeys(id_ for request in new for id_ in request.dated if streams[id_])
        confirmed_at = self._journal.confirmed_at(connection, list(dated)) if dated else {}
        return Loaded(recorded, streams, confirmed_at)

    def write(self, connection: Connection, writes: WriteSet) -> list[int]:
        subscription_index.add_all(connection, writes.subscriptions)
        positions = self._recorder.append(connection, writes.events)
        self._journal.add_repeats(connection, writes.repeats)
        rows = [
            replace(delivery.row, positions=delivery.final_positions(positions))
            for delivery in writes.deliveries
        ]
        self._journal.add_many(connection, rows)
        return positions
