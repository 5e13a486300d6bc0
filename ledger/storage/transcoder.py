"""Turns the attributes of an event into the bytes that are stored once and for ever, and back."""

from datetime import UTC, datetime
from typing import Any

import orjson
from eventsourcing.persistence import Transcoder


def _is_instant(name: str) -> bool:
    return name == "timestamp" or name.endswith("_at")


class EventTranscoder(Transcoder):
    """JSON without type tags: an attribute named `…_at` is an instant, and only the event itself
    has attributes. So nothing a sender writes into a payload can become a Python object.

    Shape: attributes that are None, False or absent are left out; event classes have defaults.
    """

    def encode(self, obj: Any) -> bytes:
        told = {
            name: _told(name, value) for name, value in obj.items() if value not in (None, False)
        }
        return orjson.dumps(told)

    def decode(self, data: bytes) -> Any:
        told = orjson.loads(data)
        return {name: _read(name, value) for name, value in told.items()}


def _told(name: str, value: Any) -> Any:
    if not _is_instant(name):
        return value
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise TypeError(f"{name} must be an aware datetime")
    return value.astimezone(UTC).isoformat()


def _read(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if _is_instant(name) else value
