"""Checks that nothing is noted as erased but by an erasure that names it, or its transaction."""

from sqlalchemy import Connection, select

from ledger.audit.fault import CheckResult
from ledger.privacy.records import Erasure, erasures_by_id
from ledger.privacy.selection import decisions_about, streams_of_origins
from ledger.storage.erasure_tables import erased_origins, erased_streams


def check_erasures(connection: Connection, result: CheckResult) -> None:
    """Compare what is noted as erased with the erasures, whose entries fix what they name."""
    by_id = erasures_by_id(connection)
    c = erased_origins.c
    for row in connection.execute(select(c.origin_id, c.erasure_id).distinct()):
        phases = by_id.get(row.erasure_id, [])
        if not any(row.origin_id in each.selection.origin_ids for each in phases):
            _check_late(connection, row.origin_id, phases, result)
    for row in connection.execute(select(erased_streams)):
        phases = by_id.get(row.erasure_id, [])
        if not any(row.originator_id in each.selection.stream_ids for each in phases):
            _fault(result, f"transaction {row.originator_id.hex}")


def _check_late(
    connection: Connection, origin_id: str, phases: list[Erasure], result: CheckResult
) -> None:
    """Check that what no erasure names came later, about a transaction that was erased."""
    origin_ids = {origin_id, *decisions_about(connection, [origin_id])}
    stream_ids = streams_of_origins(connection, origin_ids)
    if not any(stream_ids & each.selection.stream_ids for each in phases):
        _fault(result, f"origin {origin_id}")


def _fault(result: CheckResult, subject: str) -> None:
    result.add(None, subject, "erasure-unfounded", "no erasure names it")
