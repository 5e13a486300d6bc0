"""When a question is due, when a shop may be asked again, and when it must not be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.asking.exchanges import Exchange
from ledger.ipn.asking_access import AskingAccess
from ledger.ipn.platform_answers import WRONG_CREDENTIALS
from ledger.storage.answers import AnswerOutcome

ASKED_AFTER = (
    timedelta(minutes=75),  # after the platform's last try to call
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=3),
    timedelta(days=7),
)
"""How long after it should have been told one thing is asked about; then it stays unsettled."""

DAY = timedelta(days=1)
PAUSE_MAX = timedelta(hours=6)
NOT_OPEN = "PSP_100"
STOPPING = frozenset({WRONG_CREDENTIALS, NOT_OPEN})
"""Codes after which a shop is not asked again until its password changes."""

_PAUSES = (AnswerOutcome.FAILED, AnswerOutcome.REFUSED)


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether a shop and mode may be asked. Shape: `stopped_by` is the code that stopped it;
    `at` is the next instant at which it may be asked."""

    at: datetime
    stopped_by: str | None = None


def due_at(since: datetime, asked_at: Sequence[datetime]) -> datetime | None:
    """Return when something is asked about next; None once it stays unsettled.

    Shape: `since` is when it should have been told; `asked_at` are the questions about it that were
    answered, oldest first.
    """
    number = len(asked_at)
    if number == len(ASKED_AFTER):
        return None
    if number == 0:
        return since + ASKED_AFTER[0]
    return asked_at[-1] + ASKED_AFTER[number] - ASKED_AFTER[number - 1]


def permission(access: AskingAccess, exchanges: Sequence[Exchange], now: datetime) -> Permission:
    """Return whether a shop and mode may be asked, after its newest exchanges, newest first."""
    if not exchanges:
        return Permission(now)
    newest = exchanges[0]
    is_same_password = newest.question.key_fingerprint == access.fingerprint
    code = newest.answer.reason if newest.answer is not None else None
    if is_same_password and code in STOPPING:
        return Permission(datetime.max.replace(tzinfo=now.tzinfo), code)
    at = newest.question.asked_at + timedelta(seconds=access.seconds_between)
    if failures := _failures(exchanges):
        at = max(at, newest.question.asked_at + _pause(failures, newest))
    of_day = [each.question.asked_at for each in exchanges if each.question.asked_at > now - DAY]
    if len(of_day) >= access.requests_a_day:
        at = max(at, of_day[access.requests_a_day - 1] + DAY)
    return Permission(at)


def _failures(exchanges: Sequence[Exchange]) -> int:
    """Return how many of the newest exchanges came to nothing."""
    for number, each in enumerate(exchanges):
        if each.answer is not None and each.answer.outcome not in _PAUSES:
            return number
    return len(exchanges)


def _pause(failures: int, exchange: Exchange) -> timedelta:
    """Return how long to wait: twice as long each time, and a little more, which differs."""
    pause = min(timedelta(minutes=1 << min(failures, 12)), PAUSE_MAX)
    spread = int.from_bytes(exchange.question.id[-2:].encode()) % 100 / 400
    return pause * (1 + spread)
