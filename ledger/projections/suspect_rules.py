"""Name by what a suspect gives itself away, how sure that is, and what is waited for."""

from enum import StrEnum


class SuspectRule(StrEnum):
    """By what a suspect gives itself away."""

    AUTHORISATION_OVERDUE = "authorisation-overdue"
    STATUS_OVERDUE = "status-overdue"
    PARENT_NEVER_TOLD = "parent-never-told"
    REFUND_WITHOUT_PAYMENT = "refund-without-payment"
    SEQUENCE_GAP = "sequence-gap"
    INSTALMENT_GAP = "instalment-gap"
    VALIDATION_OVERDUE = "validation-overdue"
    ALIAS_NEVER_MADE = "alias-never-made"
    SUBSCRIPTION_NEVER_OPENED = "subscription-never-opened"
    HISTORY_WITHOUT_BEGINNING = "history-without-beginning"


class Suspicion(StrEnum):
    """How sure it is that news was never told."""

    CERTAIN = "certain"
    LIKELY = "likely"
    HINT = "hint"  # it may as well be older than the ledger


AUTHORISATION_WAITED_FOR = ("WAITING_AUTHORISATION", "WAITING_AUTHORISATION_TO_VALIDATE")
STATUS_WAITED_FOR = ("UNDER_VERIFICATION", "SUSPENDED", "CAPTURE_FAILED", "REFUND_TO_RETRY")
VALIDATION_WAITED_FOR = ("AUTHORISED_TO_VALIDATE",)
