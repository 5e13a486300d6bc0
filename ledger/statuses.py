"""The platform's transaction statuses: their form spelling, which are final, which is later.

Source: form-v2 reference, sections 5.1 and 5.3; rest-v4 reference, section 4.4.
"""

from dataclasses import dataclass
from datetime import datetime

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


def form_spelling(told: str) -> str:
    """The form spelling of a known status (`CANCELED`, `…AUTHORIZATION`); others as they came."""
    spelled = told.replace("AUTHORIZ", "AUTHORIS").replace("CANCELED", "CANCELLED")
    return spelled if spelled in RANKS else told


def contradicts(known: str | None, told: str | None) -> bool:
    """Whether a final status is followed by another status that cannot come after it.

    CAPTURE_FAILED then CAPTURED is the one known innocent pair.
    """
    if known is None or told is None or known == told or known not in FINAL:
        return False
    if {known, told} == {"CAPTURE_FAILED", "CAPTURED"}:
        return False
    return told in FINAL or told not in RANKS


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one snapshot stands among the others about the same thing.

    Source: design decision "late news moves nothing back": a final status is not left, then the
    platform's own time, then the rank of the status, then arrival.
    """

    status: str | None
    told_at: datetime | None
    received_at: datetime

    def is_before(self, other: "Standing") -> bool:
        """Whether this snapshot is older news than the other one."""
        return self._compare(other) < 0

    def _compare(self, other: "Standing") -> int:
        if contradicts(other.status, self.status):
            return -1  # the first final status stands
        finality = _finality(self.status) - _finality(other.status)
        if finality:
            return finality
        if self.told_at and other.told_at and self.told_at != other.told_at:
            return 1 if self.told_at > other.told_at else -1
        rank = _rank_difference(self.status, other.status)
        if rank:
            return rank
        return (self.received_at > other.received_at) - (self.received_at < other.received_at)


def _finality(status: str | None) -> int:
    if status == "CAPTURED":
        return 2  # also ends CAPTURE_FAILED
    return 1 if status in FINAL else 0


def _rank_difference(one: str | None, other: str | None) -> int:
    if one is None or other is None or one not in RANKS or other not in RANKS:
        return 0
    return RANKS[one] - RANKS[other]
