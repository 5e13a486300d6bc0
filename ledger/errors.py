"""Every deliberate refusal, on one screen."""

from collections.abc import Sequence


class LedgerError(Exception):
    """Something this service refuses on purpose; `code` is stable and in kebab-case."""

    code = "ledger-error"

    def __init_subclass__(cls, *, code: str = "") -> None:
        cls.code = code or cls.code


class NotificationError(LedgerError, code="notification-refused"):
    """A delivery that cannot be read or verified: it is kept in quarantine.

    `reason` is the word a machine reads, one of those in `ledger/ipn/refusal_reasons.py`; the
    message is for a person. Neither ever holds a key, a signature or a raw body.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class MalformedNotificationError(NotificationError, code="malformed-notification"):
    """The bytes, the fields or the values that identify the facts cannot be read."""


class SignatureError(NotificationError, code="bad-signature"):
    """The delivery does not prove that the platform sent it as a notification."""


class UnknownShopError(NotificationError, code="unknown-shop"):
    """No such shop, or no key of that shop that could verify the delivery."""


class NotFoundError(LedgerError, code="not-found"):
    """What was asked for is not in the ledger."""


class BadCursorError(LedgerError, code="bad-cursor"):
    """A cursor that no list gave out, or that belongs to other filters or another order."""


class BadFilterError(LedgerError, code="bad-filter"):
    """A filter with a value that no row could ever be compared with."""


class BadIdentifierError(LedgerError, code="bad-identifier"):
    """Text by which nobody can be found: no e-mail address, no phone number, no end of a card."""


class PositionAheadError(LedgerError, code="position-ahead"):
    """A reader has read further than the log goes: the ledger is an older copy of what it read."""

    def __init__(self, position: int, newest_position: int) -> None:
        super().__init__(
            f"position {position} is ahead of the newest one, {newest_position}: this ledger was"
            f" restored from a copy, and positions from {newest_position + 1} on will be given out"
            " again; drop what you read beyond it, then go on from there"
        )
        self.newest_position = newest_position


class ViewNotBuiltError(LedgerError, code="view-not-built"):
    """The view that a list is read from has not been built by the code that runs here."""


class MissingExtraError(LedgerError, code="missing-extra"):
    """An optional library is not installed."""


class AmbiguousError(LedgerError, code="ambiguous"):
    """A name that several things have; `choices` tells them apart."""

    def __init__(self, message: str, choices: Sequence[str]) -> None:
        super().__init__(message)
        self.choices = list(choices)


class BadUserError(LedgerError, code="bad-user"):
    """A name or password that nobody can sign in with, or a name that somebody has."""


class BadPasswordError(BadUserError, code="bad-password"):
    """A password that is not taken; `reason` is the word a machine reads."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class TooManyTriesError(LedgerError, code="too-many-requests"):
    """Too many wrong passwords; what was sent now was not looked at."""

    def __init__(self, message: str, *, retry_seconds: int) -> None:
        super().__init__(message)
        self.retry_seconds = retry_seconds


class TooManyAtOnceError(TooManyTriesError, code="too-many-at-once"):
    """Others wait to have their passwords checked; what was sent now was not looked at."""


class ConflictError(LedgerError, code="conflict"):
    """Still beaten by another writer after the last try; nothing was stored."""


class UnavailableError(LedgerError, code="unavailable"):
    """The database did not answer, or did not say that it stored what it was given."""


class ReadOnlyError(UnavailableError, code="read-only"):
    """The database can only be read: it is a standby, or somebody has set it read-only."""


class UnsealableError(LedgerError, code="unsealable"):
    """What is sealed cannot be opened: it was changed, or its secret belongs to something else."""


class MasterKeyMissingError(UnsealableError, code="master-key-missing"):
    """The master key that locks a secret is in no file here: destroyed, or kept elsewhere."""


class ArchiveError(LedgerError, code="archive-unreadable"):
    """The place of an archived body does not answer, or does not hold what was written there."""


class ErasedError(LedgerError, code="erased"):
    """What was asked for was erased; the facts about it are still there."""

    def __init__(self, message: str, erasure_id: str | None) -> None:
        super().__init__(message)
        self.erasure_id = erasure_id


class HeldError(LedgerError, code="held"):
    """A transaction is held, so that nothing of it may be erased."""


class NotSignedError(LedgerError, code="not-signed"):
    """Nobody has signed what has to be signed before an erasure goes on."""


class CodeDiffersError(LedgerError, code="code-differs"):
    """A worker process has loaded other code than the process that started it; it did nothing."""


class SettingsError(LedgerError, code="bad-settings"):
    """A setting or the shops file is wrong; found at start, never later."""
