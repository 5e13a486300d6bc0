"""Holds both sides of a comparison in a temporary file: a day may have a million payments.

The file is an SQLite database without a name, which the system deletes when it is closed.
"""

import sqlite3
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Self

from ledger.reconciliation.journal_rows import JournalRow
from ledger.reconciliation.known_transactions import KnownTransaction

_CACHE_KIB = 16_384
_OPEN, _USED, _APART = range(3)
"""What a side may be: to be matched, matched, or nothing that a file lists."""
IS_OPEN = f"state = {_OPEN}"
"""The condition, on a table of either side, that something is still to be matched."""

_CLAIM = (
    *("line_number", "uuid", "trans_id", "order_id", "contract", "paid_on", "paid_at", "direction"),
    *("sequence_number", "amount_minor", "currency", "status", "unreadable", "file_id"),
)
_KNOWN = (
    *("reference", "uuid", "trans_id", "order_id", "contract", "direction", "sequence_number"),
    *("payment_method", "paid_on", "paid_at", "is_day_sure", "status", "amount_minor", "currency"),
    "last_changed_at",
)
_CLAIM_COLUMNS = ("state", "age", "has_uuids", "number", *_CLAIM)
_KNOWN_COLUMNS = ("state", "number", *_KNOWN)
_COLUMNS_BY_TABLE = {"claims": _CLAIM_COLUMNS, "known": _KNOWN_COLUMNS}


@dataclass(frozen=True, slots=True)
class Group:
    """The open rows and transactions that share a name, by their places; at least one of each."""

    claim_by_place: dict[int, JournalRow]
    known_by_place: dict[int, KnownTransaction]


class ComparedSides:
    """The rows of files and the transactions of the ledger, until they are compared.

    Shape: of a row comes back what is compared of it, no settlement and no operation.
    """

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self.execute("PRAGMA journal_mode = OFF")  # nothing here is ever undone
        self.execute("PRAGMA temp_store = FILE")
        self.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        for table in _COLUMNS_BY_TABLE:
            self._create(table)
        self.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def execute(self, statement: str) -> sqlite3.Cursor:
        """Run a statement on the tables `claims` and `known`."""
        return self._connection.execute(statement)

    def add_claims(self, claims: Iterable[JournalRow], *, age: int, has_uuids: bool) -> None:
        """Take in the rows of one file. Shape: a newer file has a greater `age`."""
        rows = ((_OPEN, age, has_uuids, *_claim_values(claim)) for claim in claims)
        self._insert("claims", _CLAIM_COLUMNS, rows)

    def add_known(self, known_transactions: Iterable[KnownTransaction]) -> None:
        """Take in transactions."""
        rows = (
            (_OPEN if known.is_payment else _APART, *_known_values(known))
            for known in known_transactions
        )
        self._insert("known", _KNOWN_COLUMNS, rows)

    def make_index(self, name: str) -> None:
        """Prepare `groups` by this name, once everything is in."""
        columns = name if name == "uuid" else f"{name}, paid_on"
        for table in _COLUMNS_BY_TABLE:
            self.execute(
                f"CREATE INDEX IF NOT EXISTS {table}_{name} ON {table} ({columns})"
                f" WHERE {name} IS NOT NULL"
            )

    def groups(self, name: str, days_later: int | None) -> Iterator[Group]:
        """Yield what is open and shares its `uuid`, `number` or `order_id`.

        Shape: transactions are so many days later than rows; None for whatever days.
        """
        shift, same_day, of_claim, of_known = 0, "", "", ""
        if days_later is not None:
            shift, same_day = days_later, f" AND claims.paid_on = known.paid_on - ({days_later})"
            of_claim = " AND claims.paid_on = shared.claim_on"
            of_known = " AND known.paid_on = shared.known_on"
        self.execute("DROP TABLE IF EXISTS shared")
        self.execute(
            f"CREATE TABLE shared AS SELECT DISTINCT {name} AS name,"
            f" paid_on - ({shift}) AS claim_on, paid_on AS known_on FROM known"
            f" WHERE state = {_OPEN} AND {name} > '' AND EXISTS (SELECT 1 FROM claims"
            f" WHERE claims.{name} = known.{name}{same_day} AND claims.state = {_OPEN})"
        )
        claims = self._shared("claims", _CLAIM, f"claims.{name} = shared.name{of_claim}")
        known = self._shared("known", _KNOWN, f"known.{name} = shared.name{of_known}")
        for (_, own_claims), (_, own) in zip(claims, known, strict=True):
            yield Group(
                {row[1]: _claim_of(row[2:]) for row in own_claims},
                {row[1]: _known_of(row[2:]) for row in own},
            )

    def use(self, claim_places: "array[int]", known_places: "array[int]") -> None:
        """Note what is not open any more, as what is matched."""
        for table, places in (("claims", claim_places), ("known", known_places)):
            statement = f"UPDATE {table} SET state = {_USED} WHERE place = ?"
            self._connection.executemany(statement, ((place,) for place in places))

    def leave_out(self, table: str) -> None:
        """Forget pairs that are matched. Shape: a table with `claim_place` and `known_place`."""
        for side, place in (("claims", "claim_place"), ("known", "known_place")):
            self.execute(f"ALTER TABLE {side} RENAME TO all_{side}")
            self._create(side)  # anew: to take most of a table out, index by index, is slow
            self.execute(
                f"INSERT INTO {side} SELECT * FROM all_{side}"
                f" WHERE place NOT IN (SELECT {place} FROM {table})"
            )
            self.execute(f"DROP TABLE all_{side}")

    def unmatched_claims(self) -> Iterator[JournalRow]:
        """Yield the rows that are about no transaction here."""
        query = f"SELECT {', '.join(_CLAIM)} FROM claims WHERE state = {_OPEN}"
        return map(_claim_of, self.execute(query))

    def unlisted(self) -> Iterator[KnownTransaction]:
        """Yield the transactions that no row is about."""
        query = f"SELECT {', '.join(_KNOWN)} FROM known WHERE state <> {_USED}"
        return map(_known_of, self.execute(query))

    def claims(self) -> Iterator[JournalRow]:
        """Yield all rows that count."""
        return map(_claim_of, self.execute(f"SELECT {', '.join(_CLAIM)} FROM claims"))

    def contracts(self) -> set[str]:
        """Return the contracts that rows name."""
        query = "SELECT DISTINCT contract FROM claims WHERE contract > ''"
        return {contract for (contract,) in self.execute(query)}

    def has_verifications(self) -> bool:
        """Return True if a row lists a verification."""
        query = "SELECT 1 FROM claims WHERE direction = 'VERIFICATION' LIMIT 1"
        return self.execute(query).fetchone() is not None

    def _create(self, table: str) -> None:
        columns = ", ".join(_COLUMNS_BY_TABLE[table])
        self.execute(f"CREATE TABLE {table} (place INTEGER PRIMARY KEY, {columns})")

    def _insert(
        self, table: str, columns: tuple[str, ...], inserted_rows: Iterable[tuple[object, ...]]
    ) -> None:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        self._connection.executemany(
            f"INSERT INTO {table} ({names}) VALUES ({marks})", inserted_rows
        )

    def _shared(
        self, table: str, columns: tuple[str, ...], same_name: str
    ) -> Iterator[tuple[int, Iterator[tuple[Any, ...]]]]:
        query = (
            f"SELECT shared.rowid, place, {', '.join(columns)} FROM shared CROSS JOIN {table}"
            f" ON {same_name} WHERE state = {_OPEN} ORDER BY shared.rowid"
        )
        return groupby(self.execute(query), itemgetter(0))


def _claim_values(claim: JournalRow) -> tuple[object, ...]:
    return (
        claim.trans_id and claim.trans_id.lower(),
        claim.line_number,
        claim.uuid,
        claim.trans_id,
        claim.order_id,
        claim.contract,
        None if claim.paid_on is None else claim.paid_on.toordinal(),
        None if claim.paid_at is None else claim.paid_at.isoformat(),
        claim.direction,
        claim.sequence_number,
        claim.amount_minor,
        claim.currency,
        claim.status,
        " ".join(claim.unreadable),
        claim.file_id,
    )


def _claim_of(stored_values: tuple[Any, ...]) -> JournalRow:
    value_by_name = dict(zip(_CLAIM, stored_values, strict=True))
    value_by_name["unreadable"] = tuple(value_by_name["unreadable"].split())
    return JournalRow(**_with_moments(value_by_name, "paid_at"))


def _known_values(known: KnownTransaction) -> tuple[object, ...]:
    return (
        known.trans_id and known.trans_id.lower(),
        known.reference,
        known.uuid,
        known.trans_id,
        known.order_id,
        known.contract,
        known.direction,
        known.sequence_number,
        known.payment_method,
        None if known.paid_on is None else known.paid_on.toordinal(),
        None if known.paid_at is None else known.paid_at.isoformat(),
        known.is_day_sure,
        known.status,
        known.amount_minor,
        known.currency,
        None if known.last_changed_at is None else known.last_changed_at.isoformat(),
    )


def _known_of(stored_values: tuple[Any, ...]) -> KnownTransaction:
    value_by_name = dict(zip(_KNOWN, stored_values, strict=True))
    value_by_name["is_day_sure"] = bool(value_by_name["is_day_sure"])
    return KnownTransaction(**_with_moments(value_by_name, "paid_at", "last_changed_at"))


def _with_moments(value_by_name: dict[str, Any], *instant_names: str) -> dict[str, Any]:
    """Read the day, and the instants of these names."""
    if (ordinal := value_by_name["paid_on"]) is not None:
        value_by_name["paid_on"] = date.fromordinal(ordinal)
    for name in instant_names:
        if (text := value_by_name[name]) is not None:
            value_by_name[name] = datetime.fromisoformat(text)
    return value_by_name
