"""What `ledger simulate` does: send signed notifications of every kind to a running service."""

import json
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from ledger.cli.chaos import Run, play_chaos
from ledger.cli.output import counted, echo_header, echo_row, echo_table, warn
from ledger.errors import SettingsError
from ledger.ipn.shops_and_keys import REST_BROWSER, Shops, read_shops
from ledger.settings import read_settings
from ledger.simulator.expected_objects import expected
from ledger.simulator.stories import STORIES
from ledger.simulator.story_player import AnsweredCall, play

_COLUMNS = ("story", "step", "source", "format", "status", "answer")
_WIDTHS = (38, 30, 13, 6, 6, 0)


def simulate_with(
    *, is_chaos: bool, is_check: bool, token_file: Path | None, **options: Any
) -> int:
    """Play stories with the options of the command; return the exit code. Errors: LedgerError."""
    run = _run(**options)
    if is_chaos:
        return play_chaos(run, is_check=is_check, token_file=token_file)
    return _simulate(run)


def list_stories(*, as_json: bool) -> None:
    """Print every story with its meaning."""
    if as_json:
        names = ("name", "meaning", "ends", "formats", "form_only")
        rows = [{name: getattr(story, name) for name in names} for story in STORIES.values()]
        click.echo(json.dumps({"stories": rows}, ensure_ascii=False))
    else:
        echo_table(("story", "meaning"), ((each.name, each.meaning) for each in STORIES.values()))


def _run(
    *, names: Sequence[str], shop_id: str | None, mode: str, seed: int | None, **options: Any
) -> Run:
    shops_file = read_settings(os.environ).shops_file
    if shops_file is None:
        raise SettingsError("LEDGER_SHOPS_FILE is not set: no key to sign with")
    shops = read_shops(shops_file, os.environ)
    shop_id = shop_id or _first_shop(shops, mode)
    if unknown := [name for name in names if name not in STORIES]:
        raise SettingsError(f"no story named {', '.join(unknown)}: see --list")
    stories = [STORIES[name] for name in names] or None
    seed = secrets.randbelow(10**6) if seed is None else seed
    click.echo(f"seed {seed}, shop {shop_id}, mode {mode}", err=True)
    warn("these synthetic payments stay in the ledger for good")
    return Run(shops=shops, shop_id=shop_id, mode=mode, seed=seed, stories=stories, **options)


def _simulate(run: Run) -> int:
    answered_calls = play(
        run.url,
        run.shops,
        run.shop_id,
        run.mode,
        stories=run.stories,
        seed=run.seed,
        count=run.count,
        rate=run.rate,
        format_choice=run.format_choice,
        connections=run.connections,
        is_strict=run.is_strict,
    )
    if run.as_json:
        return _print_json(answered_calls, run.head)
    return _print_lines(answered_calls)


def _first_shop(shops: Shops, mode: str) -> str:
    for shop in shops.shop_by_id.values():
        if any(key.mode == mode and key.kind != REST_BROWSER for key in shop.keys):
            return shop.id
    raise SettingsError(f"no shop of the shops file has a key of the mode {mode}")


def _print_lines(answered_calls: Iterable[AnsweredCall]) -> int:
    statuses = []
    echo_header(_COLUMNS, _WIDTHS)
    for answered in answered_calls:
        signed_call, answer = answered.signed_call, answered.answer
        statuses.append(answer.status)
        call, status = signed_call.call, answer.status or "---"
        words = (signed_call.story, call.step, call.source, signed_call.format, status, answer.line)
        echo_row(words, _WIDTHS)
    failed = sum(status != 200 for status in statuses)
    sent = counted(len(statuses), "notification")
    click.echo(f"{sent}, {failed} not acknowledged", err=True)
    return 1 if failed else 0


def _print_json(answered_calls: Iterable[AnsweredCall], head: Mapping[str, Any]) -> int:
    by_life = groupby(answered_calls, lambda answered: answered.signed_call.life_number)
    lives = [_life(list(calls_of_life)) for _, calls_of_life in by_life]
    statuses = [message["status"] for life in lives for message in life["messages"]]
    failed = sum(status != 200 for status in statuses)
    summary = {"lives": len(lives), "messages": len(statuses), "not_acknowledged": failed}
    document = {**head, "lives": lives, "summary": summary}
    click.echo(json.dumps(document, ensure_ascii=False))
    return 1 if failed else 0


def _life(answered_calls: Sequence[AnsweredCall]) -> dict[str, Any]:
    signed_calls = [answered.signed_call for answered in answered_calls]
    return {
        "story": signed_calls[0].story,
        "number": signed_calls[0].life_number,
        "messages": [_message(answered) for answered in answered_calls],
        "expected": [asdict(expected_object) for expected_object in expected(signed_calls)],
    }


def _message(answered: AnsweredCall) -> dict[str, Any]:
    return {
        "step": answered.signed_call.call.step,
        "source": answered.signed_call.call.source,
        "format": answered.signed_call.format,
        "status": answered.answer.status,
        "answer": answered.answer.line,
        "seconds": round(answered.answer.seconds, 6),
    }
