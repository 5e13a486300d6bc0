"""One check over a part of the ledger, as any process can do it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

from sqlalchemy import text

from ledger.audit.fault import CheckResult
from ledger.errors import ArchiveError, SettingsError
from ledger.ipn.shops_and_keys import Shops
from ledger.sealing.sealing import Sealing
from ledger.storage.database import Database
from ledger.storage.divided_work import WorkPlace

Own = dict[str, Database | Sealing | Shops]
"""What whoever does a check has of its own, by the name of the argument."""


@dataclass(frozen=True, slots=True)
class CheckTask:
    """One check over a part of the ledger, of about `size` rows, for any process.

    Shape: `arguments` say which part; database, keys and shops are those of whoever does it.
    `last_event` is position and origin of the last event, by which the ledger is recognised.
    """

    check: str
    size: int
    function: Callable[..., CheckResult]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    last_event: tuple[int, str] | None = None

    def __call__(self, workplace: WorkPlace) -> CheckResult:
        database = Database(workplace.database_url, pool_size=2)
        try:
            self._check_ledger(database)
            sealing = Sealing(database, workplace.masters_file, workplace.variables)
            return self.run({"database": database, "sealing": sealing, "shops": workplace.shops})
        finally:
            database.dispose()

    def _check_ledger(self, database: Database) -> None:
        """Refuse to check another ledger. Errors: SettingsError."""
        if self.last_event is None:
            return
        query = text("SELECT origin_id FROM events WHERE position = :position")
        with database.connect() as connection:
            origin = connection.scalar(query, {"position": self.last_event[0]})
        if origin != self.last_event[1]:
            raise SettingsError(
                "the database of a worker holds another ledger, or is behind: where does its"
                " LEDGER_DATABASE_URL lead?"
            )

    def run(self, own: Own) -> CheckResult:
        """Do it with what the check takes of these, as far as archives can be read."""
        wanted = signature(self.function).parameters.keys() & own.keys()
        try:
            return self.function(**{name: own[name] for name in wanted}, **self.arguments)
        except ArchiveError as error:
            ended = CheckResult()
            detail = f"{error}; {self.size} rows were not compared"
            ended.add(None, self.check, "archive-unreadable", detail)
            return ended
