"""Every answer of the receiver, and that nothing else ever leaves it."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ledger.errors import UnavailableError
from tests.web.calling import BODY, FORM, assert_is_one_line, post
from tests.web.fakes import NOW, FakeLedger


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
        "/ipn%2F12345678/test",
    ],
)
def test_what_is_sent_to_any_other_path_is_kept_and_told(
    client: FlaskClient, ledger: FakeLedger, path: str
) -> None:
    response = post(client, path)

    assert (response.status_code, response.text) == (404, "KO wrong-address")
    assert_is_one_line(response)
    assert ledger.refused == ["wrong-address"]
    (delivery,) = ledger.deliveries
    assert (delivery.body, delivery.shop_id, delivery.mode) == (BODY, None, None)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS"])
def test_only_what_is_posted_is_kept(client: FlaskClient, ledger: FakeLedger, method: str) -> None:
    response = client.open("/ipn/12345678/demo/more", method=method)

    assert response.status_code == 404
    assert ledger.deliveries == []


def test_a_large_body_at_a_wrong_address_is_not_kept(
    client: FlaskClient, ledger: FakeLedger
) -> None:
    response = post(client, "/ipn/12345678/demo", data=b"x" * (256 * 1024 + 1))

    assert (response.status_code, response.text) == (413, "KO too-large")
    assert ledger.bodies == [b""]


@pytest.mark.parametrize("path", ["/ipn/12345678/demo", "/ipn/12345678/test/more"])
def test_what_cannot_be_kept_at_a_wrong_address_is_asked_for_again(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def refuse(*_: object) -> None:
        raise UnavailableError("gone")

    monkeypatch.setattr(FakeLedger, "refuse", refuse)

    response = post(client, path)

    assert (response.status_code, response.text) == (503, "KO unavailable")


def test_what_is_sent_elsewhere_is_not_kept(client: FlaskClient, ledger: FakeLedger) -> None:
    assert post(client, "/ipns/12345678/test").status_code == 404
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


@pytest.mark.parametrize(
    ("error", "word"),
    [
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
