"""How the receiver reads bodies: never more than the limit, never half of one."""

import io
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.web.calling import BODY, FORM, assert_is_one_line, post
from tests.web.fakes import FakeLedger


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
