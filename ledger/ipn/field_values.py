"""The platform's textual values read as facts: what is odd is noted, the unreadable refused."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from ledger.errors import MalformedNotificationError
from ledger.instants import read_platform_day, read_platform_instant, write_second
from ledger.ipn.currencies import currency_code, respelled_currency_code
from ledger.ipn.json_values import WholeNumber
from ledger.ipn.lookalikes import is_deceptive
from ledger.ipn.money import AMOUNT_MINOR_MAX
from ledger.ipn.snapshots import (
    ABANDONED,
    CREATED,
    NOT_CREATED,
    NOT_UPDATED,
    UPDATED,
    Fact,
    Pairs,
    undeclared,
)
from ledger.ipn.statuses import RANKS, form_spelling
from ledger.ipn.storable import is_storable, storable, storable_name, storable_pairs

OPERATIONS = frozenset({"DEBIT", "CREDIT", "VERIFICATION"})
OPENINGS = frozenset({CREATED, NOT_CREATED, ABANDONED})
REQUESTS = OPENINGS | {UPDATED, NOT_UPDATED}
LIABILITY_SHIFTS = frozenset({"YES", "NO", "UNKNOWN"})

_AMOUNT = re.compile(r"-?[0-9]{1,18}")
_WHOLE = re.compile(r"[0-9]{1,12}")
_COUNT = re.compile(r"[0-9]{1,9}")
_Fact = TypeVar("_Fact", str | None, int | None)


class Values:
    """The fields of one object by the platform's names.

    Shape: an empty value reads as "not reported". `odd` collects the names whose value could not be
    understood; they stay verbatim among the details. `misspelt` collects those of them whose value
    is a known word but for its case or blanks. `expressed` are the names whose value a fact
    expresses: it was read from it, or from another name with the same value.
    """

    def __init__(self, value_by_name: Mapping[str, str]) -> None:
        self.value_by_name = value_by_name
        self.odd: list[str] = []
        self.expressed: set[str] = set()
        self.misspelt: list[str] = []

    def raw(self, name: str) -> str:
        """Return the value as it came; empty when there is none."""
        return self.value_by_name.get(name, "")

    def text(self, name: str) -> str | None:
        """Read a name or a word.

        Shape: at most `NAME_MAX` characters: of more its beginning and a tag, and it is odd; so is
        one that another can look like.
        """
        value = self.raw(name)
        clean = storable_name(value)
        return self._noted(name, clean or None, is_odd=clean != value or is_deceptive(value))

    def status(self, name: str) -> str | None:
        status = form_spelling(self.text(name) or "")
        if status not in RANKS and form_spelling(_in_capitals(status)) in RANKS:
            self.misspelt.append(name)
        return self._noted(name, status or None, is_odd=status not in RANKS)

    def operation(self, name: str) -> str | None:
        value = self.text(name)
        if value not in OPERATIONS and _in_capitals(value or "") in OPERATIONS:
            self.misspelt.append(name)
        return self._noted(name, value, is_odd=value not in OPERATIONS)

    def currency(self, name: str) -> str | None:
        """Read a currency. Shape: its letters; one that is unknown stays as it came."""
        value = self.text(name) or ""
        code = currency_code(value)
        reading = code or respelled_currency_code(value) or value or None
        return self._noted(name, reading, is_odd=code is None)

    def request(self, name: str) -> str | None:
        """Read what became of a request; None, and odd, for a word that says nothing of it."""
        return self._among(name, REQUESTS)

    def opening(self, name: str) -> str | None:
        """Read what became of a request to open a subscription, which nobody can ask to update."""
        return self._among(name, OPENINGS)

    def answer_code(self, name: str) -> str | None:
        """Read an authorisation result; one format writes success as `0`, the other as `00`."""
        value = self.text(name)
        return "0" if value == "00" else value

    def amount(self, name: str) -> int | None:
        """Read an amount. Units: minor units. Negative, or above what the platform moves: odd.

        Errors: MalformedNotificationError when it is no whole number.
        """
        value = self.raw(name)
        if not value:
            return None
        digits = _digits(value)
        if not _AMOUNT.fullmatch(digits):
            raise MalformedNotificationError("amount-unreadable", f"{name} is no whole number")
        amount_minor = int(digits)
        is_moved = 0 <= amount_minor <= AMOUNT_MINOR_MAX
        return self._noted(name, amount_minor, is_odd=not is_moved or digits != value)

    def liability_shift(self, name: str) -> str | None:
        """Read whether a payment is guaranteed; an old guide of the platform prints `UNKNOW`."""
        value = self.text(name)
        word = "UNKNOWN" if value == "UNKNOW" else value
        return self._noted(name, word, is_odd=word not in LIABILITY_SHIFTS)

    def whole_number(self, name: str, *, is_odd: bool = False) -> int | None:
        """Read an amount that nothing depends on. Shape: None, and odd, if it cannot be read."""
        value = self.raw(name)
        digits = _digits(value)
        number = int(digits) if _WHOLE.fullmatch(digits) and not is_odd else None
        return self._noted(name, number, is_odd=number is None or digits != value)

    def count(self, name: str) -> int | None:
        value = self.raw(name)
        digits = _digits(value)
        count = int(digits) if _COUNT.fullmatch(digits) else None
        return self._noted(name, count, is_odd=count is None or digits != value)

    def instant(self, name: str) -> str | None:
        """Read an instant. Shape: `2026-03-10T09:15:47Z`; None, and odd, if there is none."""
        instant = read_platform_instant(self.raw(name))
        written = None if instant is None else write_second(instant)
        return self._noted(name, written, is_odd=written is None)

    def day(self, name: str) -> str | None:
        """Read a day written as `yyyyMMdd`. Shape: `2026-03-10`."""
        day = read_platform_day(self.raw(name))
        return self._noted(name, None if day is None else day.isoformat(), is_odd=day is None)

    def odd_names(self) -> tuple[str, ...]:
        """Return the names of fields whose value was not understood, or that no database stores.

        Shape: a name again after `spelling: ` where only case or blanks keep it from being known.
        """
        names = self.odd + [f"spelling: {name}" for name in self.misspelt]
        if not is_storable(*self.value_by_name.values()):
            names += [name for name, value in self.value_by_name.items() if not is_storable(value)]
        return tuple(dict.fromkeys(map(storable, names)))

    def odd_fields(self, names: frozenset[str]) -> tuple[tuple[str, ...], Pairs]:
        """Return what is odd among some fields. Shape: names; details, verbatim."""
        odd = tuple(name for name in self.odd_names() if name in names)
        return odd, storable_pairs([(name, self.raw(name)) for name in odd])

    def _among(self, name: str, outcomes: frozenset[str]) -> str | None:
        value = self.text(name)
        outcome = value if value in outcomes else None
        return self._noted(name, outcome, is_odd=outcome is None)

    def _noted(self, name: str, reading: _Fact, *, is_odd: bool) -> _Fact:
        """Note a field whose value was not understood; one without a value is not odd."""
        if is_odd and self.raw(name):
            self.odd.append(name)
        return reading


def _in_capitals(word: str) -> str:
    """Return a word as the platform spells words: capitals without blanks around them."""
    return "_".join(word.split()).upper() if word.isascii() else word


def _digits(value: str) -> str:
    """Return the digits before the zeros of a number that JSON wrote as `4990.0`; else all."""
    return value.partition(".")[0] if isinstance(value, WholeNumber) else value


Reader = Callable[[Values, str], Fact | None]
FactTable = tuple[tuple[str, str, Reader], ...]
"""Rows of fact name, platform name, how to read it; the first row with a value wins."""


def read_facts(field_values: Values, fact_table: FactTable) -> dict[str, Fact]:
    """Read every fact of a table that has a value."""
    facts: dict[str, Fact] = {}
    name_by_fact: dict[str, str] = {}
    for fact, name, reader in fact_table:
        if fact not in facts and field_values.raw(name):
            value = reader(field_values, name)
            if value is not None:
                facts[fact] = value
                name_by_fact[fact] = name
        if fact in facts and field_values.raw(name) == field_values.raw(name_by_fact[fact]):
            field_values.expressed.add(name)
    return facts


def check_declared(declared: Mapping[str, str], *fact_tables: FactTable) -> None:
    """Refuse tables with a fact that is not declared: events hold their facts for ever."""
    names = undeclared((fact for table in fact_tables for fact, _, _ in table), declared)
    assert not names, f"not declared in ledger/ipn/snapshots.py: {', '.join(names)}"


def names_read(*fact_tables: FactTable) -> frozenset[str]:
    """Return the names that tables turn into facts: they need not be kept among the details."""
    return frozenset(name for fact_table in fact_tables for _, name, _ in fact_table)


def split_personal(
    pairs: Iterable[tuple[str, str]], is_personal: Callable[[str], bool]
) -> tuple[Pairs, Pairs]:
    """Divide names and values, as they can be stored: details, and what is about a person."""
    detail_pairs: list[tuple[str, str]] = []
    personal_pairs: list[tuple[str, str]] = []
    for name, value in pairs:
        (personal_pairs if is_personal(name) else detail_pairs).append((name, value))
    return storable_pairs(detail_pairs), storable_pairs(personal_pairs)
