"""What `ledger simulate` does: send signed notifications of every kind to a running service."""

import json
import os
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from ledger.simulator.journal_layout import JournalShop
from ledger.simulator.journals import NOT_IN_TEST, TRUTH_FILE, journals
from ledger.simulator.signed_calls import SignedCall
from ledger.simulator.stories import STORIES
from ledger.simulator.story_player import AnsweredCall, play
from ledger.simulator.undelivered_calls import Losses

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
    *,
    names: Sequence[str],
    shop_id: str | None,
    mode: str,
    seed: int | None,
    lost_share: float,
    rules_off: Sequence[str],
    **options: Any,
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
    losses = Losses(seed, lost_share, frozenset(rules_off))
    _make_folder(options["journals_folder"])
    return Run(
        shops=shops,
        shop_id=shop_id,
        mode=mode,
        seed=seed,
        stories=stories,
        losses=losses,
        **options,
    )


def _make_folder(folder: Path | None) -> None:
    """Make the folder of the journals before anything is sent."""
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be made: {error.strerror}") from error


def _simulate(run: Run) -> int:
    played_calls: list[tuple[SignedCall, bool]] = []
    answered_calls = (
        _remembered(_played(run), played_calls) if run.journals_folder else _played(run)
    )
    is_failed = (
        _print_json(answered_calls, run.head) if run.as_json else _print_lines(answered_calls)
    )
    if run.journals_folder is not None:
        _write_journals(run, run.journals_folder, played_calls)
    return 1 if is_failed else 0


def _played(run: Run) -> Iterator[AnsweredCall]:
    return play(
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
        losses=run.losses,
    )


def _remembered(
    answered_calls: Iterable[AnsweredCall], played_calls: list[tuple[SignedCall, bool]]
) -> Iterator[AnsweredCall]:
    for answered in answered_calls:
        played_calls.append((answered.signed_call, not answered.answer.is_acknowledged))
        yield answered


def _write_journals(
    run: Run, folder: Path, played_calls: Sequence[tuple[SignedCall, bool]]
) -> None:
    shop = JournalShop(run.shop_id, run.shops.shop_by_id[run.shop_id].name, run.mode)
    written = journals(shop, played_calls)
    written.write(folder)
    if shop.is_test:
        click.echo(f"in TEST the platform makes no {' and no '.join(NOT_IN_TEST)}", err=True)
    click.echo(f"{counted(len(written.files), 'journal')} and {TRUTH_FILE} in {folder}", err=True)


def _first_shop(shops: Shops, mode: str) -> str:
    for shop in shops.shop_by_id.values():
        if any(key.mode == mode and key.kind != REST_BROWSER for key in shop.keys):
            return shop.id
    raise SettingsError(f"no shop of the shops file has a key of the mode {mode}")


def _print_lines(answered_calls: Iterable[AnsweredCall]) -> bool:
    """Print a line for each call; return True if one was sent and not acknowledged."""
    obstacles, failures = [], []
    echo_header(_COLUMNS, _WIDTHS)
    for answered in answered_calls:
        signed_call, answer = answered.signed_call, answered.answer
        obstacles.append(answered.obstacle)
        failures.append(answered.is_failure)
        call, status = signed_call.call, answer.status or "---"
        words = (signed_call.story, call.step, call.source, signed_call.format, status, answer.line)
        echo_row(words, _WIDTHS)
    counts = Counter(obstacles)
    sent = counted(counts.pop(None, 0), "notification")
    not_sent = "".join(f", {count} {obstacle}" for obstacle, count in sorted(counts.items()))
    click.echo(f"{sent}, {sum(failures)} not acknowledged{not_sent}", err=True)
    return any(failures)


def _print_json(answered_calls: Iterable[AnsweredCall], head: Mapping[str, Any]) -> bool:
    by_life = groupby(answered_calls, lambda answered: answered.signed_call.life_number)
    lives = [list(calls_of_life) for _, calls_of_life in by_life]
    everything = [answered for life in lives for answered in life]
    failed = sum(answered.is_failure for answered in everything)
    summary = {
        "lives": len(lives),
        "messages": len(everything),
        "not_acknowledged": failed,
        "not_sent": sum(answered.obstacle is not None for answered in everything),
    }
    document = {**head, "lives": [_life(life) for life in lives], "summary": summary}
    click.echo(json.dumps(document, ensure_ascii=False))
    return failed > 0


def _life(answered_calls: Sequence[AnsweredCall]) -> dict[str, Any]:
    first = answered_calls[0].signed_call
    sent = [answered.signed_call for answered in answered_calls if answered.obstacle is None]
    return {
        "story": first.story,
        "number": first.life_number,
        "messages": [_message(answered) for answered in answered_calls],
        "expected": [asdict(expected_object) for expected_object in expected(sent)],
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
