"""`ledger simulate`: send signed notifications of every kind to a running service."""

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
from ledger.errors import LedgerError, SettingsError
from ledger.ipn.modes import MODES
from ledger.ipn.shops_and_keys import REST_BROWSER, Shops, read_shops
from ledger.settings import read_settings
from ledger.simulator.expected_objects import expected
from ledger.simulator.signed_calls import ALTERNATE, FORMATS
from ledger.simulator.stories import STORIES
from ledger.simulator.story_player import AnsweredCall, play


@click.command()
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The service.")
@click.option("--story", "names", multiple=True, metavar="NAME", help="Repeatable; default all.")
@click.option("--list", "is_list", is_flag=True, help="List the stories and stop.")
@click.option("--count", type=click.IntRange(min=1), help="Lives; default each story once.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Messages per second.")
@click.option("--seed", type=int, help="Repeats a run exactly; default random, and printed.")
@click.option(
    "--format", "format_choice", type=click.Choice(FORMATS), default=ALTERNATE, show_default=True
)
@click.option("--shop", "shop_id", help="Default: the first with keys of the mode.")
@click.option("--mode", type=click.Choice(MODES, case_sensitive=False), default="TEST")
@click.option("--connections", type=click.IntRange(1, 64), default=1, help="At the same time.")
@click.option("--strict", "is_strict", is_flag=True, help="Send to /ipn/{shop}/{mode}.")
@click.option("--chaos", "is_chaos", is_flag=True, help="Everything goes wrong that can.")
@click.option("--check", "is_check", is_flag=True, help="With --chaos: compare the ledger after.")
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --check: holds a token of the query API; default the variable LEDGER_TOKEN.",
)
@click.option("--json", "is_json", is_flag=True, help="One JSON document, with what to expect.")
@click.pass_context
def simulate(ctx: click.Context, /, **options: Any) -> None:
    """Play stories: signed notifications of synthetic payments, sent to a running service.

    Prints a line per message: story, step, source, format, answer. Exits 1 when a message was
    not answered 200, 2 when a setting is wrong. PRODUCTION only when --mode asks for it.

    With --chaos payments are sent in both formats; calls are lost, cut, late, doubled, in parallel
    and retried as the platform does, some signed with a key that the ledger does not have. A
    line per delivery; with --check a line per discrepancy follows, and exit 1 says that there
    is one.
    """
    is_chaos, format_choice = options.pop("is_chaos"), options["format_choice"]
    chaos_options = {name: options.pop(name) for name in ("is_check", "token_file")}
    if any(chaos_options.values()) and not is_chaos:
        raise click.UsageError("--check and --token-file need --chaos")
    if is_chaos and format_choice != ALTERNATE:
        raise click.UsageError("--chaos sends every payment in both formats")
    try:
        if options.pop("is_list"):
            ctx.exit(_list(options["is_json"]))
        run = _run(**options)
        ctx.exit(play_chaos(run, **chaos_options) if is_chaos else _simulate(run))
    except LedgerError as error:
        click.echo(f"Error: {error}", err=True)
        ctx.exit(2 if isinstance(error, SettingsError) else 1)


def _list(is_json: bool) -> int:
    if is_json:
        names = ("name", "meaning", "ends", "formats", "form_only")
        rows = [{name: getattr(story, name) for name in names} for story in STORIES.values()]
        click.echo(json.dumps({"stories": rows}, ensure_ascii=False))
    else:
        for story in STORIES.values():
            click.echo(f"{story.name:<38} {story.meaning}")
    return 0


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
    if run.is_json:
        return _print_json(answered_calls, run.head)
    return _print_lines(answered_calls)


def _first_shop(shops: Shops, mode: str) -> str:
    for shop in shops.shop_by_id.values():
        if any(key.mode == mode and key.kind != REST_BROWSER for key in shop.keys):
            return shop.id
    raise SettingsError(f"no shop of the shops file has a key of the mode {mode}")


def _print_lines(answered_calls: Iterable[AnsweredCall]) -> int:
    statuses = []
    for answered in answered_calls:
        signed_call, answer = answered.signed_call, answered.answer
        statuses.append(answer.status)
        click.echo(
            f"{signed_call.story:<38} {signed_call.call.step:<30} {signed_call.call.source:<13} "
            f"{signed_call.format:<4} {answer.status or '---'} {answer.line}"
        )
    failed = sum(status != 200 for status in statuses)
    click.echo(f"{len(statuses)} messages, {failed} not acknowledged", err=True)
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
