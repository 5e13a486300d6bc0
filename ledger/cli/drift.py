"""What `ledger drift` and its commands do: read what is not read yet, and print what is known."""

from contextlib import closing
from datetime import date, timedelta
from typing import Any

import click

from ledger.application import Ledger
from ledger.cli.invocation import only_shop, open_ledger
from ledger.cli.output import counted, echo_document, echo_table
from ledger.drift.field_pairs import FieldPair, LivePairs, field_pairs, live_pairs
from ledger.drift.follower import DriftIndex
from ledger.drift.known_names import count_calls, differences, listed_names
from ledger.drift.news import DAYS_LOOKED_AT, DriftRow, listed_news
from ledger.instants import beginning_of, utc_now
from ledger.ipn.modes import Mode

_NEWS_COLUMNS = (
    *("day", "shop", "mode", "format", "drift", "name", "value", "kind", "reading", "delivery"),
)
_NAME_COLUMNS = (
    *("shop", "mode", "format", "name", "reading", "types", "calls", "share"),
    *("first seen", "last seen", "delivery", "values"),
)
_DIFFERENCE_COLUMNS = ("format", "name", "difference", "first", "second")
_FIELD_COLUMNS = ("fact", "form-v2", "rest-v4", "agree", "differ", "only form", "only rest")


def print_news(
    first_day: date | None, shop_id: str | None, mode: str | None, *, as_json: bool
) -> int:
    """Print what is otherwise than before; return the exit code. Errors: LedgerError."""
    day = first_day or utc_now().date() - timedelta(days=DAYS_LOOKED_AT)
    shops = None if shop_id is None else {shop_id}
    with closing(_followed()) as ledger, ledger.database.connect() as connection:
        news = listed_news(connection, beginning_of(day), shops=shops, mode=mode)
        read, unread = count_calls(connection, shops=shops, mode=mode)
    if as_json:
        document = {"first_day": day.isoformat(), "calls": read, "unread": unread, "findings": news}
        echo_document(document)
    else:
        echo_table(_NEWS_COLUMNS, map(_news_cells, news))
    words = f"{len(news)} otherwise since {day}, in {counted(read, 'call')}"
    click.echo(f"{words}; {unread} could not be read" if unread else words, err=True)
    return 1 if news else 0


def print_names(shop_id: str | None, mode: str | None, *, as_json: bool) -> None:
    """Print every name that calls were seen to have. Errors: LedgerError."""
    shops = None if shop_id is None else {shop_id}
    with closing(_followed()) as ledger, ledger.database.connect() as connection:
        names = listed_names(connection, shops=shops, mode=mode)
    if as_json:
        echo_document({"names": names})
    else:
        echo_table(_NAME_COLUMNS, map(_name_cells, names))
    click.echo(counted(len(names), "name"), err=True)


def print_differences(shop_id: str, other_shop_id: str, mode: str, *, as_json: bool) -> None:
    """Print what calls of two shops have otherwise. Errors: LedgerError."""
    with closing(_followed()) as ledger, ledger.database.connect() as connection:
        rows = differences(connection, shop_id, other_shop_id, mode)
    if as_json:
        shops = {"first": shop_id, "second": other_shop_id, "mode": Mode(mode).public}
        echo_document({**shops, "differences": rows})
    else:
        echo_table(_DIFFERENCE_COLUMNS, map(_difference_cells, rows))
    click.echo(counted(len(rows), "difference"), err=True)


def print_fields(shop_id: str | None, mode: str, *, limit: int, as_json: bool) -> None:
    """Print fields beside paths, and how live payments compare. Errors: LedgerError."""
    with closing(_followed()) as ledger:
        shop_id = shop_id or only_shop(ledger)
        live = live_pairs(ledger, shop_id, Mode(mode).value, limit=limit)
    if as_json:
        shop = {"shop_id": shop_id, "mode": Mode(mode).public}
        echo_document({**shop, **_pairs_data(live)})
    else:
        of_facts = [_field_cells(pair, live) for pair in field_pairs()]
        statuses = sorted(live.statuses.items())
        of_statuses = [("status word", *words, count, 0, 0, 0) for words, count in statuses]
        echo_table(_FIELD_COLUMNS, [*of_facts, *of_statuses])
    payments = counted(live.payment_count, "payment")
    deliveries = counted(live.delivery_count, "delivery", "deliveries")
    click.echo(f"{payments} told in both formats, in {deliveries}", err=True)


def rebuild_index() -> None:
    """Read every body again."""
    with closing(open_ledger()) as ledger:
        DriftIndex(ledger).rebuild()


def _followed() -> Ledger:
    """Open the ledger, and read what nobody has read yet."""
    ledger = open_ledger()
    DriftIndex(ledger).catch_up()
    return ledger


def _news_cells(drift_row: DriftRow) -> list[object]:
    columns = ("shop_id", "mode", "format", "drift", "name", "value", "kind", "reading")
    day = drift_row["noticed_at"][: len("2026-03-10")]
    return [day, *(drift_row[name] for name in columns), drift_row["delivery_id"]]


def _name_cells(drift_row: DriftRow) -> list[object]:
    before = [drift_row[name] for name in ("shop_id", "mode", "format", "name", "reading")]
    arrivals = [drift_row[name] for name in ("first_seen_at", "last_seen_at", "first_delivery_id")]
    counts = [drift_row["calls"], f"{drift_row['share']:.1%}"]
    return [
        *before,
        ", ".join(drift_row["types"]),
        *counts,
        *arrivals,
        ", ".join(drift_row["values"] or ()),
    ]


def _difference_cells(drift_row: DriftRow) -> list[object]:
    sides = (_side(drift_row[name]) for name in ("first", "second"))
    return [drift_row["format"], drift_row["name"], drift_row["difference"], *sides]


def _side(shown: Any) -> str | None:
    if isinstance(shown, list):
        return ", ".join(shown)
    return None if shown is None else f"{shown:.1%}"


def _field_cells(pair: FieldPair, live: LivePairs) -> list[object]:
    names = (", ".join(pair.form_fields), ", ".join(pair.rest_paths))
    return [pair.fact_name, *names, *_counts(pair.fact_name, live).values()]


def _counts(fact_name: str, live: LivePairs) -> dict[str, int]:
    return {
        "agree": live.agree[fact_name],
        "differ": live.differ[fact_name],
        "only_form": live.only_form[fact_name],
        "only_rest": live.only_rest[fact_name],
    }


def _pairs_data(live: LivePairs) -> dict[str, Any]:
    return {
        "deliveries": live.delivery_count,
        "payments": live.payment_count,
        "facts": [
            {
                "fact": pair.fact_name,
                "meaning": pair.meaning,
                "told_by": pair.told_by,
                "form_fields": list(pair.form_fields),
                "rest_paths": list(pair.rest_paths),
                **_counts(pair.fact_name, live),
            }
            for pair in field_pairs()
        ],
        "statuses": [
            {"form": form, "rest": rest, "pairs": count}
            for (form, rest), count in sorted(live.statuses.items())
        ],
    }
