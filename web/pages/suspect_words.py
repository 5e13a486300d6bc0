"""The words of what was probably not told, as a page says them, ready to be translated."""

from ledger.projections.suspect_rules import SuspectRule, Suspicion
from ledger.queries.suspects import ASK, ORDER_FILE, RESEND
from web.pages.languages import N_

SUSPECT_RULES: dict[str, str] = {
    SuspectRule.AUTHORISATION_OVERDUE: N_("Its authorisation is overdue"),
    SuspectRule.STATUS_OVERDUE: N_("It stands still in a status that passes"),
    SuspectRule.PARENT_NEVER_TOLD: N_("It names a payment of which nothing came"),
    SuspectRule.REFUND_WITHOUT_PAYMENT: N_("Refunded without a payment"),
    SuspectRule.SEQUENCE_GAP: N_("Attempts or parts are missing"),
    SuspectRule.INSTALMENT_GAP: N_("Instalments are missing"),
    SuspectRule.VALIDATION_OVERDUE: N_("Its validation is overdue"),
    SuspectRule.ALIAS_NEVER_MADE: N_("Used, but never made"),
    SuspectRule.SUBSCRIPTION_NEVER_OPENED: N_("Collected, but never opened"),
    SuspectRule.HISTORY_WITHOUT_BEGINNING: N_("Its history has no beginning"),
}
SUSPICIONS: dict[str, str] = {
    Suspicion.CERTAIN: N_("certain"),
    Suspicion.LIKELY: N_("likely"),
    Suspicion.HINT: N_("hint"),
}
EXPECTATIONS: dict[str, str] = {
    "AUTHORISED or REFUSED": N_("AUTHORISED or REFUSED"),
    "AUTHORISED_TO_VALIDATE or REFUSED": N_("AUTHORISED_TO_VALIDATE or REFUSED"),
    "AUTHORISED, CANCELLED or EXPIRED": N_("AUTHORISED, CANCELLED or EXPIRED"),
    "AUTHORISED, CAPTURED or REFUSED": N_("AUTHORISED, CAPTURED or REFUSED"),
    "CAPTURED or CAPTURE_FAILED": N_("CAPTURED or CAPTURE_FAILED"),
    "CAPTURED or CANCELLED": N_("CAPTURED or CANCELLED"),
    "CAPTURED, REFUSED or CANCELLED": N_("CAPTURED, REFUSED or CANCELLED"),
    "the payment that it refunds or repeats": N_("the payment that it refunds or repeats"),
    "the payment that was refunded": N_("the payment that was refunded"),
    "the attempts or parts with the missing numbers": N_(
        "the attempts or parts with the missing numbers"
    ),
    "the instalments with the missing numbers": N_("the instalments with the missing numbers"),
    "that the alias was made": N_("that the alias was made"),
    "that the subscription was opened": N_("that the subscription was opened"),
    "how the payment was made": N_("how the payment was made"),
}
REMEDIES: dict[str, str] = {
    RESEND: N_("send it again in the Back Office"),
    ASK: N_("ask the platform"),
    ORDER_FILE: N_("order a file"),
}
