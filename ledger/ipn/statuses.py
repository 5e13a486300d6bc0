"""The platform's transaction statuses: their form spelling, which are final, which is later.

Source: form-v2 reference, sections 5.1 and 5.3; rest-v4 reference, section 4.4.
"""

RANKS: dict[str, int] = {
    "INITIAL": 0,
    "WAITING_FOR_PAYMENT": 0,
    "PENDING": 0,
    "PRE_AUTHORISED": 0,
    "UNDER_VERIFICATION": 1,
    "WAITING_AUTHORISATION_TO_VALIDATE": 1,
    "REFUND_TO_RETRY": 1,
    "WAITING_AUTHORISATION": 2,
    "AUTHORISED_TO_VALIDATE": 3,
    "PARTIALLY_AUTHORISED": 3,
    "AUTHORISED": 4,
    "SUSPENDED": 5,
    "CAPTURE_PENDING": 5,
    "CAPTURED": 6,
    "CAPTURE_FAILED": 6,
    "REFUSED": 6,
    "ERROR": 6,
    "CANCELLED": 6,
    "EXPIRED": 6,
    "ACCEPTED": 6,
    "ABANDONED": 6,
    "NOT_CREATED": 6,
}
FINAL = frozenset(status for status, rank in RANKS.items() if rank == 6)
REFUSED = frozenset({"REFUSED", "ERROR", "NOT_CREATED"})


def form_spelling(status: str) -> str:
    """Spell a known status as forms do (`CANCELED` in REST); return an unknown one as it is."""
    spelled = status.replace("AUTHORIZ", "AUTHORIS").replace("CANCELED", "CANCELLED")
    return spelled if spelled in RANKS else status
