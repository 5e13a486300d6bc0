"""Writes a write set on SQLite, where one connection at a time may write.

What is read, decided and encoded before that needs no lock; while it is held the rows are inserted,
and nothing else is done, unless somebody else has written about the same things meanwhile.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from uuid import UUID

from sqlalchemy import BindParameter, Connection, bindparam, func, select

from ledger.storage import subscription_index
from ledger.storage.database import Database
from ledger.storage.plain_writer import PlainWriter
from ledger.storage.prepared import PreparedQuery
from ledger.storage.tables import decisions, events, notifications, repeats, stream_names
from ledger.storage.write_set import Loaded


class SqliteWriter(PlainWriter):
    """The strategy of processes that share a file: they decide at once, and write in turn."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._database = database

    def begin(self) -> AbstractContextManager[Connection]:
        return self._database.begin_reading()

    def lock(self, connection: Connection, loaded: Loaded) -> bool:
        size = _size(connection, loaded)
        self._database.go_on_writing(connection)
        return _size(connection, loaded) == size


def _size(connection: Connection, loaded: Loaded) -> int:
    """Count all rows that a decision rests on. Rows are only ever added to these tables, or an
    order to a reference without one: while this number stays the same, nothing has changed."""
    stream_ids: Sequence[UUID] = list(loaded.streams)
    tags = [request.signed_tag for request in loaded.requests]
    texts = [tag for request in loaded.requests for tag in request.text_tags]
    ((size,),) = _SIZE.rows(connection, ids=stream_ids, tags=tags, texts=texts)
    return sum(
        (subscription_index.size_of(connection, *alias) for alias in loaded.alias_keys), start=size
    )


_IDS: BindParameter[UUID] = bindparam("ids", expanding=True)
_TAGS: BindParameter[str] = bindparam("tags", expanding=True)
_TEXTS: BindParameter[str] = bindparam("texts", expanding=True)
_COUNTS = [
    select(func.count()).where(condition).scalar_subquery()
    for condition in (
        events.c.originator_id.in_(_IDS),
        repeats.c.originator_id.in_(_IDS),
        stream_names.c.name_id.in_(_IDS),
        notifications.c.signed_tag.in_(_TAGS),
        decisions.c.signed_tag.in_(_TAGS),
        notifications.c.signed_text_tag.in_(_TEXTS),
    )
]
_SIZE = PreparedQuery(select(sum(_COUNTS[1:], start=_COUNTS[0])))
