"""Answers sent in parts: few at once, fewer for each reader, and only while they may go on."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.exceptions import Forbidden
from werkzeug.test import TestResponse

from ledger.access.tokens import all_tokens, revoke_token
from tests.builders import a_rest_call, receive
from tests.faults.injecting import BEFORE, FAULTS, Step, Trap
from tests.web.asking import Asking
from web import streams
from web.api import feed
from web.streams import PLACES, Places

STREAM = {"Accept": "text/event-stream"}
EXPORT = "/api/v1/exports/events?format="


@pytest.fixture
def paid_once(api_on_sqlite: Asking) -> Asking:
    receive(api_on_sqlite.ledger, a_rest_call())
    return api_on_sqlite


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "STREAM_SECONDS_MAX", 0.2)
    monkeypatch.setattr(feed, "KEEP_ALIVE_SECONDS", 0.05)


def opened(api: Asking, path: str, role: str = "auditor", **more: Any) -> TestResponse:
    """Begin an answer and read nothing of it."""
    return api.call(path, role, buffered=False, **more)


@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet"])
def test_a_reader_has_two_downloads_at_once(paid_once: Asking, format_: str) -> None:
    held = [opened(paid_once, EXPORT + format_) for _ in range(2)]

    refused = paid_once.call(EXPORT + format_)
    refused_stream = paid_once.call("/api/v1/events", headers=STREAM)

    assert [answer.status_code for answer in held] == [200, 200]
    for answer in (refused, refused_stream):
        assert answer.status_code == 503
        assert answer.get_json()["code"] == "too-many-streams"
        assert int(answer.headers["Retry-After"]) <= 60
    assert paid_once.call(EXPORT + format_, "operator").status_code == 200, "another reader"
    held[0].close()
    assert paid_once.call(EXPORT + format_).status_code == 200


def test_all_readers_together_have_as_many_places_as_there_are(paid_once: Asking) -> None:
    roles = ("auditor", "auditor-personal", "operator")
    held = [opened(paid_once, f"{EXPORT}csv", role) for role in roles[:2] for _ in range(2)]

    refused = paid_once.call(f"{EXPORT}csv", "operator")

    assert {answer.status_code for answer in held} == {200}
    assert refused.get_json()["code"] == "too-many-streams"


def test_a_place_is_free_when_its_answer_has_ended(paid_once: Asking) -> None:
    places = paid_once.app.extensions[PLACES] = Places(in_all=1)

    for path in (f"{EXPORT}csv", f"{EXPORT}jsonl"):
        assert paid_once.call(path).text
    assert "retry" in paid_once.call("/api/v1/events", headers=STREAM).text

    assert places.take("somebody else")


def test_a_place_is_free_when_another_answer_goes_out_instead(paid_once: Asking) -> None:
    """The access log cannot be written: nothing personal is sent, and nothing stays taken."""
    places = paid_once.app.extensions[PLACES] = Places(in_all=1)
    path = f"{EXPORT}csv&personal=true"

    with Trap(Step("INSERT INTO access_log"), BEFORE, FAULTS["disk full"]):
        refused = paid_once.call(path, "operator")
    refused.close()

    assert refused.get_json()["code"] == "unavailable"
    assert places.take("somebody else")


def test_a_place_is_given_back_once(paid_once: Asking) -> None:
    places = Places(in_all=1)
    give_back = places.take("a")
    assert give_back

    give_back()
    give_back()

    assert places.take("a")
    assert places.take("b") is None


def revoke_all(api: Asking) -> None:
    with api.ledger.database.begin() as connection:
        for token in all_tokens(connection):
            revoke_token(connection, token.id, now=api.now)


def parts_of(response: TestResponse) -> Iterator[bytes]:
    return iter(response.response)


def test_a_stream_ends_with_its_token(paid_once: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "STREAM_SECONDS_MAX", 30)
    monkeypatch.setattr(streams, "ADMITTED_SECONDS", 0)
    parts = parts_of(opened(paid_once, "/api/v1/events", headers=STREAM))
    while next(parts) != b": still here\n\n":
        pass

    revoke_all(paid_once)

    with pytest.raises(Forbidden):
        next(parts)


def test_a_download_ends_when_its_token_expires(
    paid_once: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "ADMITTED_SECONDS", 0)
    paid_once.token("auditor", expires_at=paid_once.now + timedelta(hours=1))
    paid_once.tokens["auditor", None, ()] = next(iter(paid_once.tokens.values()))
    parts = parts_of(opened(paid_once, f"{EXPORT}csv"))
    assert next(parts).startswith(b"position")

    paid_once.now += timedelta(hours=2)

    with pytest.raises(Forbidden):
        next(parts)
