"""Sends an alert by mail and as a signed webhook; nothing of it is about a person."""

import hashlib
import http.client
import json
import smtplib
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from ledger.instants import write_public_instant
from ledger.operations.standard_webhooks import Receiver
from ledger.settings import Settings

SECONDS_MAX = 10.0
MAIL, WEBHOOK = "mail", "webhook"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Alert:
    """One message. Shape: `id` is the same however often it is tried."""

    id: str
    kind: str
    name: str
    news: str
    message: str
    began_at: datetime
    at: datetime


Channels = Mapping[str, Callable[[Alert], None]]
"""Channel -> what sends an alert there. Errors: OSError, HTTPException, SMTPException."""

FAILURES = (OSError, http.client.HTTPException, smtplib.SMTPException, ValueError)
"""What may go wrong on the way; the names of hosts can be no names at all (ValueError)."""


def channels_of(settings: Settings) -> Channels:
    """Return the channels that are set up."""
    channels: dict[str, Callable[[Alert], None]] = {}
    if settings.alert_mail_to and settings.alert_smtp_url:
        channels[MAIL] = lambda alert: send_mail(settings, alert)
    if settings.alert_webhook_url:
        channels[WEBHOOK] = lambda alert: send_webhook(settings, alert)
    return channels


def alert_id(name: str, news: str, *instants: datetime) -> str:
    """Return the id of a message about a condition, made of what it says."""
    text = "\n".join((name, news, *map(write_public_instant, instants)))
    return f"msg_{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def send_webhook(settings: Settings, alert: Alert) -> None:
    """Post an alert as JSON; no redirect is followed. Errors: OSError, HTTPException."""
    body = json.dumps(
        {
            "type": f"alert.{alert.news}",
            "timestamp": write_public_instant(alert.at),
            "data": {
                "kind": alert.kind,
                "name": alert.name,
                "message": alert.message,
                "began_at": write_public_instant(alert.began_at),
            },
        }
    ).encode()
    secrets = (settings.alert_webhook_secret,)
    receiver = Receiver(settings.alert_webhook_url, secrets, seconds_max=SECONDS_MAX)
    with closing(receiver):
        answer = receiver.post(alert.id, alert.at, body)
    if not answer.is_success:
        raise http.client.HTTPException(f"answered {answer.status}")


def send_mail(settings: Settings, alert: Alert) -> None:
    """Hand an alert to the mail server; only on this very machine without TLS.

    Errors: OSError, SMTPException.
    """
    url = urlsplit(settings.alert_smtp_url)
    host, user = url.hostname or "", unquote(url.username or "")
    tls = ssl.create_default_context()
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, url.port or 465, timeout=SECONDS_MAX, context=tls
        )
    else:
        server = smtplib.SMTP(host, url.port or 25, timeout=SECONDS_MAX)
    with server:
        if url.scheme == "smtp" and host not in _LOOPBACK:
            server.starttls(context=tls)
        if user:
            server.login(user, unquote(url.password or ""))
        server.send_message(_mail(alert, user, settings.alert_mail_to))


def _mail(alert: Alert, user: str, recipients: tuple[str, ...]) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = f"[IPN Ledger] {alert.news}: {alert.name}"
    mail["From"] = user if "@" in user else recipients[0]
    mail["To"] = ", ".join(recipients)
    mail["Message-ID"] = f"<{alert.id}@ipn-ledger.invalid>"
    mail["Date"] = alert.at
    began_at = write_public_instant(alert.began_at)
    mail.set_content(f"{alert.message}\n\n{alert.news}; it began {began_at}.\n")
    return mail
