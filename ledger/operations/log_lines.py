"""Every line that the log may hold: its event, what it means, and the fields beside it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
NUMBER: Schema = {"type": "number"}
INTEGER: Schema = {"type": "integer"}
INTEGER_OR_NULL: Schema = {"type": ["integer", "null"]}
TEXTS: Schema = {"type": "array", "items": {"type": "string"}}

LEVELS = ("debug", "info", "warning", "error", "critical")
OF_EVERY_LINE: Mapping[str, Schema] = {
    "event": TEXT,
    "level": {"enum": LEVELS},
    "timestamp": {"type": "string", "format": "date-time"},
}
OF_AN_EXCEPTION: Mapping[str, Schema] = {"error": TEXT, "where": TEXTS}
"""The types of an exception and its causes, and the places it came from; never its message."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """What one event of the log means, and the fields that it has beside those of every line."""

    meaning: str
    always: Mapping[str, Schema] = field(default_factory=dict)
    sometimes: Mapping[str, Schema] = field(default_factory=dict)
    unnamed: Schema | None = None
    """Of fields whose names are not known before."""


_ASKED: Mapping[str, Schema] = {"shop_id": TEXT, "mode": TEXT}
_PERSON: Mapping[str, Schema] = {"peer": TEXT, "user": TEXT}

LINES: Mapping[str, LogLine] = {
    "received": LogLine(
        "a call of the platform was stored",
        {"id": TEXT, "format": TEXT_OR_NULL, "shop_id": TEXT_OR_NULL, "mode": TEXT_OR_NULL}
        | {"outcome": TEXT, "reason": TEXT_OR_NULL, "bytes": INTEGER, "duration_ms": NUMBER}
        | {"peer": TEXT, "request_id": TEXT},
    ),
    "rejected": LogLine(
        "a call of the receiver was answered without storing anything",
        {"status": INTEGER, "reason": TEXT, "method": TEXT, "peer": TEXT, "request_id": TEXT},
    ),
    "address.wrong": LogLine(
        "a call came to an address of no shop; it was kept in quarantine",
        {"path": TEXT, "request_id": TEXT},
    ),
    "answered": LogLine(
        "a request of the API or a page was answered; at level debug for what is asked all day",
        {"method": TEXT, "route": TEXT_OR_NULL, "status": INTEGER, "reader_id": TEXT_OR_NULL}
        | {"shop_id": TEXT_OR_NULL, "mode": TEXT_OR_NULL, "request_id": TEXT}
        | {"bytes": INTEGER_OR_NULL, "duration_ms": NUMBER},
        {"path": TEXT},
    ),
    "refused": LogLine(
        "a request could not be answered, for a reason that is known",
        {"code": TEXT, "status": INTEGER, "request_id": TEXT},
        OF_AN_EXCEPTION,
    ),
    "failed": LogLine(
        "a request could not be answered, and the fault is ours",
        {"method": TEXT, "route": TEXT_OR_NULL, "request_id": TEXT},
        OF_AN_EXCEPTION,
    ),
    "stumbled": LogLine(
        "a verified call could not be understood or decided; it is kept as undecided",
        {"id": TEXT, "outcome": TEXT, "error": TEXT, "at": TEXT},
    ),
    "group_commit.divided": LogLine(
        "calls that shared a commit are committed one by one, since one of them failed",
        {"size": INTEGER, "error": TEXT},
    ),
    "quarantine.evicted": LogLine(
        "a call left the quarantine for room", {"notification_id": TEXT, "reason": TEXT}
    ),
    "quarantine.readmitted": LogLine(
        "somebody had calls tried again; the numbers are by outcome",
        {"user": TEXT, "asked": INTEGER},
        unnamed=INTEGER,
    ),
    "serving": LogLine(
        "a service begins to serve",
        {"url": TEXT, "database": TEXT, "shops": TEXTS, "addresses": TEXTS, "pages": TEXT}
        | {"warnings": TEXTS},
    ),
    "serving.read_only": LogLine(
        "the database can only be read, so that people are served and nothing is received",
        {"database": TEXT, "reason": TEXT},
    ),
    "serving.impossible": LogLine(
        "a worker process cannot serve, and ends", {"code": TEXT, "reason": TEXT}
    ),
    "tables.newer": LogLine(
        "a newer version has migrated the tables, and lets this one serve until it is replaced",
        {"revision": TEXT, "meaning": TEXT},
    ),
    "not_ready": LogLine("/readyz says no", {"state": TEXT, "reason": TEXT}),
    "keys.made": LogLine("keys were made where there were none", {"keys": TEXT}),
    "keys.weak": LogLine("keys are easier to guess than they should be", {"keys": TEXTS}),
    "shops_file.not_read": LogLine(
        "the shops file has a fault, and the service goes on with the one before",
        {"subject": TEXT, "reason": TEXT},
    ),
    "proxy.not_trusted": LogLine(
        "a proxy says who called, and nobody said that it is believed", {"peer": TEXT, "mend": TEXT}
    ),
    "client.not_reading": LogLine(
        "a client took nothing of its answer for long, and its connection was ended", {"path": TEXT}
    ),
    "client.cannot_be_ended": LogLine("this system ends no connection that nobody reads from"),
    "view.stale": LogLine(
        "a read model was made by other code", {"read_model": TEXT, "mend": TEXT}
    ),
    "view.not_followed": LogLine(
        "a read model could not be brought further; it is tried again",
        {"view": TEXT, "error": TEXT},
    ),
    "followers.interrupted": LogLine(
        "no read model could be brought further; it is tried again", {"error": TEXT}
    ),
    "followers.waiting": LogLine("read models cannot be written here", {"reason": TEXT}),
    "log.waiting": LogLine("the signed log cannot be written here", {"reason": TEXT}),
    "log.stopped": LogLine(
        "the signed log is not what was signed: nothing is added any more",
        {"code": TEXT, "reason": TEXT},
    ),
    "log.interrupted": LogLine(
        "nothing could be added to the signed log; it is tried again", {"error": TEXT}
    ),
    "log.not_signed": LogLine("no checkpoint could be signed", {"code": TEXT, "reason": TEXT}),
    "log.not_stamped": LogLine("no checkpoint could be stamped", {"code": TEXT, "reason": TEXT}),
    "asking.answered": LogLine(
        "the platform answered a question",
        {**_ASKED, "service": TEXT, "outcome": TEXT}
        | {"reason": TEXT_OR_NULL, "notification": TEXT_OR_NULL},
    ),
    "asking.failed": LogLine(
        "a question to the platform was refused", {**_ASKED, "code": TEXT, "reason": TEXT}
    ),
    "asking.waiting": LogLine("answers cannot be written here", {**_ASKED, "reason": TEXT}),
    "asking.interrupted": LogLine(
        "nothing could be asked; it is tried again", {**_ASKED, "error": TEXT}
    ),
    "alerts.told": LogLine(
        "operators were told that a condition began, lasts or ended",
        {"name": TEXT, "news": TEXT, "channels": TEXTS},
    ),
    "alerts.failed": LogLine(
        "an alert could not be sent by one of its ways", {"channel": TEXT, "error": TEXT}
    ),
    "alerts.unknown": LogLine(
        "a condition could not be looked at; it stands as it was", {"kind": TEXT, "error": TEXT}
    ),
    "alerts.interrupted": LogLine(
        "no condition could be looked at; it is tried again", {"error": TEXT}
    ),
    "publishing.reached": LogLine(
        "events were published up to this position", {"destination": TEXT, "position": INTEGER}
    ),
    "publishing.failed": LogLine(
        "a destination took nothing; it is tried again", {"destination": TEXT, "reason": TEXT}
    ),
    "publishing.disabled": LogLine(
        "a destination is given nothing more until an operator enables it",
        {"destination": TEXT, "reason": TEXT},
    ),
    "sign_in.accepted": LogLine("somebody signed in", _PERSON),
    "sign_in.refused": LogLine(
        "somebody could not sign in",
        {"peer": TEXT, "user": TEXT_OR_NULL},
        {"way": TEXT, "reason": TEXT},
    ),
    "sign_in.code_refused": LogLine("the code of a second factor was wrong", _PERSON),
    "password.changed": LogLine("somebody has another password", {"user": TEXT}),
    "second_factor.set_up": LogLine("somebody has a second factor", _PERSON),
    "recovery_codes.renewed": LogLine("somebody has other recovery codes", _PERSON),
}
"""By event. A line of a library is none of these: it names its `logger`."""


def schema() -> dict[str, Any]:
    """Return the JSON Schema that every line meets which is written with LEDGER_LOG_FORMAT=json."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of the log of IPN Ledger",
        "oneOf": [*_ours(), _of_libraries()],
    }


def _ours() -> Iterator[dict[str, Any]]:
    for event, line in LINES.items():
        always = {**OF_EVERY_LINE, "event": {"const": event}, **line.always}
        yield {
            "type": "object",
            "description": line.meaning,
            "properties": {**always, **line.sometimes},
            "required": list(always),
            "additionalProperties": line.unnamed or False,
        }


def _of_libraries() -> dict[str, Any]:
    always = {**OF_EVERY_LINE, "logger": TEXT}
    return {
        "type": "object",
        "description": "what a library says, in its own words",
        "properties": {**always, **OF_AN_EXCEPTION},
        "required": list(always),
        "additionalProperties": False,
    }
