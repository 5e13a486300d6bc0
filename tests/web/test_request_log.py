"""Who asked what, how it ended and under which id: one line for every request, without names."""

import json
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest

from ledger.operations import logs
from ledger.settings import Settings
from tests.builders import SHOP_ID, UUID
from tests.web.asking import AT, Asking, asking
from tests.web.calling import post

PROXY = {"environ_overrides": {"REMOTE_ADDR": "10.0.0.1"}}


@pytest.fixture
def api(paid_sqlite: Asking) -> Asking:
    settings = Settings(
        database_url="unused", log_format="json", trusted_proxies=(ip_network("10.0.0.0/8"),)
    )
    return asking(paid_sqlite.ledger.database, settings=settings)


@pytest.fixture
def lines(api: Asking, capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    capsys.readouterr()
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_question_leaves_one_line(api: Asking, lines: Callable[[], list[dict[str, Any]]]) -> None:
    answer = api.call(f"{AT}/transactions/{UUID}?as_of=2030-01-01")

    (line,) = lines()
    assert line.pop("duration_ms") >= 0
    del line["timestamp"]
    assert line == {
        "event": "answered",
        "level": "info",
        "method": "GET",
        "route": "/api/v1/shops/<shop_id>/<mode>/transactions/<name:name>",
        "status": 200,
        "reader_id": api.get("/api/v1/me")["id"],
        "shop_id": SHOP_ID,
        "mode": "test",
        "bytes": len(answer.data),
        "request_id": answer.headers["X-Request-Id"],
    }


def test_no_line_holds_a_name_or_a_query(
    api: Asking, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    for path in ("aliases/jo@example.org", "orders/jo@example.org", "jo@example.org"):
        api.call(f"{AT}/{path}?search=jo@example.org&as_of=x")
    api.call("/jo@example.org?jo@example.org", None)

    assert len(written := lines()) == 4
    assert "jo@" not in str(written)


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/api/v1/transaction", "/api/v1/transaction"),
        (
            "/api/v1/shops/12345678/TEST/orderz/Jo%0ADoe",
            "/api/v1/shops/<8 digits>/test/orderz/<6 characters>",
        ),
        ("/" + "x/" * 50, "/" + "/".join("x" * 8)),
        ("/" + "x" * 5_000, "/<5000 characters>"),
    ],
)
def test_a_path_that_leads_nowhere_is_logged_by_its_shape(
    api: Asking, lines: Callable[[], list[dict[str, Any]]], path: str, shape: str
) -> None:
    api.call(path, None)

    (line,) = lines()
    assert (line["status"], line["route"], line["path"]) == (404, None, shape)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_what_machines_ask_all_day_is_logged_for_those_who_debug(
    api: Asking, lines: Callable[[], list[dict[str, Any]]], path: str
) -> None:
    api.call(path, None)
    quiet = lines()
    logs.configure("json", "debug")
    api.call(path, None)

    assert quiet == []
    assert [line["route"] for line in lines() if line["event"] == "answered"] == [path]


def test_a_stream_is_logged_when_it_has_ended(
    api: Asking, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    export = api.call("/api/v1/exports/events")
    before = lines()
    size = len(export.data)
    export.close()

    (line,) = lines()
    assert before == []
    assert (line["route"], line["bytes"]) == ("/api/v1/exports/events", size)


def test_every_answer_has_an_id_of_its_own(
    api: Asking, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    answers = [
        *(api.call(path, None) for path in ("/healthz", "/docs", "/nowhere", "/sign-in")),
        api.call("/api/v1/events", None),
        post(api.client),
        api.client.get("/ipn"),
    ]

    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert len(set(ids)) == len(answers)
    assert answers[4].get_json()["request_id"] == ids[4]
    assert set(ids[1:]) == {line["request_id"] for line in lines()}


@pytest.mark.parametrize(
    ("caller", "written", "is_taken"),
    [
        (PROXY, "a.B-3_" * 10, True),
        ({}, "abc", False),
        (PROXY, "a" * 65, False),
        (PROXY, "a b", False),
        (PROXY, "é", False),
        (PROXY, "", False),
    ],
)
def test_an_id_is_taken_from_a_trusted_proxy_alone(
    api: Asking, caller: dict[str, Any], written: str, is_taken: bool
) -> None:
    answer = api.call("/healthz", None, headers={"X-Request-Id": written}, **caller)

    assert (answer.headers["X-Request-Id"] == written) is is_taken


def test_the_time_of_answers_is_measured_by_route(api: Asking) -> None:
    api.call(f"{AT}/transactions/{UUID}")
    api.call("/api/v1/events", None)
    api.call("/healthz", None)
    api.call("/jo@example.org", None)

    metrics = api.call("/metrics", None).text

    route = "/api/v1/shops/<shop_id>/<mode>/transactions/<name:name>"
    for labels in (
        f'route="{route}",status="200"',
        'route="/api/v1/events",status="401"',
        'route="none",status="404"',
    ):
        assert f"ledger_request_seconds_count{{{labels}}} 1.0" in metrics
    assert "healthz" not in metrics
    assert "jo@" not in metrics
