"""Every deliberate refusal, on one screen."""

from collections.abc import Sequence


class LedgerError(Exception):
    """Something this service refuses on purpose; `code` is stable and in kebab-case."""

    code = "ledger-error"


class NotificationError(LedgerError):
    """A delivery that cannot be read or verified: it is kept in quarantine.

    `reason` is the word a machine reads, one of those in `ledger/ipn/refusal_reasons.py`; the
    message is for a person. Neither ever holds a key, a signature or a raw body.
    """

    code = "notification-refused"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class MalformedNotificationError(NotificationError):
    """The bytes, the fields or the values that identify the facts cannot be read."""

    code = "malformed-notification"


class SignatureError(NotificationError):
    """The delivery does not prove that the platform sent it as a notification."""

    code = "bad-signature"


class UnknownShopError(NotificationError):
    """No such shop, or no key of that shop that could verify the delivery."""

    code = "unknown-shop"


class NotFoundError(LedgerError):
    """What was asked for is not in the ledger."""

    code = "not-found"


class BadCursorError(LedgerError):
    """A cursor that no list gave out, or that belongs to other filters or another order."""

    code = "bad-cursor"


class BadFilterError(LedgerError):
    """A filter with a value that no row could ever be compared with."""

    code = "bad-filter"


class ViewNotBuiltError(LedgerError):
    """The view that a list is read from has not been built by the code that runs here."""

    code = "view-not-built"


class MissingExtraError(LedgerError):
    """An optional library is not installed."""

    code = "missing-extra"


class AmbiguousError(LedgerError):
    """A name that several things have; `choices` tells them apart."""

    code = "ambiguous"

    def __init__(self, message: str, choices: Sequence[str]) -> None:
        super().__init__(message)
        self.choices = list(choices)


class BadUserError(LedgerError):
    """A name or password that nobody can sign in with, or a name that somebody has."""

    code = "bad-user"


class ConflictError(LedgerError):
    """Still beaten by another writer after the last try; nothing was stored."""

    code = "conflict"


class UnavailableError(LedgerError):
    """The database did not answer, or did not say that it stored what it was given."""

    code = "unavailable"


class SettingsError(LedgerError):
    """A setting or the shops file is wrong; found at start, never later."""

    code = "bad-settings"
