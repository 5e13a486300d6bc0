"""The answers of an issuer to a request for authorisation, in the reader's language.

Source: form-v2 reference, `vads_auth_result`. The list is that of the CB network; it is open, and
other networks have codes of their own.
"""

from web.pages.formatting import plain
from web.pages.languages import N_, translated

ANSWERS = {
    "": N_("The issuer was not asked"),
    "00": N_("Approved by the issuer, refused for another reason"),
    "02": N_("Contact the issuer"),
    "03": N_("Invalid acceptor"),
    "04": N_("Keep the card"),
    "05": N_("Do not honour"),
    "07": N_("Keep the card, special conditions"),
    "08": N_("Approve after identification"),
    "12": N_("Invalid transaction"),
    "13": N_("Invalid amount"),
    "14": N_("Invalid card number"),
    "15": N_("Unknown issuer"),
    "17": N_("Cancelled by the buyer"),
    "19": N_("Try again later"),
    "20": N_("Wrong answer"),
    "24": N_("File update not supported"),
    "25": N_("Record not found"),
    "26": N_("Duplicate record"),
    "27": N_("Field edit error"),
    "28": N_("File locked"),
    "29": N_("File update failed"),
    "30": N_("Format error"),
    "31": N_("Unknown acquirer"),
    "33": N_("Card expired"),
    "34": N_("Suspected fraud"),
    "38": N_("Card expired"),
    "41": N_("Lost card"),
    "43": N_("Stolen card"),
    "51": N_("Insufficient funds"),
    "54": N_("Card expired"),
    "55": N_("Wrong PIN"),
    "56": N_("Card not in file"),
    "57": N_("Not permitted to this holder"),
    "58": N_("Not permitted to this terminal"),
    "59": N_("Suspected fraud"),
    "60": N_("Contact the acquirer"),
    "61": N_("Limit exceeded"),
    "63": N_("Security rules not respected"),
    "68": N_("Answer late"),
    "75": N_("Too many PIN tries"),
    "76": N_("Holder already opposed"),
    "80": N_("Contactless refused"),
    "81": N_("Unsecured payment refused"),
    "82": N_("Recurring authorisation revoked"),
    "90": N_("System stopped"),
    "91": N_("Issuer unreachable"),
    "94": N_("Duplicate request"),
    "96": N_("Malfunction"),
    "97": N_("Timer expired"),
    "98": N_("Server unavailable"),
    "99": N_("Initiator incident"),
    "0": N_("Approved by the issuer, refused for another reason"),
}


def answer(code: str) -> str:
    """Return what an issuer's answer means; one that nobody knows is returned as it came."""
    return translated(ANSWERS[code]) if code in ANSWERS else plain(code, 40)
