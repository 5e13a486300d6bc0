"""Instants as people ask for them, on the command line and in addresses."""

import re
from datetime import UTC, datetime

_LOST_PLUS = re.compile(r"(?<=\d) (?=\d\d:?\d\d$)")


def read_asked(text: str) -> datetime:
    """Read an ISO 8601 instant; without an offset it is in UTC, a bare day means its end.

    A plus sign that an address turned into a blank is one again. Errors: ValueError.
    """
    moment = datetime.fromisoformat(_LOST_PLUS.sub("+", text) if "T" in text else text)
    if len(text) == len("2026-03-10"):
        moment = moment.replace(hour=23, minute=59, second=59, microsecond=999_999)
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError("no calendar reaches so far") from error
