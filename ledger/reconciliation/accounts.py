"""Reads the accounts that entries about remittances are written to, from a small TOML file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ledger.errors import SettingsError

_LENGTH_MAX = 100


@dataclass(frozen=True, slots=True)
class Account:
    """An account of whoever keeps the books. Shape: its number, or its name in hledger; a label."""

    number: str
    label: str


@dataclass(frozen=True, slots=True)
class Accounts:
    """Where each part of the money goes. Shape: the defaults are of the French chart of accounts.

    `journal` is the code and the label of the journal that the entries stand in.
    """

    journal: Account = Account("BQ", "Bank")
    bank: Account = Account("512000", "Bank")
    customers: Account = Account("411000", "Customers")
    fees: Account = Account("627000", "Bank fees")
    unpaid: Account = Account("416000", "Doubtful customers")


def read_accounts(path: Path | None) -> Accounts:
    """Read the accounts from a file; those that it does not name are the defaults.

    Shape: a table for each of `journal`, `bank`, `customers`, `fees` and `unpaid`, with
    `number` and `label`. Errors: SettingsError.
    """
    if path is None:
        return Accounts()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"the accounts file {path.name} cannot be read: {error}") from error
    names = [each.name for each in fields(Accounts)]
    unknown = sorted(set(tables) - set(names))
    if unknown:
        message = f"the accounts file names {', '.join(unknown)}; it can name {', '.join(names)}"
        raise SettingsError(message)
    return Accounts(**{name: _account(name, each) for name, each in tables.items()})


def _account(name: str, account_fields: Any) -> Account:
    texts = account_fields if isinstance(account_fields, Mapping) else {}
    if set(texts) != {"number", "label"}:
        raise SettingsError(f"the accounts file: [{name}] needs number and label, nothing else")
    for text in texts.values():
        is_text = isinstance(text, str) and 0 < len(text.strip()) <= _LENGTH_MAX
        if not is_text or not text.isprintable() or "  " in text or ";" in text:
            message = (
                f"the accounts file: number and label of [{name}] must be short texts in quotes,"
                " without line ends, tabs, semicolons or two blanks in a row"
            )
            raise SettingsError(message)
    return Account(texts["number"].strip(), texts["label"].strip())
