"""Says what the ledger makes of a name: a fact, a detail, or something about a person."""

from enum import StrEnum
from functools import lru_cache

from ledger.ipn import form_v2, form_v2_fields, rest_v4_fields
from ledger.ipn.field_values import Values, names_read

_FORM_FACTS = names_read(
    form_v2_fields.TRANSACTION_FIELDS,
    form_v2_fields.ALIAS_FIELDS,
    form_v2_fields.SUBSCRIPTION_FIELDS,
)
_TRANSACTION_FACTS = {"uuid", "shopId"} | names_read(
    rest_v4_fields.TRANSACTION_FIELDS, rest_v4_fields.REFUND_FIELDS
)
_ORDER_FACTS = {"mode"} | names_read(rest_v4_fields.ORDER_FIELDS)
_AROUND = frozenset({"shopId", "serverDate", "transactions", "orderDetails"})
_PROVING = frozenset({"kr-hash", "kr-hash-algorithm", "kr-hash-key", "kr-src"})
_IN_TRANSACTION, _IN_ORDER = "transactions.*.", "orderDetails."


class Reading(StrEnum):
    """Where a name of the platform goes; these words are public."""

    FACT = "fact"
    DETAILS = "details"
    PERSONAL = "personal"


@lru_cache(maxsize=8192)
def reading_of(format_name: str, name: str) -> Reading:
    """Return what becomes of a field of a form, or of a starred path of an answer."""
    if format_name == form_v2.NAME:
        if name in _FORM_FACTS:
            return Reading.FACT
        details, personal = form_v2_fields.unread_fields(Values({name: "-"}))
        if personal:
            return Reading.PERSONAL
        return Reading.DETAILS if details else Reading.FACT
    if name.split(".")[0] == "customer":
        return Reading.PERSONAL
    path = name.removeprefix(_IN_TRANSACTION)
    if path != name:
        is_fact = path in _TRANSACTION_FACTS
        is_personal = bool(rest_v4_fields.unread_fields(Values({path: "-"}))[1])
        return Reading.PERSONAL if is_personal else _fact_or_details(is_fact=is_fact)
    path = name.removeprefix(_IN_ORDER)
    is_fact = path in _ORDER_FACTS if path != name else name in _AROUND | _PROVING
    return _fact_or_details(is_fact=is_fact)


def _fact_or_details(*, is_fact: bool) -> Reading:
    return Reading.FACT if is_fact else Reading.DETAILS
