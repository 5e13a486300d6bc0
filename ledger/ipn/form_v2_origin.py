"""Tell calls of the platform from payment forms under other names: names are not signed.

Whoever can write into a payment form has the shop sign texts of their choice, and can give the
signed values the names of a call. What no call can be is refused, what none was yet is doubted.

Source: form-v2 reference, sections 2.4 and 4; delivery reference, section 6.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice

from ledger.ipn.form_v2_names import is_name_of_a_call
from ledger.ipn.storable import storable

NAMES_MAX = 20
"""Names that are listed; a stranger may send thousands."""
_NAME_LENGTH_MAX = 64

_SIGNED = "vads_"
_ABANDONED = "ABANDONED"

_STRICT: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern)
    for name, pattern in {
        "vads_hash": "[A-Za-z0-9_-]{20,64}",
        "vads_url_check_src": "[A-Z][A-Z0-9_]{0,39}",
        "vads_trans_date": "[0-9]{14}",
        "vads_trans_uuid": "(?:[0-9a-f]{32})?",
        "vads_trans_id": "(?:[0-9A-Za-z]{6})?",
    }.items()
}
"""What identifies a call; its shop, mode and amounts are read as strictly elsewhere."""

_ALWAYS = {
    "vads_version": re.compile("V2"),
    "vads_trans_date": _STRICT["vads_trans_date"],
    "vads_result": re.compile("[0-9]{2}"),
}
"""What every call carries, also one that is sent again."""

_WITH_A_TRANSACTION = {
    "vads_trans_id": re.compile("[0-9A-Za-z]{6}"),
    "vads_amount": re.compile("[0-9]{1,12}"),
    "vads_currency": re.compile("[0-9]{3}"),
    "vads_effective_amount": re.compile("[0-9]{1,12}"),
    "vads_operation_type": re.compile("[A-Z]{1,20}"),
    "vads_sequence_number": re.compile("[0-9]{1,3}"),
}
"""What every call about a transaction carries; what registers an alias alone moves nothing."""


def malformed_field(fields: Mapping[str, str]) -> str | None:
    """Return the first identifying field that no call of the platform can have so; None if all
    are well formed. A missing one is not malformed, but for the hash and the source."""
    for name, strict in _STRICT.items():
        value = fields.get(name)
        if value is None and name not in ("vads_hash", "vads_url_check_src"):
            continue
        if not strict.fullmatch(value or ""):
            return name
    return None


def strange_names(fields: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names that are none of a call, signed or not. Shape: at most `NAMES_MAX`."""
    strange = (name for name in fields if name != "signature" and not is_name_of_a_call(name))
    return tuple(map(_short, islice(strange, NAMES_MAX)))


def doubts_of(fields: Mapping[str, str]) -> tuple[str, ...]:
    """Return why a signed form may be a payment form under other names; empty for a call.

    Shape: a word and the name of a field, `name-unknown vads_x`; at most `NAMES_MAX`.
    """
    return tuple(islice(_doubts(fields), NAMES_MAX))


def _doubts(fields: Mapping[str, str]) -> Iterator[str]:
    signed = {name: value for name, value in fields.items() if name.startswith(_SIGNED)}
    for name in sorted(signed):
        if not is_name_of_a_call(name):
            yield f"name-unknown {_short(name)}"
    required = _ALWAYS | (_WITH_A_TRANSACTION if _names_a_transaction(signed) else {})
    for name, strict in required.items():
        if not strict.fullmatch(signed.get(name, "")):
            yield f"{'malformed' if signed.get(name) else 'missing'} {name}"
    yield from _remains_of_a_payment_form(signed)


def _names_a_transaction(signed: Mapping[str, str]) -> bool:
    status = signed.get("vads_trans_status")
    if signed.get("vads_trans_uuid") or signed.get("vads_payment_seq"):
        return True
    return bool(status and status != _ABANDONED)


def _remains_of_a_payment_form(signed: Mapping[str, str]) -> Iterator[str]:
    """Yield the fields that hold the shop's id once more.

    Every payment form names its shop. Where a buyer's text has taken that place, the signed id is
    still among the values, or, as values are joined by `+`, within one of them.
    """
    shop_id = signed.get("vads_site_id", "")
    for name in sorted(signed):
        value = signed[name]
        if name != "vads_site_id" and shop_id in value and shop_id in value.split("+"):
            yield f"shop-id-repeated {_short(name)}"


def _short(name: str) -> str:
    return storable(name)[:_NAME_LENGTH_MAX]
