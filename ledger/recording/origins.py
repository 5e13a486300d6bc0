"""The ids of what causes events besides deliveries: later decisions, and what operators do."""

from datetime import datetime

from ulid import ULID


def new_origin_id(now: datetime) -> str:
    """Return an id that nothing else has. Shape: a ULID, which sorts by time."""
    return str(ULID.from_datetime(now))
