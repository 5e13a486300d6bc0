"""What the receiver writes about its calls: one line in the log, and its metrics."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.web.calling import BODY, post
from tests.web.fakes import FakeLedger


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
        *("peer", "request_id", "event", "level", "timestamp"),
    }


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/ipn/12345678/prod", "/ipn/<8 digits>/<4 characters>"),
        ("/ipn/1234567/TEST/", "/ipn/<7 digits>/test/"),
        ("/ipn/jo@example.org", "/ipn/<14 characters>"),
        ("/ipn//" + "x/" * 50, "/ipn//" + "/".join(["<1 characters>"] * 4)),
    ],
)
def test_a_wrong_address_is_logged_by_its_shape(
    make_app: Callable[..., Flask],
    lines: Callable[[], list[dict[str, Any]]],
    path: str,
    shape: str,
) -> None:
    post(make_app(log_format="json").test_client(), path)

    warning, received = lines()
    assert (warning["event"], warning["path"]) == ("address.wrong", shape)
    assert (received["outcome"], received["reason"]) == ("quarantined", "wrong-address")
    assert "jo@" not in str([warning, received])


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
