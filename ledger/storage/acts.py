"""What operators did that made events."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert

from ledger.storage.tables import acts

CONFIRMATION = "confirmation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that an operator did. Shape: who, and why, is sealed with its events."""

    id: str
    kind: str
    done_at: datetime
    shop_id: str
    mode: str
    positions: tuple[int, ...] = ()


def add_act(connection: Connection, act: Act) -> None:
    """Add what an operator did."""
    row = {name: getattr(act, name) for name in Act.__slots__}
    connection.execute(insert(acts), row | {"positions": list(act.positions)})
