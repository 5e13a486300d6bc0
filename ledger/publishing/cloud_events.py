"""One event of the ledger as a CloudEvent 1.0, which every engine and library of events knows."""

from collections.abc import Mapping
from typing import Any

SPECIFICATION = "1.0"
TYPE_PREFIX = "ipn-ledger."
_SEQUENCE_DIGITS = 19
"""As many as the largest position has, so that the texts sort as the numbers do."""


def cloud_event(event_fields: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return an event in its envelope; `data` is the event as the query API answers it.

    Shape: `id` is its position in this ledger, which whoever reads compares to see that nothing is
    missing or double; `source` names the ledger, then shop and mode.
    """
    shop_id, mode, position = (event_fields[name] for name in ("shop_id", "mode", "position"))
    return {
        "specversion": SPECIFICATION,
        "id": str(position),
        "source": f"{source}/shops/{shop_id}/{mode}",
        "type": f"{TYPE_PREFIX}{event_fields['type']}",
        "subject": f"{event_fields['kind']}/{event_fields['reference']}",
        "time": event_fields["recorded_at"],
        "datacontenttype": "application/json",
        "sequence": str(position).zfill(_SEQUENCE_DIGITS),
        "data": dict(event_fields),
    }
