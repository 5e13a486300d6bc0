"""The platform's textual values read as facts: what is odd is noted, the unreadable refused."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date

from ledger.errors import MalformedNotificationError
from ledger.instants import read_platform_instant, write_second
from ledger.ipn.money import currency_code
from ledger.ipn.snapshots import Fact
from ledger.ipn.statuses import RANKS, form_spelling
from ledger.ipn.storable import is_storable, storable

OPERATIONS = frozenset({"DEBIT", "CREDIT", "VERIFICATION"})

_AMOUNT = re.compile(r"-?[0-9]{1,18}")
_COUNT = re.compile(r"[0-9]{1,9}")


class Values:
    """The fields of one object by the platform's names.

    Shape: an empty value reads as "not reported". `odd` collects the names whose value could not be
    understood; they stay verbatim among the details.
    """

    def __init__(self, value_by_name: Mapping[str, str]) -> None:
        self._value_by_name = value_by_name
        self.odd: list[str] = []

    def raw(self, name: str) -> str:
        """Return the value as it came; empty when there is none."""
        return self._value_by_name.get(name, "")

    def text(self, name: str) -> str | None:
        value = self.raw(name)
        clean = storable(value)
        if clean != value:
            self.odd.append(name)
        return clean or None

    def status(self, name: str) -> str | None:
        value = self.text(name)
        if value is None:
            return None
        status = form_spelling(value)
        if status not in RANKS:
            self.odd.append(name)
        return status

    def operation(self, name: str) -> str | None:
        value = self.text(name)
        if value is not None and value not in OPERATIONS:
            self.odd.append(name)
        return value

    def amount(self, name: str) -> int | None:
        """Read an amount. Units: minor units.

        Errors: MalformedNotificationError when it is no whole number.
        """
        value = self.raw(name)
        if not value:
            return None
        if not _AMOUNT.fullmatch(value):
            raise MalformedNotificationError("amount-unreadable", f"{name} is no whole number")
        if value.startswith("-"):
            self.odd.append(name)
        return int(value)

    def currency(self, name: str) -> str | None:
        value = self.text(name)
        if value is None:
            return None
        code = currency_code(value)
        if code is None:
            self.odd.append(name)
        return code or value

    def count(self, name: str) -> int | None:
        value = self.raw(name)
        if value and not _COUNT.fullmatch(value):
            self.odd.append(name)
            return None
        return int(value) if value else None

    def instant(self, name: str) -> str | None:
        """Read an instant. Shape: `2026-03-10T09:15:47Z`; None, and odd, if there is none."""
        value = self.raw(name)
        if not value:
            return None
        instant = read_platform_instant(value)
        if instant is None:
            self.odd.append(name)
            return None
        return write_second(instant)

    def day(self, name: str) -> str | None:
        """Read a day written as `yyyyMMdd`. Shape: `2026-03-10`."""
        value = self.raw(name)
        try:
            return date.fromisoformat(value).isoformat() if value else None
        except ValueError:
            self.odd.append(name)
            return None

    def answer_code(self, name: str) -> str | None:
        """Read an authorisation result; one format writes success as `0`, the other as `00`."""
        value = self.text(name)
        return "0" if value == "00" else value


Reader = Callable[[Values, str], Fact | None]
FactTable = tuple[tuple[str, str, Reader], ...]
"""Rows of fact name, platform name, how to read it; the first row with a value wins."""


def read_facts(field_values: Values, fact_table: FactTable) -> dict[str, Fact]:
    """Read every fact of a table that has a value."""
    facts: dict[str, Fact] = {}
    for fact, name, reader in fact_table:
        value = None if fact in facts else reader(field_values, name)
        if value is not None:
            facts[fact] = value
    return facts


def names_read(fact_tables: Iterable[FactTable]) -> frozenset[str]:
    """Return the names that tables turn into facts: they need not be kept among the details."""
    return frozenset(name for fact_table in fact_tables for _, name, _ in fact_table)


def odd_names(field_values: Values, value_by_name: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of fields whose value was not understood, or held what cannot be stored."""
    unstorable: list[str] = []
    if not is_storable(*value_by_name.values()):
        unstorable = [name for name, value in value_by_name.items() if storable(value) != value]
    return tuple(dict.fromkeys(storable(name) for name in [*field_values.odd, *unstorable]))
