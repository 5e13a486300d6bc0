"""What `ledger ask` does: asks the platform, and prints what came of it."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from time import sleep
from typing import Any

import click

from ledger.application import Ledger
from ledger.asking.asker import OPERATOR, Asker
from ledger.asking.candidates import Candidate, recent_candidates
from ledger.asking.exchanges import Exchange
from ledger.cli.access_notes import Read, note_reads
from ledger.cli.invocation import only_shop, open_ledger
from ledger.cli.output import echo_json_lines, echo_table
from ledger.errors import SettingsError
from ledger.instants import utc_now, write_public_instant
from ledger.ipn.asking_access import AskingAccess
from ledger.ipn.modes import Mode
from ledger.ipn.platform_answers import Question, Service

_COLUMNS = ("service", "subject", "outcome", "reason", "positions")
_DUE_COLUMNS = ("due_at", "service", "subject", "cause")


def ask_platform(
    *,
    shop_id: str | None,
    mode: str,
    order_id: str | None,
    uuid: str | None,
    recent: int | None,
    questions_max: int,
    is_again: bool,
    as_json: bool,
) -> int:
    """Ask, and print a line for each question; return the exit code. Errors: LedgerError."""
    with closing(open_ledger(needs_shops=True)) as ledger:
        access = _access(ledger, shop_id, mode)
        asker = Asker(ledger)
        service = Service.ORDER if order_id else Service.TRANSACTION
        if subject := order_id or uuid:
            question = Question(access.shop_id, access.mode, service, subject)
            note_reads(ledger, Read("question", subject, access.shop_id, Mode(mode).public))
            exchanges = [asker.ask(access, question, cause=OPERATOR, is_again=is_again)]
        else:
            exchanges = list(_ask_due(ledger, asker, access, recent, questions_max))
    lines = list(map(_line, exchanges))
    if as_json:
        echo_json_lines(lines)
    else:
        echo_table(_COLUMNS, [[line[name] for name in _COLUMNS] for line in lines])
    return 0 if all(exchange.is_answered for exchange in exchanges) else 1


def show_due(*, shop_id: str | None, mode: str, recent: int | None, as_json: bool) -> None:
    """Print what would be asked, and when. Errors: LedgerError."""
    with closing(open_ledger(needs_shops=True)) as ledger:
        access = _access(ledger, shop_id, mode)
        due = Asker(ledger).due(access, _recent(ledger, access, recent))
    lines = [
        {
            "due_at": None if each.at is None else write_public_instant(each.at),
            "service": each.candidate.question.service.value,
            "subject": each.candidate.question.subject,
            "cause": each.candidate.cause,
        }
        for each in due
    ]
    if as_json:
        echo_json_lines(lines)
    else:
        echo_table(
            _DUE_COLUMNS, [[line[name] or "unsettled" for name in _DUE_COLUMNS] for line in lines]
        )


def _access(ledger: Ledger, shop_id: str | None, mode: str) -> AskingAccess:
    shop_id = shop_id or only_shop(ledger)
    access = ledger.shops.asking(shop_id, Mode(mode).value)
    if access is None:
        raise SettingsError(
            f"the shops file does not allow to ask about shop {shop_id} in {Mode(mode).value}: add"
            ' [[shops.asking]] with mode, host (as "api.payzen.eu") and the password of the REST'
            " API, which docs/reconciliation.md explains"
        )
    return access


def _recent(ledger: Ledger, access: AskingAccess, days: int | None) -> Sequence[Candidate]:
    if days is None:
        return ()
    return list(recent_candidates(ledger, access.shop_id, access.mode, days, utc_now()))


def _ask_due(
    ledger: Ledger, asker: Asker, access: AskingAccess, recent: int | None, questions_max: int
) -> Iterator[Exchange]:
    for number in range(questions_max):
        if number:
            _wait_until(asker.permission(access).at)
        exchange = asker.ask_due(access, _recent(ledger, access, recent))
        if exchange is None:
            return
        yield exchange


def _wait_until(at: datetime) -> None:
    seconds = (at - utc_now()).total_seconds()
    if 0 < seconds <= 2 * 3600:
        click.echo(f"waiting {seconds:.0f} seconds", err=True)
        sleep(seconds)


def _line(exchange: Exchange) -> dict[str, Any]:
    question, answer = exchange.question.question, exchange.answer
    return {
        "id": exchange.question.id,
        "service": question.service.value,
        "subject": question.subject,
        "outcome": None if answer is None else answer.outcome,
        "reason": None if answer is None else answer.reason,
        "positions": [] if answer is None else list(answer.positions),
    }
