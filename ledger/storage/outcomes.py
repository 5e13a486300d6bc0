"""The outcomes that a delivery can have."""

from enum import StrEnum


class Outcome(StrEnum):
    """What became of one delivery; these words are stored and public."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    UNDECIDED = "undecided"
    QUARANTINED = "quarantined"
