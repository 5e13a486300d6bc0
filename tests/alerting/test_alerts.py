"""Alerts: operator once when something begins and ends, signed, and never in the way."""

import base64
import hashlib
import hmac
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ledger.alerting.conditions import QUARANTINE, SILENCE, Condition, sources
from ledger.alerting.runner import AlertRunner, send
from ledger.alerting.sending import MAIL, WEBHOOK, Alert, channels_of
from ledger.errors import SettingsError
from ledger.settings import Settings, read_settings
from ledger.storage.database import Database
from tests.builders import NOON, SHOP_ID, a_form_call, a_ledger, a_shop, receive, shops

KEY = b"a synthetic key of 32 characters"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
SILENT = Condition(SILENCE, f"silence {SHOP_ID} test", "no notification since noon")
ALERT = Alert("msg_1", SILENCE, SILENT.name, "began", SILENT.message, NOON, NOON)


class Told:
    """A channel that remembers, and can be operator to fail."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self.fails = False
        self.conditions = [SILENT]
        self.now = NOON

    def take(self, alert: Alert) -> None:
        if self.fails:
            raise OSError("unreachable")
        self.alerts.append(alert)

    def runner(self, database: Database, failed: list[str] | None = None) -> AlertRunner:
        return AlertRunner(
            database,
            {SILENCE: lambda _: self.conditions},
            {WEBHOOK: self.take},
            failed=([] if failed is None else failed).append,
            now=lambda: self.now,
        )

    def news(self) -> list[str]:
        return [alert.news for alert in self.alerts]


@pytest.fixture
def operator() -> Told:
    return Told()


def step_at(operator: Told, runner: AlertRunner, minutes: int) -> None:
    operator.now = NOON + timedelta(minutes=minutes)
    runner.step()


def test_a_condition_is_told_when_it_begins_once_a_day_and_when_it_ends(
    database: Database, operator: Told
) -> None:
    runner = operator.runner(database)
    for minutes in (0, 1, 60, 24 * 60):
        step_at(operator, runner, minutes)
    operator.conditions = []
    for minutes in (24 * 60 + 1, 24 * 60 + 2):
        step_at(operator, runner, minutes)

    assert operator.news() == ["began", "lasts", "ended"]
    assert len({alert.id for alert in operator.alerts}) == 3


def test_a_restart_tells_nothing_again_and_one_process_tells(
    database: Database, operator: Told
) -> None:
    first, second = operator.runner(database), operator.runner(database)
    first.step()
    second.step()  # while the first holds the lease
    first.stop()
    operator.runner(database).step()

    assert operator.news() == ["began"]


def test_what_was_not_taken_is_tried_again_later_under_the_same_id(
    database: Database, operator: Told
) -> None:
    operator.fails, failed = True, list[str]()
    runner = operator.runner(database, failed)
    for minutes in (0, 0, 1, 2, 3):
        step_at(operator, runner, minutes)
    operator.fails = False
    step_at(operator, runner, 10)

    assert failed == [WEBHOOK] * 3  # after 0, 1 and 3 minutes
    assert operator.news() == ["began"]


def test_a_source_that_fails_ends_nothing(database: Database, operator: Told) -> None:
    runner = operator.runner(database)
    runner.step()

    def broken(_: datetime) -> list[Condition]:
        raise OSError

    runner.stop()
    AlertRunner(database, {SILENCE: broken}, {WEBHOOK: operator.take}).step()

    assert operator.news() == ["began"]


def test_silence_and_a_growing_quarantine_are_found(database: Database) -> None:
    ledger = a_ledger(database)
    receive(ledger, a_form_call())
    ledger.shops = shops(a_shop(kinds=()))
    for number in range(10):
        receive(ledger, a_form_call(trans_id=f"9000{number:02}"))
    ledger.shops = shops(a_shop())
    find = sources(ledger, lambda _: [])

    silent = [each.name for each in find[SILENCE](NOON + timedelta(days=2))]
    growing = [each.name for each in find[QUARANTINE](NOON + timedelta(minutes=1))]
    calm = list(find[QUARANTINE](NOON + timedelta(hours=2)))

    assert (silent, growing, calm) == ([SILENT.name], ["quarantine test"], [])


@contextmanager
def a_receiver(status: int) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    hook_calls: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook_calls.append(({name.lower(): text for name, text in self.headers.items()}, body))
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook", hook_calls
        server.shutdown()


def webhook(url: str) -> Settings:
    return replace(Settings(), alert_webhook_url=url, alert_webhook_secret=SECRET)


def test_a_webhook_is_signed_as_its_receivers_check_it() -> None:
    with a_receiver(204) as (url, calls):
        outcome = send(channels_of(webhook(url)), ALERT)

    ((headers, body),) = calls
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert outcome == {WEBHOOK: None}
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-id"] == ALERT.id
    assert json.loads(body)["data"]["message"] == SILENT.message


@pytest.mark.parametrize("status", [302, 400, 500])
def test_no_redirect_is_followed_and_a_refusal_is_a_failure(status: int) -> None:
    with a_receiver(status) as (url, calls):
        outcome = send(channels_of(webhook(url)), ALERT)

    assert len(calls) == 1
    assert str(status) in (outcome[WEBHOOK] or "")


def test_a_receiver_that_is_not_there_is_a_failure_and_no_error() -> None:
    with a_receiver(204) as (url, _):
        pass
    assert send(channels_of(webhook(url)), ALERT)[WEBHOOK] is not None


def test_a_mail_says_what_it_is_about() -> None:
    lines: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            is_content = False
            for line in self.rfile:
                lines.append(line.decode().rstrip())
                if lines[-1].upper() == "DATA":
                    is_content = True
                    self.wfile.write(b"354 go on\r\n")
                elif not is_content or lines[-1] == ".":
                    is_content = False
                    is_end = lines[-1].upper() == "QUIT"
                    self.wfile.write(b"221 bye\r\n" if is_end else b"250 ok\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"smtp://127.0.0.1:{server.server_address[1]}"
        settings = replace(Settings(), alert_mail_to=("ops@example.com",), alert_smtp_url=url)
        outcome = send(channels_of(settings), ALERT)
        server.shutdown()

    assert outcome == {MAIL: None}
    assert f"Subject: [IPN Ledger] began: {SILENT.name}" in lines
    assert "To: ops@example.com" in lines
    assert SILENT.message in lines


@pytest.mark.parametrize(
    "environ",
    [
        {"LEDGER_ALERT_MAIL_TO": "ops@example.com"},
        {"LEDGER_ALERT_WEBHOOK_URL": "https://hooks.example.com/x"},
        {
            "LEDGER_ALERT_WEBHOOK_URL": "http://hooks.example.com/x",
            "LEDGER_ALERT_WEBHOOK_SECRET": SECRET,
        },
        {
            "LEDGER_ALERT_WEBHOOK_URL": "https://hooks.example.com/x",
            "LEDGER_ALERT_WEBHOOK_SECRET": "whsec_c2hvcnQ=",
        },
        {"LEDGER_ALERT_MAIL_TO": "ops", "LEDGER_ALERT_SMTP_URL": "smtp://localhost"},
    ],
)
def test_a_channel_of_which_half_is_set_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="LEDGER_ALERT_"):
        read_settings(environ)
