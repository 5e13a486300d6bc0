"""Turns an event into the bytes that are stored once and for ever, and back."""

from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, Notification, StoredEvent, Transcoder

from ledger.instants import read_instant, write_instant
from ledger.ipn.harmless_names import is_harmless

_DETAILS = ("details", "personal")

AnyStoredEvent = StoredEvent
"""An event's bytes, whether the library made them or this service."""


@dataclass(frozen=True)
class StoredEntry(StoredEvent):
    """An event's bytes. Shape: `details` holds, apart from the facts in `state`, what the platform
    sent besides under harmless names; `sealed_json` all else, which is for its origin to seal; None
    when there is nothing of the kind."""

    details: bytes | None = None
    sealed_json: bytes | None = None


@dataclass(frozen=True)
class Entry(Notification):
    """One stored event with its position.

    Shape: `details`, the origin and the number of its sealed part are None when they were not
    selected.
    """

    details: bytes | None = None
    origin_id: str | None = None
    part: int | None = None


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
        bare = replace(domain_event, **dict.fromkeys(_DETAILS))
        harmless, sealed_pairs = _divided(domain_event.details or [])
        details = {"details": harmless} if harmless else None
        sealed = {"details": sealed_pairs, "personal": domain_event.personal}
        sealed = {name: pairs for name, pairs in sealed.items() if pairs}
        return StoredEntry(
            **vars(super().to_stored_event(bare)),
            details=orjson.dumps(details) if details else None,
            sealed_json=orjson.dumps(sealed) if sealed else None,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        event = super().to_domain_event(stored_event)
        details = getattr(stored_event, "details", None)
        if details is not None:
            vars(event).update(orjson.loads(details))
        sealed = getattr(stored_event, "sealed_json", None)
        return event if sealed is None else with_sealed_part(event, sealed)


def with_sealed_part(domain_event: Any, sealed_json: bytes) -> Any:
    """Return an event with what else it says, once that has been opened.

    Errors: those of orjson for bytes that are no such part.
    """
    opened = copy(domain_event)
    pairs_by_name = orjson.loads(sealed_json)
    details = [*(domain_event.details or []), *pairs_by_name.get("details", [])]
    vars(opened).update(details=details or None, personal=pairs_by_name.get("personal"))
    return opened


def _divided(named_texts: list[list[str]]) -> tuple[list[list[str]], list[list[str]]]:
    """Divide details into those under harmless names, and all others."""
    harmless = [pair for pair in named_texts if is_harmless(pair[0])]
    return harmless, [pair for pair in named_texts if not is_harmless(pair[0])]


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
