"""The outcomes that a delivery can have."""

from enum import StrEnum


class Outcome(StrEnum):
    """What became of one delivery; these words are stored and public."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    UNDECIDED = "undecided"
    QUARANTINED = "quarantined"


class Sealed(StrEnum):
    """Where an event stands with what it says beside facts and harmless details."""

    NOTHING = "nothing"  # there is nothing else
    CLOSED = "closed"  # nobody has opened it for this reader
    OPENED = "opened"
    ERASED = "erased"  # its secret was destroyed
    LOCKED = "locked"  # its master key was destroyed, or is not here
    DAMAGED = "damaged"  # it cannot be opened, though it should
