"""Card data that somebody typed where it does not belong: sent as calls, looked for in answers."""

import json
from typing import Any

import pytest

from tests.builders import (
    SHOP_ID,
    UUID,
    a_form,
    a_form_call,
    an_answer,
    form_body,
    receive,
    rest_body,
)
from tests.web.asking import AT, Asking

NUMBERS = (  # published for tests by card schemes and payment platforms
    "4970100000000014",
    "4111111111111111",
    "5555555555554444",
    "378282246310005",
    "6011111111111117",
    "30569309025904",
    "3530111333300000",
    "2223003122003222",
    "6759649826438453",
)
NUMBER = NUMBERS[0]
SECRETS = {
    "together": NUMBER,
    "blanks": "4970 1000 0000 0014",
    "dashes": "4970-1000-0000-0014",
    "narrow": "4970\u00a01000\u20090000\u202f0014",
    "escaped": "4970%201000%200000%200014",
    "in-words": f"paid by {NUMBER}, thanks",
    "stripe": f";{NUMBER}=25121015432112345601?",
    "code": "cvv: 987",
    "account": "FR76 3000 6000 0112 3456 7890 189",
}
PARTS = (NUMBER, "1000 0000", "1000-0000", "2512101543", "v: 987", "6000 0112", "201000%")
FREE_FORM_FIELDS = (
    *("ext_info_note", "order_info", "order_info2", "cust_address", "cust_first_name"),
    *("ship_to_city", "product_label0", "user_info", "card_number", "card_holder_name"),
    *("unheard_of", "threeds_cavv", "cust_cell_phone"),
)
ASKED = (
    f"{AT}/transactions/{UUID}",
    f"{AT}/transactions/{UUID}/history",
    "/api/v1/events?details=true",
    "/api/v1/events",
    "/api/v1/transactions",
    "/api/v1/orders",
    "/api/v1/aliases",
    "/api/v1/subscriptions",
    "/api/v1/audit-trail",
    "/api/v1/notifications",
    "/api/v1/exports/events?format=csv",
    "/api/v1/exports/events?format=jsonl",
    "/api/v1/exports/transactions?format=csv",
    "/api/v1/exports/notifications?format=csv",
    "/api/v1/orders?search=4970",
    "/api/v1/transactions?search=4970",
    "/api/v1/exports/transactions?format=csv&search=4970",
)
WITH_PERSONAL = (
    *ASKED,
    f"{AT}/events/1/evidence",
    "/api/v1/exports/events?format=jsonl&personal=true",
    "/api/v1/exports/notifications?format=jsonl&raw=true",
)


def _an_answer(secret: str) -> dict[str, Any]:
    answer = an_answer(uuid=UUID, metadata={"note": secret, "deep": {"er": [secret]}})
    answer["customer"] = {"billingDetails": {"address": secret, "lastName": secret}}
    answer["unheardOf"] = secret
    answer["orderDetails"]["orderInfo"] = secret
    return answer


@pytest.mark.parametrize("format_", ["form", "rest"])
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_card_data_in_free_fields_is_masked_for_every_role(
    api_on_sqlite: Asking, secret: str, format_: str, capfd: pytest.CaptureFixture[str]
) -> None:
    body = rest_body(_an_answer(secret))
    if format_ == "form":
        body = a_form_call(**dict.fromkeys(FREE_FORM_FIELDS, secret))
    call = api_on_sqlite.call("/ipn", None, method="POST", data=body, content_type=FORM)
    assert call.text.startswith("OK recorded")
    api_on_sqlite.follow()

    for role in ("auditor", "auditor-personal", "operator"):
        for path in ASKED if role == "auditor" else WITH_PERSONAL:
            if role == "operator" and ("evidence" in path or "raw" in path):
                continue  # theirs is the raw body
            text = api_on_sqlite.call(path, role).text
            assert [part for part in PARTS if part in text] == [], (role, path)
    marks = api_on_sqlite.get(f"{AT}/transactions/{UUID}/history")["events"][0]["data"]["suspected"]
    assert marks
    assert all("-suspected: " in mark for mark in marks)
    assert not [part for part in PARTS if part in "".join(capfd.readouterr())]


FORM = "application/x-www-form-urlencoded"
IDENTIFYING = {
    "form": {
        "vads_order_id": f"{NUMBER}-x",
        "vads_identifier": f"a-{NUMBER}",
        "vads_subscription": f"s-{NUMBER}",
        "vads_cust_id": NUMBER,
    },
    "rest": {"orderId": NUMBER},
}


@pytest.mark.parametrize("format_", ["form", "rest"])
def test_what_identifies_is_kept_whole_and_masked_for_auditors(
    api_on_sqlite: Asking, format_: str
) -> None:
    body = form_body(a_form(vads_trans_uuid=UUID, **IDENTIFYING["form"]))
    if format_ == "rest":
        answer = an_answer(uuid=UUID)
        answer["orderDetails"]["orderId"] = NUMBER
        answer["transactions"][0]["paymentMethodToken"] = NUMBER
        answer["customer"] = {"reference": NUMBER}
        body = rest_body(answer)
    receive(api_on_sqlite.ledger, body)
    api_on_sqlite.follow()

    for path in ASKED:
        assert NUMBER not in api_on_sqlite.call(path).text, path
    state = api_on_sqlite.get(f"{AT}/transactions/{UUID}", "auditor-personal")
    assert NUMBER in state["order_id"]
    assert NUMBER in state["alias"]
    assert NUMBER in state["personal"].values()
    event = api_on_sqlite.get(f"{AT}/transactions/{UUID}/history")["events"][0]
    assert "card-number-suspected: order_id" in event["data"]["suspected"]


def test_a_masked_order_is_found_by_its_whole_name_but_by_no_part(api_on_sqlite: Asking) -> None:
    receive(api_on_sqlite.ledger, a_form_call(order_id=NUMBER))
    api_on_sqlite.follow()

    assert api_on_sqlite.get(f"/api/v1/orders?order_id={NUMBER}")["items"]
    for length in range(1, len(NUMBER)):
        assert api_on_sqlite.get(f"/api/v1/orders?search={NUMBER[:length]}")["items"] == []
    assert api_on_sqlite.get("/api/v1/orders?search=4970", "operator")["items"]


def test_nothing_is_found_by_a_number_in_a_free_field(api_on_sqlite: Asking) -> None:
    receive(api_on_sqlite.ledger, a_form_call(order_info=NUMBER, ext_info_x=NUMBER))
    api_on_sqlite.follow()

    for path in ("/api/v1/orders", "/api/v1/transactions"):
        for role in ("auditor", "operator"):
            assert api_on_sqlite.get(f"{path}?search={NUMBER}", role)["items"] == []


def test_honest_values_stay_as_they_are(api_on_sqlite: Asking) -> None:
    """Long order numbers without the check digit of a card, times, ids: facts, and unmarked."""
    honest = {
        "order_id": "4970100000000015",
        "ext_info_when": "20261126140000",
        "ext_info_cart": "b7c5c619-6841-4c04-9abc-497010000014",
        "ext_info_hash": "49701000000000144970100000000014a",
        "ext_info_code": "CVV",
        "initial_issuer_transaction_identifier": "378282246310005",
    }
    receive(api_on_sqlite.ledger, a_form_call(**honest))

    state = api_on_sqlite.get(f"{AT}/transactions/{UUID}", "auditor-personal")
    assert state["order_id"] == honest.pop("order_id")
    assert {name: state["details"][f"vads_{name}"] for name in honest} == honest
    event = api_on_sqlite.get(f"{AT}/transactions/{UUID}/history")["events"][0]
    assert event["data"]["suspected"] == []


def test_only_operators_read_a_body_with_card_data_and_it_is_logged(api: Asking) -> None:
    receive(api.ledger, a_form_call(order_info=NUMBER))
    raw = api.path_of("/api/v1/notifications/{id}/raw")

    assert api.call(raw, "auditor-personal").status_code == 403
    assert NUMBER in api.call(raw, "operator").text
    evidence = api.get(f"{AT}/events/1/evidence", "auditor-personal")
    assert evidence["body_base64"] is None
    assert NUMBER not in evidence["body_text"]
    assert api.get(f"{AT}/events/1/evidence", "operator")["body_base64"]
    accesses = api.get("/api/v1/access-log", "operator")["items"]
    assert [(line["role"], line["status"]) for line in accesses if line["kind"] == "raw"] == [
        ("operator", 200),
        ("auditor-personal", 403),
    ]


def test_a_body_without_card_data_is_read_as_before(api_on_sqlite: Asking) -> None:
    receive(api_on_sqlite.ledger, a_form_call(order_id=NUMBER))  # the name of an order, perhaps
    raw = api_on_sqlite.path_of("/api/v1/notifications/{id}/raw")

    assert api_on_sqlite.call(raw, "auditor-personal").status_code == 200


@pytest.mark.parametrize("number", NUMBERS)
def test_the_numbers_of_all_schemes_are_counted_and_marked(
    api_on_sqlite: Asking, number: str
) -> None:
    body = a_form_call(order_info=f"card {number}")
    api_on_sqlite.call("/ipn", None, method="POST", data=body, content_type=FORM)

    metrics = api_on_sqlite.call("/metrics", None).text
    assert 'ledger_card_data_suspected_total{kind="card-number"} 1.0' in metrics
    details = api_on_sqlite.get(f"{AT}/transactions/{UUID}", "operator")["details"]
    shown = number[:6] + "X" * (len(number) - 10) + number[-4:]
    assert details["vads_order_info"] == f"card {shown}"


def test_answers_are_json_all_the_same(api_on_sqlite: Asking) -> None:
    receive(api_on_sqlite.ledger, rest_body(_an_answer('"cvv":"123"')))

    assert json.loads(api_on_sqlite.call(f"/api/v1/shops/{SHOP_ID}/test/transactions/{UUID}").text)
