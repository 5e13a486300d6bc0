"""The bytes of log entries, written once: what each origin brought, without telling what is sealed.

Source: decision 39. An entry is sorted JSON without blanks. What is in the open is named by its
SHA-256, what is sealed by a commitment that only its secret can open. The bytes are stored and
served as they are, and never made again to be shown.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from ledger.instants import write_instant
from ledger.proof.tree import leaf_hash, node_hash

FORMAT = 1
ENTRY_BYTES_MAX = 60_000
"""A log of this kind allows 65,535: of longer ones the list of events stands apart."""

DELIVERY, DECISION, ACT, START = "delivery", "decision", "act", "start"
ERASURE, EXPIRY, HANDOVER = "erasure", "expiry", "handover"
FILE, REPORT, ANSWER, NOTE = "file", "report", "answer", "note"


EventClaim = Mapping[str, Any]
"""What an entry says of one event, with hashes and commitments as hex digits."""


def event_claim(
    *,
    position: int,
    stream: str,
    version: int,
    topic: str,
    state: bytes,
    details: bytes | None,
    apart: str | None,
) -> EventClaim:
    """Name the stored bytes of an event by SHA-256. Shape: `apart` commits to its sealed part."""
    claim = {
        "position": position,
        "stream": stream,
        "version": version,
        "topic": topic,
        "state": hashlib.sha256(state).hexdigest(),
        "details": None if details is None else hashlib.sha256(details).hexdigest(),
        "apart": apart,
    }
    return _without_none(claim)


def entry_bytes(kind: str, fields: Mapping[str, Any], claims: Sequence[EventClaim] = ()) -> bytes:
    """Write an entry. Shape: without fields that are None; instants have six digits, in UTC."""
    own = _without_none({"kind": kind, "v": FORMAT, **fields})
    entry = _json(own | ({"events": list(claims)} if claims else {}))
    if len(entry) <= ENTRY_BYTES_MAX:
        return entry
    listed = {"events_count": len(claims), "events_root": events_root(claims)}
    return _json(own | listed)


def events_root(claims: Sequence[EventClaim]) -> str:
    """Return the root over a list of events that is too long to stand in an entry."""
    hashes = [leaf_hash(_json(claim)) for claim in claims]
    while len(hashes) > 1:  # of each level the last one goes up alone if it has no neighbour
        pairs = zip(hashes[::2], hashes[1::2], strict=False)
        odd = hashes[-1:] if len(hashes) % 2 else []
        hashes = [*(node_hash(left, right) for left, right in pairs), *odd]
    return hashes[0].hex()


def read_entry(entry: bytes) -> dict[str, Any]:
    """Read an entry. Errors: those of orjson; ValueError for what is no entry."""
    fields = orjson.loads(entry)
    if not isinstance(fields, dict) or not isinstance(fields.get("kind"), str):
        raise ValueError("this is no log entry")
    return fields


def _without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: write_instant(field) if isinstance(field, datetime) else field
        for name, field in fields.items()
        if field is not None
    }


def _json(fields: Mapping[str, Any]) -> bytes:
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
