"""The reasons for which a call waits, in the few words of a title; and words for codes of facts."""

from web.pages.languages import N_

SHORT_REASONS = {
    "empty-body": N_("Empty body"),
    "invalid-utf-8": N_("Body not in UTF-8"),
    "too-large": N_("Body too large"),
    "too-many-fields": N_("Too many fields"),
    "duplicate-field": N_("Field given twice"),
    "unknown-format": N_("Unknown format"),
    "invalid-shop-id": N_("Shop id unreadable"),
    "mode-unreadable": N_("Mode unreadable"),
    "answer-not-json": N_("kr-answer is not JSON"),
    "answer-too-deep": N_("kr-answer too deep"),
    "duplicate-json-key": N_("Key given twice"),
    "identity-unreadable": N_("Identity unreadable"),
    "status-unreadable": N_("Status unreadable"),
    "amount-unreadable": N_("Amount unreadable"),
    "source-not-allowed": N_("Sender not allowed"),
    "wrong-address": N_("Wrong address"),
    "unknown-shop": N_("Unknown shop"),
    "no-key": N_("No valid key"),
    "signature-missing": N_("Signature missing"),
    "signature-mismatch": N_("Wrong signature"),
    "wrong-mode": N_("Key of the other mode"),
    "wrong-shop": N_("Key of another shop"),
    "mode-mismatch": N_("Address of the other mode"),
    "shop-mismatch": N_("Address of another shop"),
    "browser-return": N_("Return of the buyer’s browser"),
    "relabelled-form": N_("Form under other names"),
    "unsupported-algorithm": N_("Unknown algorithm"),
    "unsupported-content-type": N_("No form"),
    "erased": N_("Body erased"),
    "card-data-removed": N_("Body not kept: card data"),
    "internal-error": N_("Fault of our code"),
    "not-storable": N_("Cannot be stored"),
    "names-contradict": N_("Contradictory names"),
    "archive-unreadable": N_("Archive out of reach"),
    "conflict": N_("Others came first"),
}
"""A title for each reason; its whole sentence is in `ledger/ipn/refusal_reasons.py`."""

OCCURRENCES = {
    "UNITAIRE": N_("single payment"),
    "RECURRENT_INITIAL": N_("first of a series"),
    "RECURRENT_INTERMEDIAIRE": N_("one of a series"),
    "RECURRENT_FINAL": N_("last of a series"),
}
CHANNELS = {
    "EC": N_("e-commerce"),
    "MOTO": N_("mail or telephone order"),
    "CC": N_("call centre"),
    "OTHER": N_("other channel"),
}
