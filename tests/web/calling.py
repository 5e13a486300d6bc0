"""Calls the receiver as the platform does."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

FORM = "application/x-www-form-urlencoded"
BODY = b"vads_site_id=12345678&vads_ctx_mode=TEST&vads_x=&signature=abc"


def post(client: FlaskClient, path: str = "/ipn", **call: Any) -> TestResponse:
    call = {"data": BODY, "content_type": FORM} | call
    return client.open(path, method="POST", **call)


def assert_is_one_line(response: TestResponse) -> None:
    """What the platform keeps of an answer, and what would break its call."""
    assert response.mimetype == "text/plain"
    assert len(response.data) <= 200
    assert response.data.isascii()
    assert b"\n" not in response.data
    assert "Set-Cookie" not in response.headers
    assert "Location" not in response.headers
    assert "WWW-Authenticate" not in response.headers
