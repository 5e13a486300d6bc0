"""Faults that an audit reports, and the words for every kind of them."""

from collections import Counter
from dataclasses import dataclass, field

REASONS: dict[str, str] = {
    # a delivery in the inbox
    "row-unreadable": "A stored row cannot be read at all.",
    "digest": "The digest noted on arrival is not the SHA-256 of the body.",
    "secret-missing": "The secret of a sealed row is gone, and no erasure says so.",
    "sealed-missing": "A sealed row is gone.",
    "unsealable": "A sealed row cannot be opened by its own secret.",
    "signature": "The body no longer verifies with the key that had verified it.",
    "signed-tag": "The stored tag is not that of what the signature covers.",
    "fingerprint": "The key named did not make the signature; another key of the shop did.",
    "row-differs": "The row says something else than the body: shop, mode, format, source, time.",
    "outcome": "The outcome is not one that a verified delivery can have.",
    "no-events": "A recorded delivery names no event.",
    "event-missing": "An event that the delivery names is not there.",
    "event-of-another": "An event that the delivery names came from another delivery.",
    "decision-stray": "A later decision about a delivery that was not undecided.",
    # an event
    "state-unreadable": "The stored bytes of an event cannot be read.",
    "topic-unknown": "No event class has this topic.",
    "stream": "The event stands in another stream than that of the object it is about.",
    "version": "The event's version leaves a hole in its stream, or is impossible.",
    "append-order": "The event stands before the one that it follows in its stream.",
    "notification-missing": "The delivery, decision or act that an event came from is not there.",
    "not-listed": "The delivery, decision or act that an event came from does not name it.",
    "event-differs": "The event says something else than its delivery, translated again.",
    "fact-unknown": "The event holds a fact that nobody has declared.",
    # the log of entries, and what was signed of it
    "entry-missing": "An origin that was followed has no entry.",
    "entry-extra": "The row that an entry is about is gone.",
    "entry-differs": "The row says something else than its entry.",
    "entry-order": "An origin was recorded long before those whose entries stand before its own.",
    "commitment": "What is sealed is not what its entry commits to.",
    "erasure-unfounded": "Something is noted as erased that no erasure names.",
    "root-differs": "A stored hash is not that of the entries.",
    "checkpoint-signature": "A checkpoint is not signed by the key of the log.",
    "checkpoint-ahead": "More entries were signed than there are: some were removed.",
    "checkpoint-fork": "The entries are not those that were signed.",
    # the event store
    "position-order": "Positions do not grow.",
    "position-missing": "A position that was given out is empty.",
    "sequence": "The next position is not above all that are stored.",
    "guard-missing": "The database no longer refuses changes, or no longer orders writers.",
    # what was put elsewhere
    "archive-differs": "A file of archived bodies is not the one that was written.",
    "archive-unreadable": "A file of archived bodies cannot be read, so that a check had to end.",
    # a read model
    "view-row-differs": "A row is not what the events make of it.",
    "view-row-missing": "A row that the events produce is not there.",
    "view-row-extra": "A row that no event produces.",
    "view-differs": "More rows differ than are listed.",
    "view-table": "A table of the read model is missing or has other columns.",
    "view-refused": "The events cannot be projected into the read model again.",
    "view-ahead": "The read model claims to have followed the events beyond the last one.",
    # what the platform's files list
    "file-differs": "A file of the platform is not the one that was kept.",
    "listed-differs": "What is stored of a file's rows about money is not what the file says.",
    "report-differs": "A report is not what its files and events say.",
}
"""Reason -> what it means, for a person."""

KEY_GONE = "key gone"
NOT_LOGGED = "origins without an entry yet"
ERASED = "entries of which something sealed was erased"
BODY_ERASED = "deliveries whose body was erased"
DECLARED_LOST = "entries that the log declares as lost"
NOT_SIGNED = "no checkpoint to compare the log with"
UNDECIDED = "undecided deliveries"
PASSED_OVER = "events that a read model passed over"
NOT_BUILT = "read models not built for this code"
FILE_ERASED = "files and reports that rest on an erased file"
REPORT_OF_OTHER_RULES = "reports made by other rules than today's"


@dataclass(frozen=True, slots=True)
class Fault:
    """One disagreement.

    Shape: `subject` names what is at fault, `detail` never holds personal data, keys or bodies;
    `position` is that of the event, when it is about one.
    """

    position: int | None
    subject: str
    reason: str
    detail: str

    def __post_init__(self) -> None:
        assert self.reason in REASONS, self.reason


@dataclass
class CheckResult:
    """What one check has found.

    Shape: `remarks` counts what could not be checked but is no fault, `checked` the rows read.
    """

    faults: list[Fault] = field(default_factory=list)
    remarks: Counter[str] = field(default_factory=Counter)
    checked: int = 0

    def add(self, position: int | None, subject: str, reason: str, detail: str) -> None:
        self.faults.append(Fault(position, subject, reason, detail))
