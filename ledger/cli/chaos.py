"""`ledger simulate --chaos`: a bad day of the platform, and whether the ledger stood it."""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ledger.errors import SettingsError
from ledger.shops import Shops
from ledger.simulator.asking import Asking
from ledger.simulator.chaos import Chaos, Rotation, Sent
from ledger.simulator.checking import Checker, Discrepancy
from ledger.simulator.playing import address, endure, tellable
from ledger.simulator.stories import Story
from ledger.simulator.telling import ALTERNATE, signing_keys, teller

TOKEN_VARIABLE = "LEDGER_TOKEN"  # noqa: S105  its name


@dataclass(frozen=True, slots=True)
class Run:
    """What `ledger simulate` was asked to do."""

    url: str
    shops: Shops
    shop_id: str
    mode: str
    seed: int
    stories: Sequence[Story] | None
    count: int | None
    rate: float | None
    wanted: str
    connections: int
    is_strict: bool
    is_json: bool

    @property
    def head(self) -> Mapping[str, Any]:
        return {"seed": self.seed, "shop_id": self.shop_id, "mode": self.mode}


def play_chaos(run: Run, *, is_check: bool, token_file: Path | None) -> int:
    """Send a bad day, then compare. Errors: SettingsError, NoServiceError, AskingError."""
    checker = _checker(run, token_file) if is_check else None
    path = address(run.shop_id, run.mode, is_strict=run.is_strict)
    told = endure(run.url, path, _chaos(run), rate=run.rate, connections=run.connections)
    sent = list(_tell(run, told))
    found = checker.discrepancies(sent) if checker else []
    if run.is_json:
        click.echo(json.dumps(_document(run, sent, found), ensure_ascii=False))
    for one in [] if run.is_json else found:
        click.echo("\t".join(one))
    checked = f", {len(found)} discrepancies" if checker else ""
    click.echo(f"{len(sent)} deliveries: {_counted(sent)}{checked}", err=True)
    return 1 if found else 0


def _checker(run: Run, token_file: Path | None) -> Checker:
    told = os.environ.get(TOKEN_VARIABLE, "")
    token = token_file.read_text(encoding="utf-8").strip() if token_file else told.strip()
    if not token:
        raise SettingsError(f"--check needs a token: {TOKEN_VARIABLE} or --token-file")
    return Checker.starting_now(Asking(run.url, token).get, run.shop_id, run.mode)


def _chaos(run: Run) -> Chaos:
    told_by = teller(run.shops, run.shop_id, run.mode)
    keys = Rotation.of(signing_keys(run.shops, run.shop_id, run.mode))
    if not keys.is_one:
        click.echo("one key of each kind: no rotation is played", err=True)
    stories = list(run.stories or tellable(told_by, ALTERNATE))
    lives = run.count or len(stories)
    return Chaos(told_by, keys, stories, seed=run.seed, lives=lives)


def _tell(run: Run, sent: Iterator[Sent]) -> Iterator[Sent]:
    for one in sent:
        if not run.is_json:
            attempt, call = one.attempt, one.attempt.telling.call
            click.echo(
                f"{attempt.number:<6} {attempt.telling.story:<32} {call.step:<30} "
                f"{attempt.telling.format:<4} {attempt.why:<14} {attempt.fate:<10} "
                f"{one.answer.status or '---'} {one.answer.line}"
            )
        yield one


def _counted(sent: Sequence[Sent]) -> str:
    taken = sum(one.answer.is_acknowledged for one in sent)
    kinds = Counter(str(kind) for one in sent for kind in (one.attempt.why, one.attempt.fate))
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    return f"{taken} acknowledged; {told}"


def _document(run: Run, sent: Sequence[Sent], found: Sequence[Discrepancy]) -> Mapping[str, Any]:
    return {
        **run.head,
        "deliveries": [_delivery(one) for one in sent],
        "discrepancies": [one._asdict() for one in found],
        "summary": {
            "deliveries": len(sent),
            "acknowledged": sum(one.answer.is_acknowledged for one in sent),
            "discrepancies": len(found),
        },
    }


def _delivery(one: Sent) -> Mapping[str, Any]:
    attempt = one.attempt
    return {
        "number": attempt.number,
        "story": attempt.telling.story,
        "life": attempt.telling.life,
        "step": attempt.telling.call.step,
        "source": attempt.telling.call.source,
        "format": attempt.telling.format,
        "why": attempt.why,
        "fate": attempt.fate,
        "digest": attempt.digest,
        "status": one.answer.status,
        "answer": one.answer.line,
    }
