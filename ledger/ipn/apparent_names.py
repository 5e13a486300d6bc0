"""What a verified notification seems to be about, before anybody understands it."""

import re

from ledger.ipn.parse import Proven

_NAMES = re.compile(
    r'"(?:uuid|trans_uuid|orderId|paymentMethodToken|subscriptionId)" *: *"([^"\\]{1,200})"'
)
_NAMING_FIELDS = ("vads_trans_uuid", "vads_order_id", "vads_identifier", "vads_subscription")
_NAMED_MAX, _NAME_MAX = 100, 200


def apparent_names_in(proven: Proven) -> list[str]:
    """Return what a verified notification seems to be about, without understanding it.

    Shape: uuids, orders, aliases and subscriptions, at most 100 texts of at most 200 characters.
    """
    fields = proven.body.fields
    named = [fields.get(name, "") for name in _NAMING_FIELDS]
    for name in ("vads_payment_seq", "kr-answer"):
        named += _NAMES.findall(fields.get(name, ""))
    usable = (name for name in named if 0 < len(name) <= _NAME_MAX and name.isprintable())
    return list(dict.fromkeys(usable))[:_NAMED_MAX]
