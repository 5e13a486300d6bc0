"""The way the bytes come: requests of unclear length, and senders that are slow.

A request of unclear length is refused; nothing in its body is ever a request.
"""

import re
import socket
import time
from collections import Counter

import pytest

from tests.attacks.calling import ask, exchanged, post, uuid
from tests.builders import a_form, form_body
from tests.serving import Service

SMUGGLED = b"POST /ipn/99999999/test HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nsmuggled"
_HOST = "Host: x\r\n"


def framed(*headers: str, body: bytes = b"") -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"POST /ipn HTTP/1.1\r\n{_HOST}{lines}\r\n".encode("latin-1") + body


CHUNKED = "Transfer-Encoding: chunked"
END = b"0\r\n\r\n"

FRAMES: dict[str, bytes] = {
    "length-and-chunks": framed("Content-Length: 5", CHUNKED, body=END + SMUGGLED),
    "chunks-and-length": framed(CHUNKED, f"Content-Length: {len(END + SMUGGLED)}", body=END),
    "two-lengths": framed("Content-Length: 0", f"Content-Length: {len(SMUGGLED)}", body=SMUGGLED),
    "length-list": framed("Content-Length: 0, 90", body=SMUGGLED),
    "length-with-plus": framed("Content-Length: +0", body=SMUGGLED),
    "length-negative": framed("Content-Length: -1", body=SMUGGLED),
    "length-hex": framed("Content-Length: 0x5A", body=SMUGGLED),
    "length-huge": framed(f"Content-Length: {'9' * 40}", body=SMUGGLED),
    "length-blank-before-colon": framed("Content-Length : 90", body=SMUGGLED),
    "encoding-unknown": framed("Transfer-Encoding: xchunked", body=END + SMUGGLED),
    "encoding-list": framed("Transfer-Encoding: chunked, identity", body=END + SMUGGLED),
    "encoding-tab": framed("Transfer-Encoding:\tchunked", "Content-Length: 5", body=END + SMUGGLED),
    "encoding-folded": framed("Transfer-Encoding:\r\n chunked", body=END + SMUGGLED),
    "encoding-underscore": framed("Transfer_Encoding: chunked", "Content-Length: 5",
                                  body=END),
    "chunk-size-overflow": framed(CHUNKED, body=b"FFFFFFFFFFFFFFFFF\r\nx\r\n" + END),
    "chunk-size-negative": framed(CHUNKED, body=b"-1\r\nx\r\n" + END),
    "chunk-bare-newline": framed(CHUNKED, body=b"1\nx\n0\n\n" + SMUGGLED),
    "chunk-extension": framed(CHUNKED, body=b"1;" + b"a" * 20_000 + b"\r\nx\r\n" + END),
    "trailers": framed(CHUNKED, body=b"1\r\nx\r\n0\r\nContent-Length: 90\r\n\r\n"),
    "nul-in-header": framed("X: a\0b", "Content-Length: 0"),
    "newline-in-header": framed("X: a\nTransfer-Encoding: chunked", "Content-Length: 0", body=END),
    "many-headers": framed(*(f"X-{n}: a" for n in range(2_000)), "Content-Length: 0"),
    "endless-header": framed("X: " + "a" * 200_000, "Content-Length: 0"),
    "http-0.9": b"POST /ipn\r\n\r\n",
    "http-2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "tls-hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500,
    "absolute-path": b"POST http://192.0.2.1/ipn HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    "expect": framed("Expect: 100-continue", "Content-Length: 1", body=b"x"),
    "upgrade": framed("Connection: Upgrade", "Upgrade: h2c", "Content-Length: 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", FRAMES)
def test_a_request_ends_where_the_server_says(service: Service, name: str) -> None:
    """A request of unclear length is refused; nothing in its body is ever a request."""
    answer = exchanged(service, FRAMES[name])

    assert re.match(rb"HTTP/1\.[01] (100|400|404|413|415|431|501) |$", answer), answer[:100]
    assert post(service, b"")[0] == 400, "the service answers on"
    assert ask(service, "/api/v1/notifications?shop=99999999")["items"] == []


def test_slow_senders_leave_nothing_behind_and_are_waited_for(service: Service) -> None:
    """As many as there are threads but one: the service answers on, and stores no half body.

    With one for each thread it would wait for them; that is why a proxy that buffers whole
    requests belongs before it.
    """
    before = counted(service)
    slow = [socket.create_connection(("127.0.0.1", service.port), timeout=20) for _ in range(3)]
    for sender in slow:
        sender.sendall(framed("Content-Length: 1000", body=b"vads_site_id=12345678&"))

    assert post(service, form_body(a_form(vads_trans_uuid=uuid("meanwhile"))))[0] == 200
    for sender in slow:
        sender.close()

    until = time.monotonic() + 20
    while (after := counted(service))["400"] < before["400"] + 3:
        assert time.monotonic() < until
    assert after["quarantined"] == before["quarantined"]


def counted(service: Service) -> Counter[str]:
    """How many deliveries had which outcome, and how many left nothing, since the start."""
    text = service.call("GET", "/metrics")[1]
    series = r'(?:received|rejected)_total\{[^}]*(?:outcome|status)="(\w+)"[^}]*\} (\d+)'
    counts: Counter[str] = Counter()
    for name, number in re.findall(series, text):
        counts[name] += int(number)
    return counts
