"""Why a delivery is in quarantine or undecided: a word, what it means and what to do about it."""

UNDECIDED_ALONE: dict[str, str] = {
    "internal-error": "Our own code stumbled over it: after an upgrade it can be decided.",
    "not-storable": "The database refuses what it says: after an upgrade it can be decided.",
    "names-contradict": "The same signed values came before under other names of the platform.",
    "conflict": "Other notifications about the same thing kept coming first: try again.",
    "archive-unreadable": "What was told before was put elsewhere and cannot be read there now.",
}
"""Reasons that nothing in quarantine has: what they name was verified."""

REASONS: dict[str, str] = {
    # cannot be read
    "empty-body": "The body is empty: a redirect lost the form data, or somebody probed.",
    "unsupported-content-type": "The body is no form (application/x-www-form-urlencoded).",
    "invalid-utf-8": "A field is not valid UTF-8: a proxy re-encoded the body.",
    "too-large": "The body is larger than LEDGER_BODY_BYTES_MAX: the call is noted without it.",
    "erased": "Its body was erased: nothing can be read or verified again.",
    "card-data-removed": "It held card data, so that its body was not kept: nothing can be verified"
    " again.",
    "too-many-fields": "There are more fields than a notification can have.",
    "duplicate-field": "A field name occurs twice, so it is not clear which copy was signed.",
    "unknown-format": "Neither a form (vads_*) nor a REST (kr-*) notification.",
    "invalid-shop-id": "The shop id is not 8 or 9 digits.",
    "mode-unreadable": "The mode is neither TEST nor PRODUCTION.",
    "answer-not-json": "kr-answer is not JSON, or not a JSON object.",
    "answer-too-deep": "kr-answer is nested deeper than any notification.",
    "duplicate-json-key": "A key occurs twice in one object of kr-answer.",
    "identity-unreadable": "What the notification is about cannot be read from it.",
    "status-unreadable": "The status is not text.",
    "amount-unreadable": "An amount is not a whole number of minor units.",
    # cannot be verified
    "source-not-allowed": "The sender is outside LEDGER_ALLOWED_SOURCES.",
    "wrong-address": "Its address below /ipn leads nowhere: correct it in the Back Office.",
    "unknown-shop": "The shop is not in the shops file.",
    "no-key": "The shop has no key of this kind for this mode that is valid now.",
    "signature-missing": "There is no signature.",
    "signature-mismatch": "No key of this shop and mode made this signature.",
    "wrong-mode": "The key of the shop's other mode made this signature.",
    "wrong-shop": "The key of another shop made this signature.",
    "mode-mismatch": "It was sent to the address of the other mode than the one in its body.",
    "shop-mismatch": "It was sent to the address of another shop than the one in its body.",
    "browser-return": "A return of the buyer's browser, not a call from server to server.",
    "relabelled-form": "Signed, but an identifying field is malformed, or the same values were"
    " signed under other names: a payment form or return dressed up as a notification.",
    "unsupported-algorithm": "kr-hash-algorithm is not sha256_hmac.",
    **UNDECIDED_ALONE,
}
"""Reason -> what it means, for a person."""
ERASED = "erased"
TOO_LARGE = "too-large"
"""The one reason under which no body is kept: nothing can be verified again."""

SOURCE_NOT_ALLOWED = "source-not-allowed"

WRONG_ADDRESS = "wrong-address"
"""Why nobody tried to verify a delivery: a readmission does, by the shop and mode of its body."""

CARD_DATA_REMOVED = "card-data-removed"
"""Why a body is missing that was refused for another reason."""

_CALL_AGAIN = "then make the platform call again"
_VERIFY_AGAIN = "restart the service, then verify again"
REMEDIES: dict[str, str] = {
    "empty-body": "look for a redirect before /ipn and enter the address behind it in the Back"
    f" Office, {_CALL_AGAIN}.",
    "invalid-utf-8": f"let the proxy before the service pass bodies on unchanged, {_CALL_AGAIN}.",
    "too-large": "raise LEDGER_BODY_BYTES_MAX if the platform sent it, restart the service,"
    f" {_CALL_AGAIN}.",
    SOURCE_NOT_ALLOWED: "add the sender's range to LEDGER_ALLOWED_SOURCES if it is the platform's,"
    f" {_VERIFY_AGAIN}.",
    WRONG_ADDRESS: "correct the address in the Back Office, then verify again.",
    "unknown-shop": f"add the shop and its keys to the shops file, {_VERIFY_AGAIN}.",
    "no-key": f"add the key to the shops file, or correct its window, {_VERIFY_AGAIN}.",
    "signature-mismatch": "compare the key in the shops file with the one in the Back Office and"
    f" correct it, {_VERIFY_AGAIN}.",
    "wrong-mode": "see whether the keys of TEST and PRODUCTION are exchanged in the shops file,"
    f" {_VERIFY_AGAIN}.",
    "wrong-shop": "see whether the keys of two shops are exchanged in the shops file,"
    f" {_VERIFY_AGAIN}.",
    "mode-mismatch": "enter the address of each mode for that mode alone in the Back Office,"
    f" {_CALL_AGAIN}.",
    "shop-mismatch": "enter the address of each shop for that shop alone in the Back Office,"
    f" {_CALL_AGAIN}.",
    "browser-return": "nothing, unless the Back Office has the address of the buyer's return as an"
    " IPN URL: correct it there.",
}
"""Reason -> what to do about what was refused for it; about all others NOTHING."""
NOTHING = "it cannot be accepted. Look at who sent it; the oldest are dropped when it is full."
SIGNED_WITH_SHA_1 = (
    "the signature has 40 hex digits: this shop signs with SHA-1. Add a key of kind form-sha1,"
    f" {_VERIFY_AGAIN}; HMAC-SHA-256, chosen in the Back Office, is safer."
)
"""What to do about a form that is signed in a way for which its shop has no key."""
UPGRADE = "it is verified and kept for good. After an upgrade, try again."
ARCHIVE_UNREADABLE = "archive-unreadable"
ARCHIVE_BACK = (
    "it is verified and kept for good. The check of the command line names the archive: when that"
    " can be read, try again."
)
"""What to do about what is undecided: the second where an archive could not be read."""

REPAIRABLE = frozenset(
    {
        SOURCE_NOT_ALLOWED,
        WRONG_ADDRESS,
        "unknown-shop",
        "no-key",
        "signature-mismatch",
        "wrong-mode",
        "wrong-shop",
    }
)
"""Reasons that a setting, the shops file or just another try can lift; all others stay for ever."""


def remedy(reason: str, *, is_undecided: bool) -> str:
    """Return what to do about a delivery that waits. Shape: it goes on after "What to do: "."""
    if is_undecided:
        return ARCHIVE_BACK if reason == ARCHIVE_UNREADABLE else UPGRADE
    return REMEDIES.get(reason, NOTHING)
