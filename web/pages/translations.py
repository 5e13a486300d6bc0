"""The platform's and our own words, translated to the reader's language."""

from collections.abc import Callable
from typing import Any

from ledger.access.roles import AUDITOR, AUDITOR_PERSONAL, OPERATOR
from ledger.ipn.notification_rules import RULES
from ledger.ipn.refusal_reasons import REASONS, remedy
from ledger.ipn.statuses import FINAL
from ledger.ipn.statuses import REFUSED as REFUSED_STATUSES
from ledger.privacy.identifiers import IdentifierKind
from ledger.queries.evidence import ERASED, FAILED, KEY_GONE, NO_SIGNATURE, VERIFIED
from ledger.reconciliation.assignment import Certainty
from ledger.reconciliation.causes import RULE_NEVER_SEEN, SILENCE_WINDOW
from ledger.reconciliation.completeness import DayState
from ledger.reconciliation.findings import CAPTURES_NOT_TOLD, Result
from web.pages.access_words import access_word
from web.pages.answer_words import ANSWERS
from web.pages.formatting import plain
from web.pages.languages import N_, translated
from web.pages.reason_words import CHANNELS, OCCURRENCES, SHORT_REASONS
from web.pages.suspect_words import EXPECTATIONS, REMEDIES, SUSPECT_RULES, SUSPICIONS

STATUSES = {
    "INITIAL": N_("Started"),
    "WAITING_FOR_PAYMENT": N_("Waiting for payment"),
    "PENDING": N_("Pending"),
    "PRE_AUTHORISED": N_("Pre-authorised"),
    "UNDER_VERIFICATION": N_("Under verification"),
    "WAITING_AUTHORISATION_TO_VALIDATE": N_("To validate and authorise"),
    "REFUND_TO_RETRY": N_("Refund to retry"),
    "WAITING_AUTHORISATION": N_("Waiting for authorisation"),
    "AUTHORISED_TO_VALIDATE": N_("To validate"),
    "PARTIALLY_AUTHORISED": N_("Partially authorised"),
    "AUTHORISED": N_("Authorised"),
    "SUSPENDED": N_("Suspended"),
    "CAPTURE_PENDING": N_("Capture pending"),
    "CAPTURED": N_("Captured"),
    "CAPTURE_FAILED": N_("Capture failed"),
    "REFUSED": N_("Refused"),
    "ERROR": N_("Error"),
    "CANCELLED": N_("Cancelled"),
    "EXPIRED": N_("Expired"),
    "ACCEPTED": N_("Accepted"),
    "ABANDONED": N_("Abandoned"),
    "NOT_CREATED": N_("Not created"),
    "CREATED": N_("Created"),
    "UPDATED": N_("Updated"),
    "NOT_UPDATED": N_("Not updated"),
}
"""Statuses of transactions, and of requests about aliases and subscriptions."""

OPERATIONS = {
    "DEBIT": N_("Payment"),
    "CREDIT": N_("Refund"),
    "VERIFICATION": N_("Verification"),
}
MODES = {"test": N_("Test"), "production": N_("Production")}
ROLES = {
    AUDITOR: N_("Auditor"),
    AUDITOR_PERSONAL: N_("Auditor with personal data"),
    OPERATOR: N_("Operator"),
}
OUTCOMES = {
    "recorded": N_("Recorded"),
    "repeated": N_("Repeated"),
    "undecided": N_("Not decided yet"),
    "quarantined": N_("In quarantine"),
}
VIEW_STATES = {
    "building": N_("being built"),
    "built": N_("built"),
    "live": N_("live"),
    "retired": N_("retired"),
}
CERTAINTIES = {
    "told": N_("from a signed field"),
    "hinted": N_("from an unsigned field"),
    "inferred": N_("deduced"),
}
KINDS = {
    "transaction": N_("Transaction"),
    "order": N_("Order"),
    "alias": N_("Alias"),
    "subscription": N_("Subscription"),
    "notification": N_("Notification"),
}
IDENTIFIERS: dict[str, str] = {
    IdentifierKind.EMAIL: N_("E-mail address"),
    IdentifierKind.PHONE: N_("Phone number"),
    IdentifierKind.CUSTOMER: N_("Customer"),
    IdentifierKind.CARD_AMOUNT: N_("Card and amount"),
    IdentifierKind.CARD_DAY: N_("Card and day"),
    IdentifierKind.ORDER: N_("Order"),
    IdentifierKind.ALIAS: N_("Alias"),
    IdentifierKind.TRANSACTION: N_("Transaction"),
}
DAY_STATES: dict[str, str] = {
    DayState.PROVEN: N_("Proven"),
    DayState.GAPS: N_("Gaps"),
    DayState.PARTIAL: N_("Proven in part"),
    DayState.UNPROVEN: N_("Unproven"),
}
RESULTS: dict[str, str] = {
    Result.NEVER_TOLD: N_("Never notified"),
    Result.BEHIND: N_("A later notification is missing"),
    Result.DIFFERS: N_("Differs"),
    Result.NOT_LISTED: N_("Not listed"),
    Result.AMBIGUOUS: N_("Ambiguous"),
    Result.UNREADABLE: N_("Unreadable"),
    Result.NOT_DUE: N_("Not due yet"),
    Result.AHEAD: N_("Later news than the file"),
    Result.NOT_COVERED: N_("Not covered by the files"),
    Result.MATCHED: N_("Matched"),
}
MATCH_CERTAINTIES: dict[str, str] = {
    Certainty.SURE: N_("sure"),
    Certainty.LIKELY: N_("likely"),
    Certainty.AMBIGUOUS: N_("ambiguous"),
}
CAUSES: dict[str, str] = {
    SILENCE_WINDOW: N_("No notification at all came"),
    RULE_NEVER_SEEN: N_("Its kind of notification has never arrived: look at its rule"),
    CAPTURES_NOT_TOLD: N_("Captures may be notified by no rule"),
}
"""Why something was not told; of a delivery that waits the page names the delivery itself."""
FILE_REFUSALS = {
    "cut-file": N_("Its end or its beginning is missing: fetch it again."),
    "no-mode": N_("Nothing in it says its mode."),
    "no-shop": N_("Nothing in it says its shop."),
    "not-a-journal": N_("It is no journal and no export of the platform."),
    "other-mode": N_("It is of the other mode."),
    "other-shop": N_("It is of another shop."),
    "too-big": N_("It is too large: order the journal for fewer days."),
    "unknown-labels": N_("It has labels that nobody knows: the shops file can say what they mean."),
    "unknown-shop": N_("Its shop is not in the shops file."),
}
"""Why a file of the platform is refused, by the reason of a `JournalError`."""
PROOFS = {
    VERIFIED: N_("Signature verified again just now"),
    KEY_GONE: N_("Signature not verified again: its key has left the shops file"),
    FAILED: N_("Signature does not verify"),
    NO_SIGNATURE: N_("Queried: an answer to our own question, which has no signature"),
    ERASED: N_("Its body was erased, so that nothing can be verified again"),
}
FACTS = {
    "uuid": N_("UUID"),
    "reference": N_("Reference"),
    "operation_type": N_("Operation"),
    "status": N_("Status"),
    "amount_minor": N_("Amount"),
    "currency": N_("Currency"),
    "requested_amount_minor": N_("Amount asked for"),
    "requested_currency": N_("Currency asked for"),
    "created_at": N_("Created"),
    "capture_at": N_("Capture due"),
    "captured_at": N_("Captured on"),
    "order_id": N_("Order"),
    "trans_id": N_("Transaction number"),
    "trans_date": N_("Requested on"),
    "sequence_number": N_("Sequence number"),
    "occurrence_type": N_("Type"),
    "payment_method": N_("Means of payment"),
    "wallet": N_("Wallet"),
    "payment_source": N_("Channel"),
    "contract": N_("Acquirer contract"),
    "network": N_("Network"),
    "authorisation_number": N_("Authorisation number"),
    "authorisation_result": N_("Answer of the issuer"),
    "liability_shift": N_("Guaranteed"),
    "refunded_minor": N_("Refunded so far"),
    "alias": N_("Alias"),
    "subscription_id": N_("Subscription"),
    "instalment_number": N_("Instalment"),
    "instalment": N_("Is an instalment"),
    "parent_uuid": N_("Refunds or repeats"),
    "request": N_("Request"),
    "basis": N_("Basis"),
    "doubtful": N_("doubtful"),
    "transaction_uuid": N_("Transaction"),
    "made_at": N_("Created"),
    "effect_on": N_("First due date"),
    "schedule": N_("Schedule"),
    "initial_amount_minor": N_("First amount"),
    "initial_amount_number": N_("Instalments with the first amount"),
    "number": N_("Number"),
    "shop_id": N_("Shop"),
    "mode": N_("Mode"),
    "version": N_("Events"),
    "first_seen_at": N_("Known since"),
    "last_changed_at": N_("Last changed"),
    "contradictions": N_("Contradictions"),
    "id": N_("Id"),
    "received_at": N_("Received"),
    "recorded_at": N_("Recorded"),
    "told_at": N_("Stated by the platform"),
    "format": N_("Format"),
    "source": N_("Source"),
    "outcome": N_("Outcome"),
    "reason": N_("Reason"),
    "digest": N_("Digest of the body"),
    "key_fingerprint": N_("Fingerprint of the key"),
    "positions": N_("Positions of its events"),
    "peer": N_("Sent from"),
    "content_type": N_("Content type"),
}
"""The names of facts; one without a name here keeps the platform's own."""

_GOOD = FINAL | {"CREATED", "UPDATED", "AUTHORISED"}
_BAD = REFUSED_STATUSES | {"NOT_UPDATED", "CAPTURE_FAILED"}


def tone(status_word: str | None) -> str:
    """Return how a status looks: good, bad, waiting or gone."""
    if status_word in ("CANCELLED", "ABANDONED", "EXPIRED"):
        return "gone"
    if status_word in _BAD:
        return "bad"
    return "good" if status_word in _GOOD else "waiting"


def translated_remedy(reason: str, *, is_undecided: bool = False) -> str:
    """Return what to do about a delivery that waits, in the reader's language."""
    return translated(remedy(reason, is_undecided=is_undecided))


def channel(code: str) -> str:
    """Return a channel in words, with the platform's code."""
    return f"{translated(CHANNELS[code])} ({code})" if code in CHANNELS else plain(code)


def _translating(
    translations: dict[str, str], limit: int | None = None
) -> Callable[[str | None], str]:
    return lambda word: (
        translated(translations[word]) if word in translations else plain(word, limit)
    )


FILTERS: dict[str, Callable[..., Any]] = {
    "status": _translating(STATUSES),
    "tone": tone,
    "fact": _translating(FACTS),
    "proof": _translating(PROOFS),
    "rule": _translating({name: rule.meaning for name, rule in RULES.items()}),
    "reason": _translating(REASONS),
    "short_reason": _translating(SHORT_REASONS),
    "remedy": translated_remedy,
    "view_state": _translating(VIEW_STATES),
    "operation": _translating(OPERATIONS),
    "mode_word": _translating(MODES),
    "role": _translating(ROLES),
    "outcome": _translating(OUTCOMES),
    "certainty": _translating(CERTAINTIES),
    "kind": _translating(KINDS),
    "identifier": _translating(IDENTIFIERS),
    "day_state": _translating(DAY_STATES),
    "finding_word": _translating(RESULTS),
    "cause": _translating(CAUSES),
    "file_refusal": _translating(FILE_REFUSALS),
    "match_certainty": _translating(MATCH_CERTAINTIES),
    "suspect_rule": _translating(SUSPECT_RULES),
    "suspicion": _translating(SUSPICIONS),
    "expectation": _translating(EXPECTATIONS),
    "news_remedy": _translating(REMEDIES),
    "occurrence": _translating(OCCURRENCES),
    "channel": channel,
    "answer": _translating(ANSWERS, 40),
    "access_word": access_word,
    "translated": translated,
}
"""The names by which templates call them."""
