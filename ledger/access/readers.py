"""What tokens and people have in common as readers."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Self

from sqlalchemy import Connection, Executable, RowMapping, Table, select

from ledger.access.roles import SEES_PERSONAL

VALID = "valid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A machine with a token, or a person who has signed in, whose id begins with `user-`.

    Shape: `shops` is None for all shops, those to come included. A field without a repr is never
    shown: it holds a hash or a session's stamp.
    """

    id: str
    name: str
    role: str
    shops: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime | None = None

    @property
    def sees_personal(self) -> bool:
        return self.role in SEES_PERSONAL

    def allows_shop(self, shop_id: str | None) -> bool:
        """Return True if this reader may read of the shop; what names none is for all shops."""
        return self.shops is None or shop_id in self.shops

    def state_at(self, at: datetime) -> str:
        """Return `valid` or, once the access has ended by itself, `expired`."""
        return VALID if self.expires_at is None or at < self.expires_at else "expired"

    def is_valid_at(self, at: datetime) -> bool:
        """Return True if this reader is let in at this time."""
        return self.state_at(at) == VALID

    @classmethod
    def from_row(cls, reader_row: RowMapping) -> Self:
        """Read a reader from a stored row; columns that are no fields are left out."""
        columns = {field.name: reader_row[field.name] for field in fields(cls)}
        shops = columns["shops"]
        return cls(**columns | {"shops": None if shops is None else tuple(shops)})

    @classmethod
    def read_one(cls, connection: Connection, statement: Executable) -> Self | None:
        """Read the reader that a statement finds or changes, if there is one."""
        row = connection.execute(statement).mappings().one_or_none()
        return None if row is None else cls.from_row(row)

    @classmethod
    def read_all(cls, connection: Connection, table: Table) -> list[Self]:
        """Read every reader there ever was, oldest first."""
        query = select(table).order_by(table.c.created_at, table.c.id)
        return [cls.from_row(row) for row in connection.execute(query).mappings()]
