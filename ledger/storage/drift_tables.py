"""The tables of what bodies were seen to hold, as the code sees them; made anew from the inbox.

Nothing about a person is in them: names of fields, types, words of closed sets, and ids.
"""

from sqlalchemy import BigInteger, Index, Table, Text

from ledger.storage.columns import UtcDateTime, keys, metadata, optional, required

SCOPE = ("shop_id", "mode", "format")
"""The columns that name a shop, a mode and a format: each is known by itself."""

drift_kinds = Table(
    "drift_kinds",
    metadata,
    *keys(Text, *SCOPE, "kind"),
    *required(BigInteger, "call_count"),
)
"""How many calls of each kind were read."""

drift_names = Table(
    "drift_names",
    metadata,
    *keys(Text, *SCOPE, "kind", "name"),
    *required(Text, "first_delivery_id"),
    *required(UtcDateTime, "first_seen_at", "last_seen_at"),
    *required(BigInteger, "call_count", "run_from", "run_last", "run_calls"),
    *optional(Text, "missing_delivery_id"),
)
"""The names in the calls of a kind. Shape: `run_from` and `run_last` count the calls of the kind;
`missing_delivery_id` is the first call without a value since `run_last`."""

drift_values = Table(
    "drift_values",
    metadata,
    *keys(Text, *SCOPE, "name", "what", "value"),
    *required(Text, "first_delivery_id"),
    *required(UtcDateTime, "first_seen_at", "last_seen_at"),
    *required(BigInteger, "call_count"),
)
"""The JSON types of each name, of which the first call alone is noted, and the words of those names
that have a closed set of them."""

drift_findings = Table(
    "drift_findings",
    metadata,
    *keys(Text, *SCOPE, "kind", "drift", "name", "value", "delivery_id"),
    *required(UtcDateTime, "noticed_at"),
    Index("ix_drift_findings_noticed", "noticed_at"),
)
"""What was otherwise than before, with the first delivery that showed it."""

drift_progress = Table(
    "drift_progress",
    metadata,
    *keys(Text, "source"),
    *required(BigInteger, "place"),
)
"""Up to which place the deliveries were read, in a row that is always there."""
