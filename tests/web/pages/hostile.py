"""Names that somebody chose to do harm: they show as text, wherever they turn up."""

from ledger.application import Ledger
from tests.builders import a_form_call, receive

SCRIPT = "<script>alert('hostile')</script>"
QUOTES = "\"><img src=x onerror=alert('hostile')>'`${7*7}{{7*7}}"
TURNED = "gnp.\u202eexe\u2066\u200f"
LONG = "x" * 10_000
UUID = "bad0" * 8
ALIAS = "<b>alias</b>"
STATUS = "<i>NEVER_SEEN</i>"
NOTIFICATION = "7H0ST11E000000000000000000"
QUARANTINED = "7H0ST11E00000000000000000Q"


def receive_hostile(ledger: Ledger) -> None:
    """Three payments, a subscription and its instalment in TEST, whose every name is hostile; and a
    delivery that nobody signed."""
    for number, order in enumerate((SCRIPT, QUOTES, TURNED)):
        body = a_form_call(
            status=STATUS if number == 0 else "AUTHORISED",
            trans_uuid=f"{UUID[:-1]}{number}",
            order_id=order,
            identifier=ALIAS,
            cust_name=LONG,
            cust_email=f"{SCRIPT}@example.org",
            ext_info_more=QUOTES,
            card_brand=TURNED,
        )
        id_ = f"{NOTIFICATION[:-1]}{number}"
        assert receive(ledger, body, id=id_).outcome == "recorded"
    plan = {
        "subscription": SCRIPT,
        "identifier": ALIAS,
        "trans_uuid": f"{UUID[:-1]}a",
        "sub_desc": QUOTES,
        "sub_amount": "1990",
        "sub_currency": "978",
        "sub_effect_date": "20260410",
        "recurrence_status": "CREATED",
        "operation_type": "VERIFICATION",
    }
    instalment = {
        "subscription": SCRIPT,
        "identifier": ALIAS,
        "trans_uuid": f"{UUID[:-1]}b",
        "recurrence_number": "1",
        "occurrence_type": "RECURRENT_INTERMEDIAIRE",
    }
    for fields in (plan, instalment):
        assert receive(ledger, a_form_call(**fields)).outcome == "recorded"
    forged = a_form_call(order_id=SCRIPT, cust_name=LONG).replace(b"signature=", b"signature=x")
    receipt = receive(ledger, forged, id=QUARANTINED, peer=SCRIPT)
    assert receipt.reason == "signature-mismatch"
