"""Describe each delivery of a bad day: why it is made, what becomes of it, what was answered."""

from dataclasses import dataclass
from enum import StrEnum

from ledger.simulator.sender import Answer
from ledger.simulator.signatures import body_digest
from ledger.simulator.signed_calls import SignedCall


class Fate(StrEnum):
    """What becomes of one delivery on its way."""

    ANSWERED = "answered"
    UNANSWERED = "unanswered"  # it is taken, and the answer is lost
    LATE = "late"  # it arrives when nobody waits for its answer any more
    LOST = "lost"
    CUT = "cut"  # half of it arrives
    MISSIGNED = "missigned"  # with a key that the ledger was not given


class DeliveryReason(StrEnum):
    """Why one delivery is made."""

    FIRST = "first"
    RETRY = "retry"
    RESENT = "resent by hand"
    DUPLICATE = "duplicate"  # the same bytes twice, at once
    TWIN = "twin"  # a second rule sends the same, at once, in either format
    FORGED = "forged"  # by a stranger, about what did not happen


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery, signed and ready. Shape: numbered from 1 in the order of arrival."""

    number: int
    reason: DeliveryReason
    fate: Fate
    tries: int
    signed_call: SignedCall

    @property
    def digest(self) -> str:
        return body_digest(self.signed_call.body)

    @property
    def arrives(self) -> bool:
        return self.fate not in (Fate.LOST, Fate.CUT)

    @property
    def is_authentic(self) -> bool:
        """Return True if the ledger has the key that signed it."""
        return self.reason is not DeliveryReason.FORGED and self.fate is not Fate.MISSIGNED

    @property
    def is_readmissible(self) -> bool:
        """Return True if it may be recorded once the missing key was added."""
        return self.reason is not DeliveryReason.FORGED


@dataclass(frozen=True, slots=True)
class AnsweredAttempt:
    """One delivery, and what its sender saw of the answer."""

    attempt: Attempt
    answer: Answer
