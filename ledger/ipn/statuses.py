"""The platform's transaction statuses: their form spelling, which are final, which is later.

Source: form-v2 reference, sections 5.1 and 5.3; rest-v4 reference, section 4.4.
"""

_BY_RANK = (
    ("INITIAL", "WAITING_FOR_PAYMENT", "PENDING", "PRE_AUTHORISED"),
    ("UNDER_VERIFICATION", "WAITING_AUTHORISATION_TO_VALIDATE", "REFUND_TO_RETRY"),
    ("WAITING_AUTHORISATION",),
    ("AUTHORISED_TO_VALIDATE", "PARTIALLY_AUTHORISED"),
    ("AUTHORISED",),
    ("SUSPENDED", "CAPTURE_PENDING"),
)
FINAL = frozenset(
    {"CAPTURED", "CAPTURE_FAILED", "REFUSED", "ERROR", "CANCELLED", "EXPIRED"}
    | {"ACCEPTED", "ABANDONED", "NOT_CREATED"}
)
RANKS: dict[str, int] = {
    status: rank for rank, statuses in enumerate((*_BY_RANK, sorted(FINAL))) for status in statuses
}
REFUSED = frozenset({"REFUSED", "ERROR", "NOT_CREATED"})
_OUTCOMES = {"ERROR": "REFUSED"}  # REST has a word of its own for a technical refusal


def form_spelling(status: str) -> str:
    """Spell a known status as forms do (`CANCELED` in REST); return an unknown one as it is."""
    spelled = status.replace("AUTHORIZ", "AUTHORIS").replace("CANCELED", "CANCELLED")
    return spelled if spelled in RANKS else status


def is_same_outcome(status: str | None, other: str | None) -> bool:
    """Return True if two statuses say the same: each format has its word for some of them."""
    return _OUTCOMES.get(status or "", status) == _OUTCOMES.get(other or "", other)
