"""Real HTTP against a tiny service: kept connections, limits, rate, and the command."""

import json
import socket
import time
from collections.abc import Callable
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ledger.cli import cli
from ledger.errors import SettingsError
from ledger.ipn.shops_and_keys import Shops
from ledger.simulator.sender import NoServiceError, Sender
from ledger.simulator.stories import STORIES
from ledger.simulator.story_player import AnsweredCall, play
from tests.simulator.conftest import SHOP_ID, Service

Serve = Callable[[Service], Service]


def played(url: str, shops: Shops, **options: Any) -> list[AnsweredCall]:
    return list(play(url, shops, SHOP_ID, "TEST", **options))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_every_story_is_sent_on_one_kept_connection(serve: Serve, shops: Shops) -> None:
    service = serve(Service())

    answered_calls = played(service.url, shops, seed=1)

    assert [path for path, _ in service.posts] == ["/ipn"] * len(answered_calls)
    assert [body for _, body in service.posts] == [each.signed_call.body for each in answered_calls]
    assert {each.signed_call.story for each in answered_calls} == set(STORIES)
    assert all(each.answer.is_acknowledged for each in answered_calls)
    assert answered_calls[0].answer.line == "OK recorded 1"
    assert len(service.connections) == 1


def test_the_strict_address_names_shop_and_mode(serve: Serve, shops: Shops) -> None:
    service = serve(Service())

    played(f"{service.url}/base/", shops, count=1, is_strict=True)

    assert [path for path, _ in service.posts] == [f"/base/ipn/{SHOP_ID}/test"]


def test_several_connections_keep_the_order_within_each_life(serve: Serve, shops: Shops) -> None:
    service = serve(Service())

    answered_calls = played(service.url, shops, seed=1, count=120, connections=4)

    arrived = {body: place for place, (_, body) in enumerate(service.posts)}
    assert len(arrived) == len(answered_calls)
    for _, life in groupby(answered_calls, lambda each: each.signed_call.life_number):
        places = [arrived[each.signed_call.body] for each in life]
        assert places == sorted(places)
    assert 1 < len(service.connections) <= 8


def test_the_rate_is_kept(serve: Serve, shops: Shops) -> None:
    service = serve(Service())
    begun = time.monotonic()

    played(service.url, shops, stories=[STORIES["payment-accepted"]], count=6, rate=50)

    assert time.monotonic() - begun >= 5 / 50


def test_a_redirect_is_not_followed(serve: Serve) -> None:
    service = serve(Service(status=302, location="/elsewhere", answer=b"moved"))

    with closing(Sender(service.url, "/ipn")) as sender:
        answer = sender.send(b"a=b")

    assert (answer.status, answer.is_acknowledged) == (302, False)
    assert [path for path, _ in service.posts] == ["/ipn"]


def test_256_bytes_of_a_long_answer_are_read(serve: Serve) -> None:
    service = serve(Service(answer=b"x" * 100_000))

    with closing(Sender(service.url, "/ipn")) as sender:
        lines = [sender.send(b"a=b").line for _ in range(2)]

    assert lines == ["x" * 256] * 2


def test_a_slow_service_is_given_up(serve: Serve) -> None:
    service = serve(Service(delay_seconds=0.5))

    answer = Sender(service.url, "/ipn", timeout_seconds=0.05).send(b"a=b")

    assert answer.status is None
    assert answer.line == "no answer within 0.05 s"


def test_a_missing_service_is_named() -> None:
    with pytest.raises(NoServiceError, match="no service answers at http://127"):
        Sender(f"http://127.0.0.1:{free_port()}", "/ipn").send(b"a=b")


@pytest.mark.parametrize(
    "url", ["ftp://example.com", "file:///etc/passwd", "example.com", "http://", "http://h:99999"]
)
def test_only_web_addresses_are_taken(url: str) -> None:
    with pytest.raises(SettingsError):
        Sender(url, "/ipn")


@pytest.fixture
def run(shops_file: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("LEDGER_SHOPS_FILE", str(shops_file))
    return lambda *arguments: CliRunner().invoke(cli, ["simulate", *arguments])


def test_the_command_prints_a_line_per_message(run: Callable[..., Result], serve: Serve) -> None:
    service = serve(Service())

    result = run("--url", service.url, "--story", "paid-and-refunded", "--seed", "5")

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == 6
    assert lines[1].split("\t") == [
        *("paid-and-refunded", "accepted, again", "RETRY", "form", "200", "OK recorded 1"),
    ]
    assert f"seed 5, shop {SHOP_ID}, mode TEST" in result.stderr
    assert "warning: these synthetic payments stay in the ledger for good" in result.stderr
    assert "6 notifications, 0 not acknowledged" in result.stderr


def test_a_printed_seed_repeats_the_run(run: Callable[..., Result], serve: Serve) -> None:
    service = serve(Service())
    first = run("--url", service.url, "--count", "3")
    seed = first.stderr.split()[1].rstrip(",")
    bodies = [body for _, body in service.posts]

    run("--url", service.url, "--count", "3", "--seed", seed)

    assert [body for _, body in service.posts] == bodies * 2


def test_the_document_says_what_to_expect(run: Callable[..., Result], serve: Serve) -> None:
    service = serve(Service())

    result = run("--url", service.url, "--story", "duplicated", "--format", "rest", "--json")

    document = json.loads(result.stdout)
    (life,) = document["lives"]
    assert [message["status"] for message in life["messages"]] == [200, 200]
    original, duplicate = life["expected"]
    assert original["facts"]["status"] == "REFUSED"
    assert duplicate["facts"]["parent_uuid"] == original["id"]
    assert document["summary"] == {
        **{"lives": 1, "messages": 2, "not_acknowledged": 0},
        "not_sent": 0,
    }


def test_a_refusal_ends_in_1(run: Callable[..., Result], serve: Serve) -> None:
    service = serve(Service(status=503, answer=b"KO"))

    assert run("--url", service.url, "--count", "1").exit_code == 1


def test_a_missing_service_ends_in_1(run: Callable[..., Result]) -> None:
    result = run("--url", f"http://127.0.0.1:{free_port()}", "--count", "1")

    assert result.exit_code == 1
    assert "no service answers" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--story", "no-such-story"),
        ("--shop", "99999999"),
        ("--mode", "production"),
        ("--url", "ftp://example.com"),
        ("--story", "subscription-on-known-alias", "--format", "rest"),
    ],
)
def test_a_wrong_setting_ends_in_2(run: Callable[..., Result], arguments: list[str]) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert "error: " in result.stderr


def test_the_list_needs_no_settings() -> None:
    result = CliRunner().invoke(cli, ["simulate", "--list"])

    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == list(STORIES)
