"""The tables by which people are found, as the code sees them; made anew from the inbox at will."""

from sqlalchemy import BigInteger, Index, Table, Text

from ledger.storage.columns import keys, metadata, required

person_tags = Table(
    "person_tags",
    metadata,
    *keys(Text, "tag", "kind", "origin_id"),
    Index("ix_person_tags_origin", "origin_id"),
)
"""Which deliveries hold an identifier of a person. Shape: `tag` names the identifier, its shop and
its mode under the index key; nobody without that key can compute it."""

person_progress = Table(
    "person_progress",
    metadata,
    *keys(Text, "source"),
    *required(BigInteger, "place"),
)
"""Up to which place the deliveries have their tags, in a row that is always there; whoever adds or
removes tags locks it."""
