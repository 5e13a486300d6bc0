"""Describe what a file of the platform says: its heading, and each of its rows.

A file is a claim of whoever put it there. It is compared with what is known, and never becomes it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self


class JournalKind(StrEnum):
    """Which file of the platform it is. Source: delivery reference, section 12.2."""

    TRANSACTIONS = "JT"
    OPERATIONS = "JO"
    BANK = "JRB"
    UNPAID = "JRI"
    MERCHANT = "JAM"
    EXPORT = "export"  # the Back Office's list on screen, saved as a file


LISTS_EVERY_PAYMENT = frozenset({JournalKind.TRANSACTIONS, JournalKind.MERCHANT})
"""Kinds that list all payments of their period, so that one which is missing there means something;
an export shows what was on the screen."""


class AmountScale(StrEnum):
    """How amounts are written in one file."""

    MINOR = "minor"  # integers, in minor units
    DECIMAL = "decimal"  # 29.90 or 29,90


@dataclass(frozen=True, slots=True)
class Heading:
    """What one file is, as read from its name, its first lines and all of its rows.

    Shape: `labels` are the names of the columns as they stand in the file; `first_day` and
    `last_day` are the period that its name says, both None when it says none; `shop_id` and `mode`
    are None where neither name nor heading says them. `row_count` counts the detail rows.
    `meanings` say what each column is, empty for one that is not read. `net_divisor` and
    `fee_divisor` lead from what stands in a bank journal to minor units, None where nothing fits.
    """

    journal_kind: JournalKind
    version: str
    encoding: str
    separator: str
    labels: tuple[str, ...]
    meanings: tuple[str, ...]
    scale: AmountScale
    row_count: int
    shop_label: str | None = None
    shop_id: str | None = None
    mode: str | None = None
    made_at: datetime | None = None
    first_day: date | None = None
    last_day: date | None = None
    net_divisor: int | None = None
    fee_divisor: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, to be read again by `from_json`."""
        days = {name: _text(getattr(self, name)) for name in _MOMENTS}
        lists = {"labels": list(self.labels), "meanings": list(self.meanings)}
        return {**asdict(self), **lists, **days}

    @classmethod
    def from_json(cls, heading_fields: Mapping[str, Any]) -> Self:
        """Read what `to_json` has written."""
        made_at, first_day, last_day = (heading_fields[name] for name in _MOMENTS)
        return cls(
            **{
                **heading_fields,
                "journal_kind": JournalKind(heading_fields["journal_kind"]),
                "scale": AmountScale(heading_fields["scale"]),
                "labels": tuple(heading_fields["labels"]),
                "meanings": tuple(heading_fields["meanings"]),
                "made_at": None if made_at is None else datetime.fromisoformat(made_at),
                "first_day": None if first_day is None else date.fromisoformat(first_day),
                "last_day": None if last_day is None else date.fromisoformat(last_day),
            }
        )


_MOMENTS = ("made_at", "first_day", "last_day")


def _text(moment: datetime | date | None) -> str | None:
    return None if moment is None else moment.isoformat()


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a bank reconciliation row says of the money. Units: minor units of `currency`.

    Shape: amounts are None where the row says none; `is_scale_known` is False when gross, fee and
    net fit no scale together, and then nothing is guessed.
    """

    remittance_number: str | None
    remittance_on: date | None
    match_status: str | None
    currency: str | None
    gross_minor: int | None
    fee_minor: int | None
    net_minor: int | None
    is_scale_known: bool = True


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One detail row of a file.

    Shape: `line_number` counts from 1 over all lines of the file; `paid_on` is the UTC day of the
    payment, `paid_at` its instant where the row has one. `direction` is DEBIT, CREDIT or
    VERIFICATION, `status` the platform's detailed status in its form spelling, `operation` the name
    of what a row of the operations journal lists. `amount_minor` is what the transaction moves now,
    `requested_amount_minor` what it was at first. `unreadable` names the columns
    whose value could not be read. `file_id` is that of a file that is kept.
    Units: amounts in minor units of `currency` (ISO 4217 letters; None where the row says none).
    """

    line_number: int
    uuid: str | None = None
    trans_id: str | None = None
    order_id: str | None = None
    contract: str | None = None
    paid_on: date | None = None
    paid_at: datetime | None = None
    direction: str | None = None
    sequence_number: int | None = None
    amount_minor: int | None = None
    requested_amount_minor: int | None = None
    currency: str | None = None
    status: str | None = None
    operation: str | None = None
    settlement: Settlement | None = None
    unpaid_amount_minor: int | None = None
    unreadable: tuple[str, ...] = ()
    file_id: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what the row says as JSON values, without its place; `from_json` reads it."""
        said = {name: _plain(value) for name, value in asdict(self).items() if value is not None}
        said.pop("line_number"), said.pop("file_id")
        return said

    @classmethod
    def from_json(cls, claim_fields: Mapping[str, Any], file_id: str, line_number: int) -> Self:
        """Read what `to_json` has written, at its place."""
        claim = {name: _moment(name, value) for name, value in claim_fields.items()}
        claim["unreadable"] = tuple(claim_fields["unreadable"])
        if (money := claim_fields.get("settlement")) is not None:
            own = {name: _moment(name, value) for name, value in money.items()}
            claim["settlement"] = Settlement(**own)
        return cls(**claim, file_id=file_id, line_number=line_number)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return list(value)
    return value.isoformat() if isinstance(value, date) else value


def _moment(name: str, value: Any) -> Any:
    if not isinstance(value, str) or not name.endswith(("_on", "_at")):
        return value
    return date.fromisoformat(value) if name.endswith("_on") else datetime.fromisoformat(value)
