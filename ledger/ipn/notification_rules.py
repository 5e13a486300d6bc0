"""The eight kinds of notification, the Back Office rule behind each, and the words that name them.

Source: delivery reference, section 7; form-v2 reference, section 3.
"""

from dataclasses import dataclass
from datetime import timedelta

END_OF_PAYMENT = "end-of-payment"
CANCELLATION = "cancellation"
ALIAS = "alias"
SUBSCRIPTION = "subscription"
INSTALMENT = "instalment"
DEFERRED_AUTHORISATION = "deferred-authorisation"
ACQUIRER_STATUS = "acquirer-status"
BACK_OFFICE = "back-office"

TOLD = "told"  # a signed field names the rule
HINTED = "hinted"  # an unsigned field names it
INFERRED = "inferred"  # deduced from the content


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of notification. `switch` is the label of the Back Office rule that sends it."""

    name: str
    meaning: str
    switch: str
    is_on_by_default: bool = False


_RULES = (
    Rule(END_OF_PAYMENT, "end of a payment", "IPN URL at the end of the payment", True),
    Rule(CANCELLATION, "abandonment or cancellation", "IPN URL on cancellation"),
    Rule(ALIAS, "alias created or updated", "IPN URL at the end of the payment", True),
    Rule(SUBSCRIPTION, "subscription created", "IPN URL at the end of the payment", True),
    Rule(
        INSTALMENT, "new instalment of a subscription", "IPN URL when creating a recurring payment"
    ),
    Rule(
        DEFERRED_AUTHORISATION,
        "authorisation of a deferred payment",
        "IPN URL on batch authorization",
    ),
    Rule(ACQUIRER_STATUS, "status changed by the acquirer", "IPN URL on batch change"),
    Rule(
        BACK_OFFICE, "Back Office operation", "IPN URL on an operation coming from the Back Office"
    ),
)
RULES: dict[str, Rule] = {rule.name: rule for rule in _RULES}

RULE_BY_SOURCE = {
    "PAY": END_OF_PAYMENT,
    "DCF": END_OF_PAYMENT,
    "PAYMENT_ORDER": END_OF_PAYMENT,
    "VOICE_ORDER": END_OF_PAYMENT,
    "FILE": END_OF_PAYMENT,
    "REC": INSTALMENT,
    "BATCH_AUTO": DEFERRED_AUTHORISATION,
    "BATCH": ACQUIRER_STATUS,
    "MERCH_BO": BACK_OFFICE,
}
RETRY = "RETRY"
REDELIVERIES = frozenset({RETRY, "BO"})
"""Sources that replace the first one: the rule is then read from the content."""

RETRY_WINDOW = timedelta(minutes=75)
"""So long after a payment the platform may still try to call. Source: delivery reference, 5."""
