"""What a filter may say of a currency or a status: an empty answer to a misspelt word would be
a false statement."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from ledger.errors import BadFilterError
from ledger.ipn.currencies import CURRENCIES, currency_code, respelled_currency_code
from ledger.ipn.snapshots import CREATED, UPDATED
from ledger.ipn.statuses import RANKS, form_spelling
from ledger.queries.filter_conditions import Filter

_STATUSES = (*RANKS, CREATED, UPDATED)
_STATUS = re.compile(r"[A-Z_]+")


def spell_currency(written: str) -> str:
    """Return the letters of a currency, written in any case or as its number.

    Shape: one that is unknown is returned as it came, as an odd one is stored.
    """
    return currency_code(written) or respelled_currency_code(written) or written


def spell_status(written: str) -> str:
    """Return a status in its form spelling.

    Shape: one that is unknown, as it came: the platform adds some. Errors: ValueError for what
    cannot be one.
    """
    status = form_spelling(written)
    if not _STATUS.fullmatch(status):
        meant = get_close_matches(form_spelling(written.strip().upper()), _STATUSES, 1)
        more = f"; did you mean {meant[0]}" if meant else ""
        raise ValueError(f"must be a status of the platform, as CAPTURED{more}")
    return status


CURRENCY: Mapping[str, Any] = {"spell": spell_currency, "schema": {"enum": list(CURRENCIES)}}
STATUS: Mapping[str, Any] = {"spell": spell_status, "schema": {"pattern": f"^{_STATUS.pattern}$"}}
"""What the declarations of such filters have in common."""


def refuse_unknown_currency(filter_: Filter) -> None:
    """Refuse a currency that is none, when no row has it. Errors: BadFilterError."""
    currency: str | None = getattr(filter_, "currency", None)
    if currency is not None and currency_code(currency) is None:
        raise BadFilterError("currency must be one of ISO 4217, as EUR, or one that is stored so")
