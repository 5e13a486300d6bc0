"""Removes what the access log has held for long enough: addresses first, then whole lines."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, delete, func, select, update

from ledger.storage.access_tables import access_addresses, access_log, users
from ledger.storage.deleted_rows import delete_securely


class AccessCounts(NamedTuple):
    """How many addresses and networks there are, and how many lines of the log."""

    networks: int
    log_lines: int


@dataclass(frozen=True, slots=True)
class OldAccesses:
    """What is older than two instants. Shape: an address never outlives its line."""

    network_until: datetime
    log_until: datetime

    def count(self, connection: Connection) -> AccessCounts:
        """Return how much of it there is."""
        networks = [
            self._number(connection, access_addresses, self._is_old_address),
            self._number(connection, users, self._is_old_network),
        ]
        return AccessCounts(sum(networks), self._number(connection, access_log, self._is_old_line))

    def remove(self, connection: Connection) -> AccessCounts:
        """Remove it, and return how much it was.

        Errors: DBAPIError, by the guard of the table, for a line younger than twelve months.
        """
        delete_securely(connection)
        addresses = connection.execute(delete(access_addresses).where(self._is_old_address))
        forgotten = update(users).where(self._is_old_network).values(last_signed_in_from=None)
        networks = addresses.rowcount + connection.execute(forgotten).rowcount
        old_lines = connection.execute(delete(access_log).where(self._is_old_line))
        return AccessCounts(networks, old_lines.rowcount)

    @staticmethod
    def _number(connection: Connection, table: Table, condition: Any) -> int:
        return connection.scalar(select(func.count()).select_from(table).where(condition)) or 0

    @property
    def _is_old_line(self) -> Any:
        return access_log.c.at < self.log_until

    @property
    def _is_old_address(self) -> Any:
        latest = max(self.network_until, self.log_until)
        old = select(access_log.c.id).where(access_log.c.at < latest)
        return access_addresses.c.access_id.in_(old)

    @property
    def _is_old_network(self) -> Any:
        c = users.c
        return c.last_signed_in_from.is_not(None) & (c.last_signed_in_at < self.network_until)
