"""What `ledger alerts` does: list what operators are told of, and send a message on trial."""

import os
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from ledger.alerting.conditions import CHECK, VERIFY, Condition
from ledger.alerting.runner import send
from ledger.alerting.sending import Alert, alert_id, channels_of
from ledger.alerting.standing import BEGAN, StandingCondition, standing_conditions
from ledger.cli.invocation import open_ledger
from ledger.cli.output import counted, echo_json_lines, echo_table
from ledger.cli.shop_findings import FAULT
from ledger.errors import SettingsError
from ledger.instants import utc_now, write_public_instant
from ledger.queries.event_sentences import clock
from ledger.settings import Settings

_COLUMNS = ("kind", "began at", "ended at", "last sent at", "failures", "message")


def check_faults(now: datetime) -> Iterable[Condition]:
    """Return the faults that `ledger check` finds, as conditions; none names a person."""
    from ledger.cli.check import findings

    for finding in findings(os.environ, now=now):
        if finding.state == FAULT:
            yield Condition(CHECK, f"{CHECK} {finding.subject}", finding.message)


def print_alerts(*, as_json: bool) -> None:
    """Print what is remembered; whether anybody is told goes to stderr."""
    with closing(open_ledger()) as ledger:
        with ledger.database.connect() as connection:
            conditions = standing_conditions(connection)
        channels = ", ".join(channels_of(ledger.settings)) or "nobody: no channel is set up"
    if as_json:
        echo_json_lines(map(_data, conditions))
    else:
        echo_table(_COLUMNS, map(_row, conditions))
    click.echo(f"{counted(len(conditions), 'condition')}; told by {channels}", err=True)


def send_test() -> int:
    """Send a message by every channel; return the exit code. Errors: SettingsError."""
    with closing(open_ledger()) as ledger:
        settings = ledger.settings
    if not channels_of(settings):
        raise SettingsError(
            "no channel is set up: set LEDGER_ALERT_MAIL_TO and LEDGER_ALERT_SMTP_URL, or"
            " LEDGER_ALERT_WEBHOOK_URL and LEDGER_ALERT_WEBHOOK_SECRET"
        )
    outcomes = _send(settings, "test", "This is `ledger alerts test`. Nothing is wrong.")
    for channel, failure in outcomes.items():
        click.echo(f"{channel}: {failure or 'sent'}")
    return 1 if any(outcomes.values()) else 0


def tell_of_faults(settings: Settings, count: int) -> None:
    """Tell an operator that an audit has found faults, if there are any; say when that failed."""
    if count:
        message = f"`ledger verify` found {counted(count, 'fault')}: its output says which"
        for channel, failure in _send(settings, VERIFY, message).items():
            if failure:
                click.echo(f"nobody was told by {channel}: {failure}", err=True)


def _send(settings: Settings, kind: str, message: str) -> dict[str, str | None]:
    now = utc_now()
    alert = Alert(
        id=alert_id(kind, BEGAN, now),
        kind=kind,
        name=kind,
        news=BEGAN,
        message=message,
        began_at=now,
        at=now,
    )
    return send(channels_of(settings), alert)


def _row(remembered: StandingCondition) -> tuple[object, ...]:
    instants = (remembered.began_at, remembered.ended_at, remembered.sent_at)
    shown = ("" if each is None else clock(each) for each in instants)
    return remembered.kind, *shown, remembered.failures, remembered.message


def _data(remembered: StandingCondition) -> dict[str, Any]:
    return {
        name: write_public_instant(value) if isinstance(value, datetime) else value
        for name, value in asdict(remembered).items()
    }
