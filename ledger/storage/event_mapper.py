"""Turns an event into the bytes that are stored once and for ever, and back."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, Notification, StoredEvent, Transcoder

from ledger.instants import read_instant, write_instant

_DETAILS = ("details", "personal")


@dataclass(frozen=True)
class StoredEntry(StoredEvent):
    """An event's bytes. Shape: `details` holds, apart from the facts in `state`, what the
    platform sent besides and what is about a person; None when there is neither."""

    details: bytes | None = None


@dataclass(frozen=True)
class Entry(Notification):
    """One stored event with its position. Shape: `details` is None when it was not selected."""

    details: bytes | None = None


class EventTranscoder(Transcoder):
    """JSON without type tags: an attribute named `…_at` is an instant, and only the event itself
    has attributes. So nothing a sender writes into a payload can become a Python object.

    Shape: attributes that are None or False are left out; event classes have defaults.
    """

    def encode(self, obj: Any) -> bytes:
        fields = {
            name: _write(name, value)
            for name, value in obj.items()
            if value is not None and value is not False
        }
        return orjson.dumps(fields)

    def decode(self, data: bytes) -> Any:
        return {name: _read(name, value) for name, value in orjson.loads(data).items()}


class EventMapper(Mapper[UUID]):
    """Keeps facts and details in bytes of their own: reading facts alone is the common case."""

    def __init__(self) -> None:
        super().__init__(EventTranscoder())

    def to_stored_event(self, domain_event: Any) -> StoredEntry:
        details = {name: value for name in _DETAILS if (value := getattr(domain_event, name))}
        if not details:
            return StoredEntry(**vars(super().to_stored_event(domain_event)))
        stored_event = super().to_stored_event(replace(domain_event, **dict.fromkeys(details)))
        return StoredEntry(**vars(stored_event), details=orjson.dumps(details))

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        event = super().to_domain_event(stored_event)
        details = getattr(stored_event, "details", None)
        if details is not None:
            vars(event).update(orjson.loads(details))
        return event


def _is_instant(name: str) -> bool:
    return name == "timestamp" or name.endswith("_at")


def _write(name: str, value: Any) -> Any:
    if not _is_instant(name):
        return value
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise TypeError(f"{name} must be an aware datetime")
    return write_instant(value)


def _read(name: str, value: Any) -> Any:
    return read_instant(value) if _is_instant(name) else value
