"""Follows deliveries and answers in the order of their commits, and tags each by whom it is about.

Tags and how far they reach are written in one transaction (`ledger/proof/following.py`).
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import product

from sqlalchemy import Connection, delete, insert, select, update

from ledger.application import Ledger
from ledger.errors import MalformedNotificationError
from ledger.privacy.contents import identifiers_in
from ledger.privacy.identifiers import Identifier
from ledger.proof.entry import ANSWER, DELIVERY
from ledger.proof.following import OriginFollower
from ledger.proof.origins import rows_after
from ledger.storage.answers import evidence_records
from ledger.storage.database import chunks, padded
from ledger.storage.inbox import InboxRecord
from ledger.storage.person_tables import person_progress, person_tags
from ledger.storage.sealed_rows import body_secrets

BATCH = 250
UNREADABLE = "unreadable"
"""The kind of the tag of deliveries that cannot be opened or read, and so find nobody."""
DIGEST = "digest"
"""The kind of the tag of the SHA-256 of a body, which finds a delivery."""
_TAG_LENGTH = 32  # hex digits: 16 bytes

Tags = Mapping[str, set[tuple[str, str]]]
"""Delivery -> the kind and the tag of each identifier that it holds."""


class PersonIndex:
    """Finds the deliveries of one ledger that hold an identifier."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._database = ledger.database
        self._followers = {
            kind: OriginFollower(ledger.database, kind, person_progress, partial(self.step, kind))
            for kind in (DELIVERY, ANSWER)
        }

    def follow(self) -> None:
        """Tag one batch of what is committed by now; nothing while writers hold on.

        Errors: SettingsError without the master keys.
        """
        for follower in self._followers.values():
            follower.follow()

    def catch_up(self) -> None:
        """Tag everything that is committed by now.

        Errors: SettingsError without the master keys; UnavailableError when writers hold on.
        """
        for follower in self._followers.values():
            follower.catch_up()

    def rebuild(self) -> None:
        """Drop all tags and make them anew. Errors: as `catch_up`."""
        with self._database.begin() as connection:
            for follower in self._followers.values():
                follower.restart(connection)
            connection.execute(delete(person_tags))
        self.catch_up()

    def place(self) -> int:
        """Return the place up to which deliveries have their tags."""
        return self._followers[DELIVERY].place()

    def step(self, kind: str, place: int, end: int) -> None:
        """Tag one batch of what is behind a place; nothing when another has done it."""
        with self._database.connect() as connection:
            rows = rows_after(connection, kind, place, end, BATCH)
            records = evidence_records(connection, [row.id for row in rows])
            opened = self._ledger.sealing.with_bodies(connection, records.values())
        tags = self._tags(opened)
        with self._database.begin() as connection:
            if self._followers[kind].moved(connection, place, rows[-1].place):
                _add(connection, tags)

    def deliveries(
        self, connection: Connection, identifiers: Sequence[Identifier], shop_id: str, mode: str
    ) -> dict[Identifier, list[str]]:
        """Return the deliveries of a shop and mode that hold each identifier, in no order."""
        return {
            each: self._tagged(connection, *self._tag(each.kind, shop_id, mode, each.value))
            for each in identifiers
        }

    def deliveries_of_shops(
        self,
        connection: Connection,
        identifiers: Sequence[Identifier],
        shop_ids: Sequence[str],
        mode: str,
    ) -> set[str]:
        """Return the deliveries of some shops that hold any of these identifiers."""
        named = [
            self._tag(each.kind, shop_id, mode, each.value)
            for each, shop_id in product(identifiers, shop_ids)
        ]
        kind_by_tag, c = {tag: kind for kind, tag in named}, person_tags.c
        return {
            row.origin_id
            for chunk in chunks(sorted(kind_by_tag))
            for row in connection.execute(select(person_tags).where(c.tag.in_(padded(chunk))))
            if row.kind == kind_by_tag[row.tag]
        }

    def unreadable(self, connection: Connection, shop_id: str, mode: str) -> list[str]:
        """Return the deliveries of a shop and mode that could not be opened or read."""
        return self._tagged(connection, *self._tag(UNREADABLE, shop_id, mode, ""))

    def _tagged(self, connection: Connection, kind: str, tag: str) -> list[str]:
        c = person_tags.c
        query = select(c.origin_id).where(c.tag == tag, c.kind == kind)
        return list(connection.scalars(query))

    def _tags(self, records: Sequence[InboxRecord]) -> Tags:
        return {record.id: self._tags_of(record) for record in records}

    def _tags_of(self, record: InboxRecord) -> set[tuple[str, str]]:
        shop = record.shop_id or "", record.mode or ""
        try:
            identifiers = identifiers_in(self._ledger, record)
        except MalformedNotificationError:
            return {self._tag(UNREADABLE, *shop, "")}
        tags = {self._tag(each.kind, *shop, each.value) for each in identifiers}
        if record.digest is not None:
            tags.add(self._tag(DIGEST, *shop, record.digest))
        return tags

    def _tag(self, kind: str, shop_id: str, mode: str, value: str) -> tuple[str, str]:
        content = "\0".join(("person", kind, shop_id, mode, value)).encode("utf-8", "surrogatepass")
        return kind, self._ledger.sealing.keys.tag(content)[:_TAG_LENGTH]


def forget(connection: Connection, origin_ids: Collection[str]) -> None:
    """Remove the tags of deliveries of which nothing can be opened any more.

    Shape: within the transaction that destroys their secrets, so that none comes back.
    """
    # waits for whoever has opened one of them and is about to tag it
    connection.execute(update(person_progress).values(place=person_progress.c.place))
    for chunk in chunks(sorted(origin_ids)):
        connection.execute(delete(person_tags).where(person_tags.c.origin_id.in_(padded(chunk))))


def with_secrets(connection: Connection, origin_ids: Collection[str]) -> list[str]:
    """Return those deliveries of which anything can be opened: the body, or what events keep."""
    return [locked.origin_id for locked in body_secrets(connection, origin_ids)]


def _add(connection: Connection, tags: Tags) -> None:
    """Add tags, but for those of deliveries that were erased since they were opened."""
    rows = [
        {"tag": tag, "kind": kind, "origin_id": id_}
        for id_ in with_secrets(connection, tags)
        for kind, tag in tags[id_]
    ]
    if rows:
        connection.execute(insert(person_tags), rows)
