"""What a notification can be about: each kind of object has streams of its own."""

from enum import StrEnum


class Kind(StrEnum):
    """The kind of an object, as it is part of its stream's id and of public answers."""

    TRANSACTION = "transaction"
    ALIAS = "alias"
    SUBSCRIPTION = "subscription"
