"""Why a file of the platform cannot be read; then nothing of it is kept."""

from ledger.errors import LedgerError


class JournalError(LedgerError, code="unreadable-file"):
    """A file is none of the platform's, was cut, or is of something else.

    Shape: `reason` is for a machine, the message for whoever wants to import it.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason
