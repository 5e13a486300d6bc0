"""Cut the bulk load of a generation into ranges of positions, each with a position of its own."""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from ledger.projections.engine.generations import FOLLOWING, Generation, positions
from ledger.projections.engine.writing import upsert_into
from ledger.storage.tables import generation_positions


def start_of(generation: Generation, part: int) -> int:
    """Return the position after which a part begins."""
    return 0 if part == FOLLOWING else (part - 1) * generation.part_length


def part_ends(generation: Generation, until: int) -> dict[int, int]:
    """Cut the log up to a position. Shape: part -> its last position."""
    starts = range(0, until, generation.part_length)
    return {
        part: min(start + generation.part_length, until) for part, start in enumerate(starts, 1)
    }


def begin_parts(connection: Connection, generation: Generation, numbers: Iterable[int]) -> None:
    """Give each of these parts a position, where it has none yet."""
    now = datetime.now(UTC)
    begun = [
        {
            "generation_id": generation.id,
            "part": part,
            "position": start_of(generation, part),
            "moved_at": now,
        }
        for part in numbers
    ]
    if begun:
        insert_new = upsert_into(connection, generation_positions).on_conflict_do_nothing()
        connection.execute(insert_new, begun)


def count_loaded(connection: Connection, generation: Generation) -> int:
    """Return how many positions a generation has applied, in all of its parts."""
    return sum(
        position - start_of(generation, part)
        for part, position in positions(connection, generation.id).items()
    )


def do_alone(connection: Connection, generation_id: int, purpose: str) -> None:
    """Let nobody else do this to a generation until this transaction ends.

    Two may be at it when a lease was lost, or a worker was taken for dead that is not.
    """
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        name = f"generation:{generation_id}:{purpose}"
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
