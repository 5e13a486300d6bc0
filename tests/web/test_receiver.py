"""Every answer of the receiver, and that nothing else ever leaves it."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ledger.errors import ConflictError, UnavailableError
from ledger.settings import read_settings
from tests.web.fakes import NOW, FakeLedger

FORM = "application/x-www-form-urlencoded"
BODY = b"vads_site_id=12345678&vads_ctx_mode=TEST&vads_x=&signature=abc"


def post(client: FlaskClient, path: str = "/ipn", **told: Any) -> TestResponse:
    told = {"data": BODY, "content_type": FORM} | told
    return client.open(path, method="POST", **told)


def assert_is_one_line(response: TestResponse) -> None:
    """What the platform keeps of an answer, and what would break its call."""
    assert response.mimetype == "text/plain"
    assert len(response.data) <= 200
    assert response.data.isascii()
    assert b"\n" not in response.data
    assert "Set-Cookie" not in response.headers
    assert "Location" not in response.headers
    assert "WWW-Authenticate" not in response.headers


def test_a_recorded_notification_is_acknowledged_with_its_id(
    client: FlaskClient, ledger: FakeLedger
) -> None:
    response = post(client)

    assert response.status_code == 200
    assert response.text == f"OK recorded {ledger.deliveries[0].id}"
    assert_is_one_line(response)


def test_a_repeat_is_acknowledged_as_such(client: FlaskClient, ledger: FakeLedger) -> None:
    ledger.outcome = "repeated"

    response = post(client)

    assert (response.status_code, response.text[:12]) == (200, "OK repeated ")
    assert_is_one_line(response)


@pytest.mark.parametrize(
    ("reason", "status"),
    [("signature-mismatch", 400), ("empty-body", 400), ("unsupported-content-type", 415)],
)
def test_a_quarantined_delivery_is_refused_with_its_reason(
    client: FlaskClient, ledger: FakeLedger, reason: str, status: int
) -> None:
    ledger.outcome, ledger.reason = "quarantined", reason

    response = post(client)

    assert (response.status_code, response.text) == (status, f"KO {reason}")
    assert_is_one_line(response)


def test_the_delivery_is_what_arrived_byte_for_byte(
    client: FlaskClient, ledger: FakeLedger
) -> None:
    raw = b" a=%20+&b=\xff\x00&&a=2\r\n"

    post(client, data=raw, content_type=FORM + "; charset=UTF-8")

    delivery = ledger.deliveries[0]
    assert delivery.body == raw
    assert delivery.content_type == FORM + "; charset=UTF-8"
    assert delivery.received_at == NOW
    assert delivery.peer == "127.0.0.1"
    assert (delivery.shop_id, delivery.mode) == (None, None)
    assert len(delivery.id) == 26


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x"])
def test_another_content_type_is_for_the_ledger_to_judge(
    client: FlaskClient, ledger: FakeLedger, content_type: str
) -> None:
    post(client, content_type=content_type)

    assert ledger.deliveries[0].content_type == content_type
    assert ledger.bodies == [BODY]


def test_a_missing_content_type_is_passed_on_as_nothing(
    client: FlaskClient, ledger: FakeLedger
) -> None:
    post(client, content_type=None)

    assert ledger.deliveries[0].content_type == ""


def test_a_content_type_without_end_is_cut(client: FlaskClient, ledger: FakeLedger) -> None:
    post(client, content_type=FORM + ";" + "x" * 10_000)

    assert len(ledger.deliveries[0].content_type) == 200


@pytest.mark.parametrize("mode", ["test", "TEST", "Production", "PRODUCTION"])
def test_the_address_of_one_shop_names_shop_and_mode(
    client: FlaskClient, ledger: FakeLedger, mode: str
) -> None:
    response = post(client, f"/ipn/12345678/{mode}")

    assert response.status_code == 200
    assert ledger.deliveries[0].shop_id == "12345678"
    assert ledger.deliveries[0].mode == mode.upper()


@pytest.mark.parametrize("path", ["/ipn/", "/ipn/12345678/test/"])
def test_a_trailing_slash_is_no_redirect(
    client: FlaskClient, ledger: FakeLedger, path: str
) -> None:
    response = post(client, path)

    assert response.status_code == 200
    assert ledger.bodies == [BODY]


@pytest.mark.parametrize(
    "path",
    [
        "/ipn/12345678",
        "/ipn/12345678/demo",
        "/ipn/12345678/te%C5%BFt",
        "/ipn/12345678/test/more",
        "/ipn//12345678/test",
        "/ipn/1234567/test",
        "/ipn/" + "1" * 5_000 + "/test",
        "/ipn/%FF%FE123456/test",
        "/ipn/%D9%A1%D9%A2%D9%A3%D9%A4%D9%A5%D9%A6%D9%A7%D9%A8/test",
        "/ipn/1234567%00/test",
        "/ipn/12345678%0A/test",
    ],
)
def test_any_other_path_does_not_exist(client: FlaskClient, ledger: FakeLedger, path: str) -> None:
    response = post(client, path)

    assert (response.status_code, response.text) == (404, "KO not-found")
    assert_is_one_line(response)
    assert ledger.deliveries == []


@pytest.mark.parametrize("path", ["//ipn", "/./ipn", "/ipn/../ipn"])
def test_a_crooked_path_is_no_redirect(client: FlaskClient, path: str) -> None:
    response = client.post("/", environ_overrides={"PATH_INFO": path})

    assert response.status_code in {200, 404}
    assert "Location" not in response.headers


@pytest.mark.parametrize("path", ["/ipn", "/ipn/12345678/test"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_only_post_is_served(
    client: FlaskClient, ledger: FakeLedger, method: str, path: str
) -> None:
    response = client.open(path, method=method, headers={"X-HTTP-Method-Override": "POST"})

    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"
    assert_is_one_line(response)
    assert ledger.deliveries == []


def test_a_body_at_the_limit_is_taken(make_app: Callable[..., Flask], ledger: FakeLedger) -> None:
    client = make_app(body_bytes_max=100).test_client()

    assert post(client, data=b"x" * 100).status_code == 200
    assert ledger.bodies == [b"x" * 100]


def test_a_body_above_the_limit_is_refused(
    make_app: Callable[..., Flask], ledger: FakeLedger
) -> None:
    client = make_app(body_bytes_max=100).test_client()

    response = post(client, data=b"x" * 101)

    assert (response.status_code, response.text) == (413, "KO too-large")
    assert_is_one_line(response)
    assert (ledger.bodies, ledger.refused) == ([b""], ["too-large"])


class Counted(io.BytesIO):
    """A body in pieces that knows how much of it was read."""

    def __init__(self, content: bytes, piece: int) -> None:
        super().__init__(content)
        self.piece = piece

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0, "an unbounded read"
        return super().read(min(size, self.piece))


def chunked(client: FlaskClient, stream: io.BytesIO) -> TestResponse:
    overrides = {"wsgi.input": stream, "wsgi.input_terminated": True}
    overrides |= {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_TYPE": FORM}
    return client.post("/ipn", environ_overrides=overrides)


def test_a_chunked_body_is_read_to_its_end(client: FlaskClient, ledger: FakeLedger) -> None:
    assert chunked(client, Counted(BODY, 7)).status_code == 200
    assert ledger.bodies == [BODY]


def test_a_chunked_body_without_end_is_read_no_further_than_the_limit(
    make_app: Callable[..., Flask], ledger: FakeLedger
) -> None:
    stream = Counted(b"x" * 1_000_000, 30)

    response = chunked(make_app(body_bytes_max=100).test_client(), stream)

    assert response.status_code == 413
    assert stream.tell() == 101
    assert (ledger.bodies, ledger.refused) == ([b""], ["too-large"])


@pytest.mark.parametrize("is_terminated", [False, True])
def test_a_sender_that_hangs_up_leaves_nothing(
    client: FlaskClient, ledger: FakeLedger, is_terminated: bool
) -> None:
    """Also before a server that ends the body where the sender did, as if it were whole."""
    overrides = {"wsgi.input": io.BytesIO(BODY[:10]), "CONTENT_LENGTH": str(len(BODY))}
    overrides |= {"wsgi.input_terminated": True} if is_terminated else {}

    response = client.post("/ipn", environ_overrides=overrides)

    assert response.status_code == 400
    assert ledger.deliveries == []


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (ConflictError("beaten"), "conflict"),
        (UnavailableError("down"), "unavailable"),
        (KeyError("a bug, with cust_email=jo@example.org"), "internal-error"),
        (RecursionError(), "internal-error"),
    ],
)
def test_what_was_not_stored_is_asked_for_again(
    client: FlaskClient, ledger: FakeLedger, error: Exception, word: str
) -> None:
    ledger.error = error

    response = post(client)

    assert (response.status_code, response.text) == (503, f"KO {word}")
    assert int(response.headers["Retry-After"]) > 0
    assert_is_one_line(response)


def test_a_bug_is_not_propagated_while_testing_either(
    make_app: Callable[..., Flask], ledger: FakeLedger
) -> None:
    ledger.error = KeyError("bug")
    app = make_app()
    app.testing = app.debug = True

    assert post(app.test_client()).status_code == 503


def test_a_cookie_is_neither_read_nor_set(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    app.secret_key = "synthetic"
    with app.test_client() as client, client.session_transaction() as session:
        session.permanent = True
        session["who"] = "auditor"

    assert_is_one_line(post(client))


def test_an_odd_host_is_no_redirect(client: FlaskClient) -> None:
    response = post(client, headers={"Host": "evil example/"})

    assert response.status_code in {200, 400}
    assert_is_one_line(response)


# -- who called ---------------------------------------------------------------------------------

PLATFORM = "194.50.38.7"


@pytest.fixture
def behind_proxy(make_app: Callable[..., Flask]) -> FlaskClient:
    settings = read_settings({"LEDGER_TRUSTED_PROXIES": "10.0.0.0/8 fd00::/8"})
    return make_app(trusted_proxies=settings.trusted_proxies).test_client()


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", PLATFORM, PLATFORM),
        ("10.0.0.1", f"6.6.6.6, {PLATFORM}", PLATFORM),
        ("10.0.0.1", f"{PLATFORM}, 6.6.6.6", "6.6.6.6"),
        ("10.0.0.1", f"6.6.6.6, {PLATFORM}, 10.0.0.2", PLATFORM),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", f"{PLATFORM}, unknown", "10.0.0.1"),
        ("10.0.0.1", f"{PLATFORM}:4711", PLATFORM),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:10.0.0.1", f"::ffff:{PLATFORM}", PLATFORM),
        ("fd00::1", PLATFORM, PLATFORM),
        ("6.6.6.6", PLATFORM, "6.6.6.6"),
        ("", PLATFORM, ""),
    ],
)
def test_the_forwarded_address_is_believed_only_from_trusted_proxies(
    behind_proxy: FlaskClient, ledger: FakeLedger, peer: str, forwarded: str | None, client: str
) -> None:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}

    post(behind_proxy, headers=headers, environ_overrides={"REMOTE_ADDR": peer})

    assert ledger.deliveries[0].peer == client


@pytest.mark.parametrize(
    ("peer", "status"), [(PLATFORM, 200), ("6.6.6.6", 400), ("", 400), ("2001:db8::1", 400)]
)
def test_a_sender_outside_the_allowed_ranges_is_kept_and_refused(
    make_app: Callable[..., Flask], ledger: FakeLedger, peer: str, status: int
) -> None:
    settings = read_settings({"LEDGER_ALLOWED_SOURCES": "194.50.38.0/24"})
    client = make_app(allowed_sources=settings.allowed_sources).test_client()

    headers = {"X-Forwarded-For": PLATFORM}
    response = post(client, headers=headers, environ_overrides={"REMOTE_ADDR": peer})

    assert response.status_code == status
    assert ledger.bodies == [BODY]
    if status == 400:
        assert response.text == "KO source-not-allowed"


# -- what is written about it -------------------------------------------------------------------


@pytest.fixture
def lines(
    make_app: Callable[..., Flask], capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    make_app(log_format="json")
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    make_app()


def test_one_line_is_written_for_each_delivery(
    make_app: Callable[..., Flask], lines: Callable[[], list[dict[str, Any]]]
) -> None:
    post(make_app(log_format="json").test_client(), query_string="who=jo@example.org")

    (line,) = lines()
    assert line["event"] == "received"
    assert line["outcome"] == "recorded"
    assert line["bytes"] == len(BODY)
    assert line["peer"] == "127.0.0.0/24"
    assert set(line) == {
        *("id", "format", "shop_id", "mode", "outcome", "reason", "bytes", "duration_ms"),
        *("peer", "event", "level", "timestamp"),
    }


def test_a_bug_is_logged_with_its_place_but_without_what_it_choked_on(
    make_app: Callable[..., Flask],
    ledger: FakeLedger,
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = make_app(log_format="json").test_client()
    ledger.error = ValueError("cust_email=jo@example.org signature=abc")

    post(client)

    written = capsys.readouterr().err
    assert "jo@example.org" not in written
    assert "signature=abc" not in written
    first = json.loads(written.splitlines()[0])
    assert first["error"] == "ValueError"
    assert "fakes.py" in first["where"][-1]


def test_metrics_count_what_was_answered(client: FlaskClient, ledger: FakeLedger) -> None:
    post(client)
    ledger.outcome, ledger.reason, ledger.format = "quarantined", "signature-mismatch", None
    post(client)
    client.get("/ipn")

    text = client.application.extensions["ipn-ledger"].metrics.text().decode()

    name = "ledger_notifications_received_total"
    assert name + '{format="form-v2",outcome="recorded",reason="none"} 1.0' in text
    assert name + '{format="none",outcome="quarantined",reason="signature-mismatch"} 1.0' in text
    assert 'ledger_rejected_total{status="405"} 1.0' in text
    assert "ledger_commit_seconds_count 2.0" in text
