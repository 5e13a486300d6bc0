"""`ledger export`: events, transactions or notifications to a file, in little memory."""

import os
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click

from ledger import export as exporting
from ledger.cli.instant import Instant
from ledger.cli.opening import open_ledger
from ledger.cli.progress import Meter
from ledger.export import Export, NotificationFilter
from ledger.lists import EventFilter, TransactionFilter
from ledger.queries.export_formats import FORMATS, PARQUET, write_rows
from ledger.reasons import REASONS
from ledger.rules import RULES
from ledger.vocabulary import EVENT_CLASSES

Command = TypeVar("Command", bound=Callable[..., Any])


class Beginning(Instant):
    """An instant from which on; a bare day means its beginning."""

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        moment = super().convert(value, param, ctx)
        if isinstance(value, str) and len(value) == len("2026-03-10"):
            return moment.replace(hour=0, minute=0, second=0, microsecond=0)
        return moment


class End(Instant):
    """An instant before which; a bare day belongs to it."""

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        moment = super().convert(value, param, ctx)
        is_day = isinstance(value, str) and len(value) == len("2026-03-10")
        return moment + timedelta(microseconds=1) if is_day else moment


def several(name: str, *, of: list[str] | None = None) -> Callable[[Command], Command]:
    """An option that may be given several times."""
    type_ = None if of is None else click.Choice(of)
    return click.option(f"--{name}", multiple=True, type=type_, help="May be given several times.")


def between(name: str) -> Callable[[Command], Command]:
    """Two options: from when, included, and until when, not included."""

    def add(command: Command) -> Command:
        since = click.option(f"--{name}-from", type=Beginning(), help="ISO 8601, included.")
        until = click.option(f"--{name}-until", type=End(), help="ISO 8601; a bare day, included.")
        return since(until(command))

    return add


def written(command: Command) -> Command:
    """The options that all exports share."""
    for option in (
        click.option(
            "--output", type=click.Path(path_type=Path, dir_okay=False), help="Default: stdout."
        ),
        click.option("--personal", is_flag=True, help="Also what is about a person."),
        click.option("--mode", type=click.Choice(["test", "production"])),
        click.option("--shop", "shops", multiple=True, help="May be given several times."),
        click.option("--format", "format_", type=click.Choice(FORMATS), default="csv"),
    ):
        command = option(command)
    return command


@click.group()
def export() -> None:
    """Write events, transactions or notifications as CSV, JSON lines or Parquet.

    In CSV, text that begins like a formula gets an apostrophe before it.
    """


@export.command()
@several("type", of=list(EVENT_CLASSES))
@click.option("--kind", type=click.Choice(["transaction", "alias", "subscription"]))
@click.option("--rule", type=click.Choice(list(RULES)))
@click.option("--reference", help="A uuid, alias, subscription id or other reference.")
@click.option("--late", is_flag=True, help="Only news that came late.")
@click.option("--contradiction", is_flag=True, help="Only what contradicts what was known.")
@click.option("--odd", is_flag=True, help="Only events with odd fields.")
@between("recorded")
@written
def events(
    format_: str, output: Path | None, personal: bool, type: tuple[str, ...], **told: Any
) -> None:
    """Every event in order, with its facts."""
    filter_ = EventFilter(types=frozenset(type), **_shared(told))
    _write(Export(exporting.EVENTS, filter_, has_personal=personal), format_, output)


@export.command()
@several("status")
@several("operation-type")
@several("payment-method")
@click.option("--order", "order_id")
@click.option("--alias")
@click.option("--subscription", "subscription_id")
@click.option("--trans-id")
@click.option("--currency", help="ISO 4217 letters.")
@click.option("--amount-min", type=int, help="In minor units.")
@click.option("--amount-max", type=int, help="In minor units.")
@click.option("--search", help="Part of an order, trans_id or alias, or how a uuid begins.")
@click.option("--late", is_flag=True, help="Only those that had late news.")
@click.option("--contradiction", is_flag=True, help="Only those with contradicting news.")
@between("first-seen")
@between("changed")
@between("created")
@written
def transactions(
    format_: str,
    output: Path | None,
    personal: bool,
    status: tuple[str, ...],
    operation_type: tuple[str, ...],
    payment_method: tuple[str, ...],
    **told: Any,
) -> None:
    """Every transaction as it stands, in the order in which they were first seen."""
    filter_ = TransactionFilter(
        statuses=frozenset(status),
        operation_types=frozenset(operation_type),
        payment_methods=frozenset(payment_method),
        **_shared(told),
    )
    _write(Export(exporting.TRANSACTIONS, filter_, has_personal=personal), format_, output)


@export.command()
@several("outcome", of=["recorded", "repeated", "quarantined"])
@several("reason", of=sorted(REASONS))
@click.option("--told-in", "format", type=click.Choice(["form-v2", "rest-v4"]))
@click.option("--raw", is_flag=True, help="Also the bodies, in base64; they hold personal data.")
@between("received")
@written
def notifications(
    format_: str,
    output: Path | None,
    personal: bool,
    raw: bool,
    outcome: tuple[str, ...],
    reason: tuple[str, ...],
    **told: Any,
) -> None:
    """Every delivery, verified or not, in the order of arrival."""
    filter_ = NotificationFilter(
        outcomes=frozenset(outcome), reasons=frozenset(reason), **_shared(told)
    )
    asked = Export(exporting.NOTIFICATIONS, filter_, has_personal=personal, has_raw=raw)
    _write(asked, format_, output)


def _shared(told: dict[str, Any]) -> dict[str, Any]:
    return told | {"shops": frozenset(told["shops"]) or None}


def _write(asked: Export, format_: str, output: Path | None) -> None:
    if output is None and format_ == PARQUET and sys.stdout.isatty():
        raise click.UsageError("Parquet is no text for a terminal: name a file with --output")
    with closing(open_ledger()) as ledger, Meter(asked.kind, "rows") as meter:
        total = exporting.total(ledger, asked)
        found = exporting.counted(
            exporting.rows(ledger, asked), lambda done: meter("writing", done, max(total, done))
        )
        parts = write_rows(asked.columns, format_, found)
        if output is None:
            sys.stdout.flush()
            _write_all(parts, sys.stdout.buffer)
            return
        partial = output.with_name(f"{output.name}.part")
        try:
            with partial.open("wb") as file:
                _write_all(parts, file)
            os.replace(partial, output)  # nobody ever finds half a file under this name
        finally:
            partial.unlink(missing_ok=True)


def _write_all(parts: Any, file: BinaryIO) -> None:
    for part in parts:
        file.write(part)
    file.flush()
