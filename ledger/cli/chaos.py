"""`ledger simulate --chaos`: send a bad day of the platform, and check that the ledger stood it."""

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ledger.cli.output import counted, echo_header, echo_row, echo_table
from ledger.errors import SettingsError
from ledger.ipn.shops_and_keys import Shops
from ledger.simulator.api_client import ApiClient
from ledger.simulator.chaos import Chaos, KeyRotation
from ledger.simulator.chaos_attempts import AnsweredAttempt
from ledger.simulator.ledger_checker import Checker, Discrepancy
from ledger.simulator.signed_calls import ALTERNATE, signing_keys, synthetic_platform
from ledger.simulator.stories import Story
from ledger.simulator.story_player import address, play_chaos_attempts, playable_stories
from ledger.simulator.undelivered_calls import Losses

TOKEN_VARIABLE = "LEDGER_TOKEN"  # noqa: S105  its name

_COLUMNS = ("number", "story", "step", "format", "reason", "fate", "status", "answer")
_WIDTHS = (6, 32, 30, 6, 14, 10, 6, 0)
_DISCREPANCY_COLUMNS = ("discrepancy", "subject", "explanation")


@dataclass(frozen=True, slots=True)
class Run:
    """The options of one run of `ledger simulate`."""

    url: str
    shops: Shops
    shop_id: str
    mode: str
    seed: int
    stories: Sequence[Story] | None
    count: int | None
    rate: float | None
    format_choice: str
    connections: int
    is_strict: bool
    as_json: bool
    losses: Losses
    journals_folder: Path | None

    @property
    def head(self) -> Mapping[str, Any]:
        return {"seed": self.seed, "shop_id": self.shop_id, "mode": self.mode}


def play_chaos(run: Run, *, is_check: bool, token_file: Path | None) -> int:
    """Send a bad day, then compare; return the exit code.

    Errors: SettingsError, NoServiceError, ApiAnswerError.
    """
    checker = _checker(run, token_file) if is_check else None
    path = address(run.shop_id, run.mode, is_strict=run.is_strict)
    answered_attempts = []
    if not run.as_json:
        echo_header(_COLUMNS, _WIDTHS)
    for answered in play_chaos_attempts(
        run.url, path, _chaos(run), rate=run.rate, connections=run.connections
    ):
        answered_attempts.append(answered)
        if not run.as_json:
            echo_row(_words(answered), _WIDTHS)
    discrepancies = checker.discrepancies(answered_attempts) if checker else []
    acknowledged = sum(answered.answer.is_acknowledged for answered in answered_attempts)
    if run.as_json:
        document = _document(run, answered_attempts, discrepancies, acknowledged)
        click.echo(json.dumps(document, ensure_ascii=False))
    else:
        echo_table(_DISCREPANCY_COLUMNS, discrepancies)
    attempts = [answered.attempt for answered in answered_attempts]
    kinds = Counter(str(kind) for attempt in attempts for kind in (attempt.reason, attempt.fate))
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    differing = counted(len(discrepancies), "discrepancy", "discrepancies")
    checked = f", {differing}" if checker else ""
    deliveries = counted(len(attempts), "delivery", "deliveries")
    summary = f"{deliveries}: {acknowledged} acknowledged; {counts}{checked}"
    click.echo(summary, err=True)
    return 1 if discrepancies else 0


def _checker(run: Run, token_file: Path | None) -> Checker:
    token = token_file.read_text(encoding="utf-8") if token_file else os.environ.get(TOKEN_VARIABLE)
    if not token or not token.strip():
        raise SettingsError(f"--check needs a token: {TOKEN_VARIABLE} or --token-file")
    return Checker.starting_now(ApiClient(run.url, token.strip()).get, run.shop_id, run.mode)


def _chaos(run: Run) -> Chaos:
    platform = synthetic_platform(run.shops, run.shop_id, run.mode)
    keys = KeyRotation.of(signing_keys(run.shops, run.shop_id, run.mode))
    if not keys.changes_a_key:
        click.echo("one key of each kind: no rotation is played", err=True)
    stories = list(run.stories or playable_stories(platform, ALTERNATE))
    lives = run.count or len(stories)
    return Chaos(platform, keys, stories, seed=run.seed, lives=lives)


def _words(answered: AnsweredAttempt) -> tuple[object, ...]:
    attempt, signed_call = answered.attempt, answered.attempt.signed_call
    return (
        attempt.number,
        signed_call.story,
        signed_call.call.step,
        signed_call.format,
        attempt.reason,
        attempt.fate,
        answered.answer.status or "---",
        answered.answer.line,
    )


def _document(
    run: Run,
    answered_attempts: Sequence[AnsweredAttempt],
    discrepancies: Sequence[Discrepancy],
    acknowledged: int,
) -> Mapping[str, Any]:
    return {
        **run.head,
        "deliveries": list(map(_delivery, answered_attempts)),
        "discrepancies": [
            dict(zip(("word", "subject", "told"), discrepancy, strict=True))
            for discrepancy in discrepancies
        ],
        "summary": {
            "deliveries": len(answered_attempts),
            "acknowledged": acknowledged,
            "discrepancies": len(discrepancies),
        },
    }


def _delivery(answered: AnsweredAttempt) -> Mapping[str, Any]:
    attempt, signed_call = answered.attempt, answered.attempt.signed_call
    return {
        "number": attempt.number,
        "story": signed_call.story,
        "life": signed_call.life_number,
        "step": signed_call.call.step,
        "source": signed_call.call.source,
        "format": signed_call.format,
        "why": attempt.reason,
        "fate": attempt.fate,
        "digest": attempt.digest,
        "status": answered.answer.status,
        "answer": answered.answer.line,
    }
