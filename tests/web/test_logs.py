"""Redaction of the log: what never stands in it."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator

import pytest
import structlog

from ledger.errors import SettingsError
from ledger.operations import logs
from ledger.settings import LOG_LEVELS


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    yield lambda: capsys.readouterr().err
    logs.configure("console")


def test_what_must_not_be_logged_is_redacted_at_any_depth(written: Callable[[], str]) -> None:
    logs.configure("json")

    structlog.get_logger().info(
        "x", secret="s3", kr_hash="s3", raw_body="s3", part=b"s3", told={"Signature": "s3"}
    )

    line = written()
    assert "s3" not in line
    assert json.loads(line)["told"] == {"Signature": "[redacted]"}


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_value_cannot_forge_a_second_line(written: Callable[[], str], log_format: str) -> None:
    logs.configure(log_format)

    structlog.get_logger().info("x", shop_id="1\n2026 [info] paid\r\x1b[31m\u2028", **{"a\nb": 1})

    line = written()
    assert len(line.splitlines()) == 1
    assert "\x1b[31m" not in line


def test_a_value_without_end_is_cut(written: Callable[[], str]) -> None:
    logs.configure("json")

    structlog.get_logger().info("x", shop_id="1" * 100_000)

    assert len(written()) < 3_000


def test_an_exception_is_named_by_type_and_place_alone(written: Callable[[], str]) -> None:
    logs.configure("json")

    try:
        try:
            raise ValueError("jo@example.org")
        except ValueError as error:
            raise SettingsError("ours to tell") from error
    except SettingsError:
        structlog.get_logger().exception("failed")

    line = json.loads(written())
    assert line["error"] == "SettingsError: ours to tell < ValueError"
    assert line["where"][0].endswith("test_an_exception_is_named_by_type_and_place_alone")


def test_lines_of_the_libraries_are_redacted_too(written: Callable[[], str]) -> None:
    logs.configure("json")

    try:
        raise KeyError("jo@example.org")
    except KeyError:
        logging.getLogger("some.library").exception("broke\n%s", "here")

    line = json.loads(written())
    assert (line["event"], line["error"]) == ("broke\\nhere", "KeyError")


@pytest.mark.parametrize("log_level", LOG_LEVELS)
def test_what_is_below_the_level_is_not_written(written: Callable[[], str], log_level: str) -> None:
    logs.configure("json", log_level)
    library = logging.getLogger("some.library")
    library.setLevel(logging.DEBUG)  # as servers do, who bring a level of their own

    for level in LOG_LEVELS:
        getattr(structlog.get_logger(), level)("ours")
        getattr(library, level)("theirs")

    library.setLevel(logging.NOTSET)
    lines = [json.loads(line) for line in written().splitlines()]
    expected = LOG_LEVELS[LOG_LEVELS.index(log_level) :]
    assert [line["level"] for line in lines] == [line for line in expected for _ in range(2)]


def test_a_closed_log_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream)

    structlog.get_logger().info("x")


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("194.50.38.7", "194.50.38.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("", "unknown"),
        ("unix:", "unknown"),
    ],
)
def test_a_peer_is_named_by_its_network(peer: str, network: str) -> None:
    assert logs.network(peer) == network
