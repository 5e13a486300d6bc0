"""What a line of the access log says that somebody did, in words."""

from web.pages.formatting import plain
from web.pages.languages import N_, translated

ACCESS_WORDS = {
    "transaction": N_("opened the transaction"),
    "order": N_("opened the order"),
    "alias": N_("opened the alias"),
    "subscription": N_("opened the subscription"),
    "transaction-history": N_("read the history of the transaction"),
    "order-history": N_("read the history of the order"),
    "alias-history": N_("read the history of the alias"),
    "subscription-history": N_("read the history of the subscription"),
    "transaction-bundle": N_("took the evidence file of the transaction"),
    "order-bundle": N_("took the evidence file of the order"),
    "alias-bundle": N_("took the evidence file of the alias"),
    "subscription-bundle": N_("took the evidence file of the subscription"),
    "raw": N_("opened the notification"),
    "evidence": N_("opened the evidence of event no."),
    "events": N_("read the events after position"),
    "export of events": N_("exported events"),
    "export of transactions": N_("exported transactions"),
    "export of notifications": N_("exported notifications"),
    "settlement": N_("opened the settlement of"),
    "person": N_("looked for a person by"),
    "erasure": N_("erased, with the erasure"),
    "hold": N_("set the hold"),
    "hold-released": N_("released the hold"),
    "file": N_("brought the file"),
    "report": N_("made the report"),
    "question": N_("asked the platform about"),
    "confirm": N_("confirmed the transaction"),
    "refused": N_("was refused"),
    "token-created": N_("created the token"),
    "token-revoked": N_("revoked the token"),
    "user-added": N_("added the user"),
    "user-disable": N_("closed the access of the user"),
    "user-enable": N_("opened again the access of the user"),
    "user-password": N_("gave a new password to the user"),
    "user-second-factor": N_("removed the device of the user"),
    "own-password": N_("changed their own password"),
    "second-factor-set-up": N_("set up their device"),
    "recovery-codes-renewed": N_("renewed their recovery codes"),
}
"""By the kind of a line; one without words here is shown as it is."""


def access_word(kind: str) -> str:
    """Return what somebody did, in the reader's language."""
    return translated(ACCESS_WORDS[kind]) if kind in ACCESS_WORDS else plain(kind, 60)
