"""Says how each shop stands that is compared with files: what is proven, and what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from sqlalchemy import Connection

from ledger.reconciliation.completeness import (
    DayState,
    MissingFile,
    completeness,
    missing_files,
)
from ledger.reconciliation.files import KeptFile, kept_file_rows
from ledger.reconciliation.report_store import Scope

DAYS_LOOKED_AT = 30


@dataclass(frozen=True, slots=True)
class Standing:
    """How one shop and mode stands over the last thirty UTC days.

    Shape: `last_proven_day` is None when none of them is proven; `gaps` counts payments.
    """

    shop_id: str
    mode: str
    last_proven_day: date | None
    days_with_gaps: tuple[date, ...]
    gaps: int
    missing: tuple[MissingFile, ...]


def standings(connection: Connection, now: datetime) -> list[Standing]:
    """Return how each shop and mode stands that has files at all, in their order."""
    files = sorted(kept_file_rows(connection), key=_addressee)
    return [
        _standing(connection, shop_id, mode, list(own), now)
        for (shop_id, mode), own in groupby(files, key=_addressee)
    ]


def _addressee(kept_file: KeptFile) -> tuple[str, str]:
    return kept_file.shop_id, kept_file.mode


def _standing(
    connection: Connection, shop_id: str, mode: str, files: Sequence[KeptFile], now: datetime
) -> Standing:
    yesterday = now.date() - timedelta(days=1)
    first_day = now.date() - timedelta(days=DAYS_LOOKED_AT)
    known = completeness(connection, Scope(shop_id, mode, first_day, yesterday))
    proven = [each.day for each in known if each.day_state is DayState.PROVEN]
    return Standing(
        shop_id,
        mode,
        max(proven, default=None),
        tuple(each.day for each in known if each.day_state is DayState.GAPS),
        sum(each.gap_count for each in known),
        tuple(missing_files(files, now)),
    )
