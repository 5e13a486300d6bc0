"""Writes a write set by one plain statement after another, in one transaction: on any database."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from sqlalchemy import Connection

from ledger.storage import subscription_index
from ledger.storage.acts import add_act
from ledger.storage.answers import add_answer
from ledger.storage.database import Database
from ledger.storage.decisions import add_decision
from ledger.storage.erased import BODY, add_erased, add_unreadable, erased_names
from ledger.storage.event_recorder import append_events, read_streams
from ledger.storage.inbox import Inbox
from ledger.storage.sealed_rows import add_sealed, destroy_secrets
from ledger.storage.stream_names import add_names, streams_by_name
from ledger.storage.write_set import Loaded, LoadRequest, WriteSet, final_positions


class PlainWriter:
    """The plain strategy, which every other one is compared with."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self) -> AbstractContextManager[Connection]:
        return self._database.begin()

    def load(self, connection: Connection, requests: Sequence[LoadRequest]) -> Loaded:
        tags = [request.signed_tag for request in requests]
        inbox = Inbox(connection)
        recorded = inbox.positions_by_tag(tags)
        new = [request for request in requests if request.signed_tag not in recorded]
        named = dict.fromkeys(id_ for request in new for id_ in request.stream_ids)
        stream_by_name = streams_by_name(connection, list(named))
        ids = dict.fromkeys([*named, *stream_by_name.values()])
        streams = read_streams(connection, list(ids))
        dates = (stream_by_name.get(id_, id_) for request in new for id_ in request.dated)
        dated = dict.fromkeys(id_ for id_ in dates if streams[id_])
        confirmed_at = inbox.confirmed_at(list(dated)) if dated else {}
        texts = inbox.texts_by_tag([tag for request in new for tag in request.text_tags])
        return Loaded(recorded, streams, confirmed_at, stream_by_name, texts, requests)

    def lock(self, connection: Connection, loaded: Loaded) -> bool:
        return True

    def write(self, connection: Connection, writes: WriteSet) -> list[int]:
        inbox = Inbox(connection)
        subscription_index.add_all(connection, list(writes.subscriptions.values()))
        add_names(connection, writes.stream_by_name)
        new_positions = append_events(connection, writes.new_events)
        inbox.add_repeats(writes.repeats)
        _add_sealed(connection, writes)
        inbox_records = [
            replace(record, positions=final_positions(record.positions, new_positions))
            for record in writes.deliveries
        ]
        if inbox_records:
            inbox.add_many(inbox_records)
        for decision in writes.decisions:
            positions = final_positions(decision.positions, new_positions)
            add_decision(connection, replace(decision, positions=positions))
        for act in writes.acts:
            positions = final_positions(act.positions, new_positions)
            add_act(connection, replace(act, positions=positions))
        for answer in writes.answers:
            positions = final_positions(answer.positions, new_positions)
            add_answer(connection, replace(answer, positions=positions))
        return new_positions


def _add_sealed(connection: Connection, writes: WriteSet) -> None:
    """Store what is sealed, and no secret of what is about an erased transaction."""
    name_ids = {id_ for ids in writes.streams_by_origin.values() for id_ in ids}
    erasure_by_name = erased_names(connection, name_ids)
    erasure_by_origin = {
        origin_id: erasure_by_name[id_]
        for origin_id, ids in writes.streams_by_origin.items()
        for id_ in ids
        if id_ in erasure_by_name
    }
    unreadable = [each for each in writes.sealed_origins if each.origin_id in erasure_by_origin]
    add_sealed(connection, writes.sealed_origins, erasure_by_origin)
    add_unreadable(connection, unreadable, erasure_by_origin)
    for decision in writes.decisions:  # only now it is known what their deliveries are about
        if decision.id in erasure_by_origin:
            destroy_secrets(connection, [decision.notification_id])
            erasure_id = erasure_by_origin[decision.id]
            add_erased(connection, {decision.notification_id: erasure_id}, [BODY])
