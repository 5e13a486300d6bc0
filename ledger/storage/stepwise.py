"""Appends a batch by one plain statement after another, in one transaction: on any database."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from sqlalchemy import Connection

from ledger.storage import references
from ledger.storage.additions import Additions, Asked, Known
from ledger.storage.database import Database
from ledger.storage.journal import Journal
from ledger.storage.recorder import EventRecorder


class Stepwise:
    """The plain way, which every other one is compared with."""

    def __init__(self, database: Database, journal: Journal, recorder: EventRecorder) -> None:
        self._database = database
        self._journal = journal
        self._recorder = recorder

    def begin(self) -> AbstractContextManager[Connection]:
        return self._database.begin()

    def known(self, connection: Connection, asked: Sequence[Asked]) -> Known:
        digests = [one.signed_digest for one in asked]
        recorded = self._journal.positions_by_digest(connection, digests)
        new = [one for one in asked if one.signed_digest not in recorded]
        ids = dict.fromkeys(id_ for one in new for id_ in one.streams)
        streams = self._recorder.select_streams(list(ids), connection)
        dated = dict.fromkeys(id_ for one in new for id_ in one.dated if streams[id_])
        confirmed = self._journal.confirmed_at(connection, list(dated)) if dated else {}
        return Known(recorded, streams, confirmed)

    def add(self, connection: Connection, additions: Additions) -> list[int]:
        references.add_all(connection, additions.references)
        positions = self._recorder.append(connection, additions.events)
        self._journal.add_repeats(connection, additions.repeats)
        rows = [replace(one.row, positions=one.placed(positions)) for one in additions.deliveries]
        self._journal.add_many(connection, rows)
        return positions
