"""How `ledger drift` is called."""

from datetime import date

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import LEDGER, Documented, DocumentedGroup
from ledger.cli.options import DAY, json_option, mode_option, shop_id_option

_KEYS = (*LEDGER, "LEDGER_MASTER_KEYS_FILE")


class DriftGroup(DocumentedGroup, Documented):
    """A group that does something by itself."""


@click.group(
    cls=DriftGroup,
    invoke_without_command=True,
    short_help=SHORT_HELPS["drift"],
    variables=_KEYS,
    examples=(
        "ledger drift",
        "ledger drift --since 2026-03-01 --shop 12345678 --mode production --json",
    ),
)
@click.option("--since", "first_day", type=DAY, help="The first UTC day.  [default: 7 days ago]")
@shop_id_option("Only this shop.  [default: all shops]")
@mode_option(help="Only this mode.  [default: both]")
@json_option
@click.pass_context
def drift(
    ctx: click.Context,
    first_day: date | None,
    shop_id: str | None,
    mode: str | None,
    as_json: bool,
) -> None:
    """Say what the platform sends otherwise than before, by shop, mode and format.

    A line is a name or a word never seen before (`new-name`, `new-value`, `new-kr-answer-type`), a
    JSON type never seen under a name (`type-changed`), or a name that nearly all of 200 calls of a
    kind had and the next 100 did not (`gone`), or without a value (`now-empty`). The columns are
    UTC day, shop, mode, format, what it is, name, value, kind of call, what the ledger makes of the
    name, and the first delivery. The first 200 calls of a shop are learned.

    The command exits 1 when there is any such news, 0 when there is none.
    """
    if ctx.invoked_subcommand is None:
        from ledger.cli.drift import print_news

        ctx.exit(print_news(first_day, shop_id, mode, as_json=as_json))


@drift.command(
    short_help="List every name that calls were seen to have.",
    variables=_KEYS,
    examples=("ledger drift names --shop 12345678 --mode test",),
)
@shop_id_option("Only this shop.  [default: all shops]")
@mode_option(help="Only this mode.  [default: both]")
@json_option
def names(shop_id: str | None, mode: str | None, as_json: bool) -> None:
    """List every name that calls were seen to have: fields of forms, paths of answers.

    The columns are shop, mode, format, name, what the ledger makes of it (`fact`, `details` or
    `personal`), JSON types, calls, their share in the calls of the kinds that have it, first and
    last arrival, first delivery, and the words of a closed set. No other value is kept.
    """
    from ledger.cli.drift import print_names

    print_names(shop_id, mode, as_json=as_json)


@drift.command(
    short_help="Say which names only one of two shops has.",
    variables=_KEYS,
    examples=("ledger drift compare --shop 12345678 --shop 87654321 --mode test",),
)
@click.option(
    "--shop-id", "--shop", "shops", multiple=True, help="A shop; to be given twice.", required=True
)
@mode_option(required=True, help="The mode that is compared.")
@json_option
def compare(shops: tuple[str, ...], mode: str, as_json: bool) -> None:
    """Say which names only one of two shops has, or with other types or words.

    The columns are format, name, what differs, and what each shop has: a share of its calls, types
    or words. A format that only one of them uses is left out.
    """
    from ledger.cli.drift import print_differences

    if len(set(shops)) != 2:
        raise click.UsageError("name two shops: --shop A --shop B")
    print_differences(shops[0], shops[1], mode, as_json=as_json)


@drift.command(
    short_help="Put the fields of forms beside the paths of answers.",
    variables=_KEYS,
    examples=("ledger drift fields --shop 12345678 --mode test",),
)
@shop_id_option("Shop id; may be left out when there is only one shop.")
@mode_option(required=True, help="The mode whose payments are compared.")
@click.option(
    "--deliveries",
    "limit",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="How many of the newest deliveries are looked at.",
)
@json_option
def fields(shop_id: str | None, mode: str, limit: int, as_json: bool) -> None:
    """Put the fields of forms (V2) beside the paths of answers (REST V4), fact by fact.

    Payments that were told in both formats with one status are compared. The columns are fact,
    fields of the form, paths of the answer, and of how many pairs both formats agree, differ, or
    only the form or only the answer tells it. Lines of statuses have both spellings.
    """
    from ledger.cli.drift import print_fields

    print_fields(shop_id, mode, limit=limit, as_json=as_json)


@drift.command(
    short_help="Read every body again.",
    variables=_KEYS,
    examples=("ledger drift rebuild",),
)
def rebuild() -> None:
    """Forget what calls look like, and read every body again.

    The same bodies give the same names and the same news. What was erased or has expired meanwhile
    can not be read again, and is not counted any more.
    """
    from ledger.cli.drift import rebuild_index

    rebuild_index()
