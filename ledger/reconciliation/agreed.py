"""Counts, where they lie, the pairs that agree in everything: of most days nearly all payments.

A pair is counted so only when no rule could decide anything about it: it is alone with its name on
its day, both sides say the same of all that is compared, and no report would list it. All others
become rows and transactions again, one by one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ledger.reconciliation.compared_sides import IS_OPEN, ComparedSides

_AMOUNT_MAX = 10**12
"""The sum of five million such amounts fits into eight bytes."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """Rows of one UTC day that say what is known of their transactions.

    Shape: `direction` and `currency` as rows have them. Units: minor units of `currency`.
    """

    day: date
    direction: str | None
    currency: str
    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class CountedDays:
    """Of which UTC days pairs that agree are counted, but for the first ones.

    Shape: `listed_max` pairs of each key are left to be compared one by one, in the order in which
    a report lists them.
    """

    first_day: date
    last_day: date
    listed_max: int


def count_agreed(
    sides: ComparedSides, name: str, days_later: int | None, counted: CountedDays
) -> Iterator[Agreed]:
    """Count what agrees and shares its `uuid`, `number` or `order_id`, and note it as matched.

    Shape: transactions are of the same day as rows; with None of whatever day.
    """
    keys = (name,) if days_later is None else (name, "paid_on")
    sides.execute("DROP TABLE IF EXISTS agreed")
    sides.execute(
        "CREATE TABLE agreed AS SELECT claims.place AS claim_place, known.place AS known_place,"
        " claims.paid_on, claims.direction, claims.currency, claims.amount_minor,"
        " claims.file_id, claims.line_number"
        f" FROM claims CROSS JOIN known ON {_same('known', 'claims', keys)}"
        f" WHERE claims.{name} > '' AND claims.{IS_OPEN} AND known.{IS_OPEN} AND {_AGREE}"
        f" AND {_is_alone('claims', keys)} AND {_is_alone('known', keys)}"
    )
    within = f"paid_on BETWEEN {counted.first_day.toordinal()} AND {counted.last_day.toordinal()}"
    sides.execute(
        f"DELETE FROM agreed WHERE rowid IN (SELECT rowid FROM agreed WHERE {within}"
        f" ORDER BY paid_on, file_id, line_number LIMIT {counted.listed_max})"
    )
    groups = sides.execute(
        "SELECT paid_on, direction, currency, count(*), sum(amount_minor) FROM agreed"
        f" WHERE {within} GROUP BY paid_on, direction, currency"
    ).fetchall()
    if groups:
        sides.leave_out("agreed")
    for ordinal, *figures in groups:
        yield Agreed(date.fromordinal(ordinal), *figures)


def _same(table: str, other: str, columns: tuple[str, ...]) -> str:
    return " AND ".join(f"{table}.{column} = {other}.{column}" for column in columns)


def _is_alone(table: str, columns: tuple[str, ...]) -> str:
    return (
        f"NOT EXISTS (SELECT 1 FROM {table} AS other WHERE {_same('other', table, columns)}"
        f" AND other.{IS_OPEN} AND other.place <> {table}.place)"
    )


_SAID_BY_BOTH = ("status", "amount_minor", "currency")
_SAID_BY_EITHER = ("uuid", "number", "direction", "sequence_number", "contract")
_AGREE = " AND ".join(
    (
        "claims.unreadable = '' AND claims.paid_on IS NOT NULL",
        f"abs(claims.amount_minor) < {_AMOUNT_MAX}",
        _same("known", "claims", _SAID_BY_BOTH),
        *(
            f"(claims.{name} = known.{name} OR claims.{name} IS NULL OR known.{name} IS NULL)"
            for name in _SAID_BY_EITHER
        ),
    )
)
"""No rule calls two sides of which this is true anything but matched."""
