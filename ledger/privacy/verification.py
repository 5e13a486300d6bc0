"""Verifies deliveries once more before they are erased: it is the last time that anybody can."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import Connection

from ledger.application import Ledger
from ledger.ipn.signature import digest
from ledger.proof.log import current_log
from ledger.proof.origin_fields import SOURCES
from ledger.proof.origins import log_entry, opened_rows, rows_of
from ledger.queries.evidence import verified_again
from ledger.storage.answers import evidence_records
from ledger.storage.database import chunks
from ledger.storage.inbox import InboxRecord

CHUNK = 200
ENTRY_SAME, ENTRY_DIFFERS, ENTRY_MISSING = "entry-same", "entry-differs", "entry-missing"
DIGEST_SAME, DIGEST_DIFFERS = "digest-same", "digest-differs"


def verify_before(ledger: Ledger, origin_ids: Collection[str]) -> dict[str, int]:
    """Count what signatures, digests and commitments say.

    Shape: counts by `signature-verified`, `signature-key-gone`, `signature-failed`,
    `signature-asked`, by `body-` and
    why it cannot be opened, and by those of digests and of entries of the log.
    """
    counts: Counter[str] = Counter()
    with ledger.database.connect() as connection:
        for chunk in chunks(sorted(origin_ids), CHUNK):
            deliveries = evidence_records(connection, chunk).values()
            for record in ledger.sealing.with_bodies(connection, deliveries):
                counts.update(_of_delivery(ledger, record))
            counts.update(_of_entries(connection, ledger, chunk))
    return dict(counts)


def _of_delivery(ledger: Ledger, record: InboxRecord) -> Iterator[str]:
    if record.body is None:
        yield f"body-{record.sealed}"  # erased, locked or damaged
        return
    yield f"signature-{verified_again(ledger, record)}"
    yield DIGEST_SAME if record.digest == digest(record.body) else DIGEST_DIFFERS


def _of_entries(connection: Connection, ledger: Ledger, ids: Sequence[str]) -> Iterator[str]:
    log = current_log(connection)
    for kind in SOURCES:
        rows = rows_of(connection, kind, ids)
        origins = opened_rows(connection, ledger.sealing, kind, rows)
        for row in rows:
            index = log.index_of(row.id)
            if index is None:
                yield ENTRY_MISSING
                continue
            (stored,) = log.entries(index, index + 1)
            again = log_entry(origins, row, {}).entry
            yield ENTRY_SAME if again == stored.entry else ENTRY_DIFFERS
