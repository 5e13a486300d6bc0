"""On which occasion snapshots are observed: the notification that brings them, and our clocks."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Occasion:
    """The notification that brings snapshots, and our clocks.

    Shape: `told_at` is the platform's time of the message, None in forms. `is_readmitted` says
    that it waited in quarantine, or in the files of an older endpoint, so that its arrival counts,
    not the moment of its verification.
    `doubts` say why it may be no call of the platform; empty for a call. `is_asked` says that it is
    an answer to our own question, which no signature proves.
    """

    notification_id: str
    shop_id: str
    mode: str
    received_at: datetime
    recorded_at: datetime
    told_at: datetime | None
    source: str | None
    rule: str | None
    rule_certainty: str
    is_readmitted: bool = False
    doubts: tuple[str, ...] = ()
    is_asked: bool = False
