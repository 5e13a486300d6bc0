"""What identifies a transaction: its uuid; without one, what is unique at its shop on a UTC day.

Source: form-v2 reference, section 7.1.
"""

from collections.abc import Mapping

from ledger.errors import MalformedNotificationError
from ledger.ipn.snapshots import Fact, TransactionSnapshot
from ledger.ipn.storable import storable_name

_PARTS = ("trans_id", "sequence_number", "operation_type")


def reference_of(facts: Mapping[str, Fact], form_time: str) -> str:
    """Identify what has no uuid: UTC day, short number in capitals, sequence, direction.

    Shape: `20260310-AB12CD-1-DEBIT`; parts that are not reported are left out, and without a short
    number the whole form time stands in. Errors: MalformedNotificationError without a form time.
    """
    if not form_time:
        raise MalformedNotificationError(
            "identity-unreadable", "neither vads_trans_uuid nor vads_trans_date has a value"
        )
    rest = [_in_capitals(facts[name]) for name in _PARTS if name in facts]
    day = form_time[:8] if "trans_id" in facts else form_time
    return storable_name("-".join([day, *rest]))


def names_of(payment: TransactionSnapshot) -> tuple[str, ...]:
    """Return every name of a transaction: its reference, and the one that it has without its uuid.

    Shape: the latter only where every part of it is reported, so that it stands for one payment.
    """
    facts = payment.facts
    is_complete = "trans_date" in facts and all(name in facts for name in _PARTS)
    if payment.uuid is None or not is_complete:
        return (payment.reference,)
    form_time = str(facts["trans_date"])[:10].replace("-", "")
    return payment.reference, reference_of(facts, form_time)


def _in_capitals(fact: Fact) -> str:
    """Write a part in capitals; only ASCII has them here, whatever Unicode becomes."""
    return str(fact).encode().upper().decode()
