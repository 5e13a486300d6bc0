"""How commands print what they have: a list, a document, a count, a word with its colour."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
import orjson
from rich.cells import cell_len

from ledger.ipn.lookalikes import printable

_WORDS_BY_COLOUR = {
    "green": ("ok", "valid", "recorded", "live", "identical", "verified", "followed"),
    "yellow": (
        *("warning", "expired", "undecided", "building", "stopped", "built, not read"),
        *("same rows, other columns"),
    ),
    "red": ("fault", "quarantined", "refused", "revoked", "disabled", "different"),
}
_COLOUR_BY_WORD = {word: colour for colour, words in _WORDS_BY_COLOUR.items() for word in words}
_COLOURED = frozenset({"state", "outcome", "verdict", "follower"})
"""The columns whose words are coloured; elsewhere the same words mean nothing."""


def painted(word: str, *, width: int = 0) -> str:
    """Return a word of a state or an outcome in its colour, which is shown on a terminal only."""
    return click.style(f"{word:{width}}", fg=_COLOUR_BY_WORD.get(word))


def warn(message: str) -> None:
    """Print a warning on standard error."""
    click.echo(f"{click.style('warning', fg='yellow')}: {message}", err=True)


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Return a count with its noun. Shape: `1 shop`, `2 shops`; `plural` is for other plurals."""
    return f"{number} {singular if number == 1 else plural or f'{singular}s'}"


def echo_table(columns: Sequence[str], table_rows: Iterable[Sequence[object]]) -> None:
    """Print a list: a table with a header row on a terminal, else tab-separated lines as they come.

    Shape: a cell that is empty or None is `-`.
    """
    colours = [name in _COLOURED for name in columns]
    if not sys.stdout.isatty():
        for row in table_rows:
            shown = zip(map(_cell, row), colours, strict=True)
            click.echo(
                "\t".join(painted(cell) if is_coloured else cell for cell, is_coloured in shown)
            )
        return
    table = [list(map(_cell, row)) for row in table_rows]
    widths = [max(map(cell_len, column)) for column in zip(columns, *table, strict=True)]
    if table:
        header = map(_padded, columns, widths)
        click.echo(click.style("  ".join(header).rstrip(), bold=True))
    for cells in table:
        padded = list(map(_padded, cells, widths))
        padded[-1] = padded[-1].rstrip()
        words = [
            cell.replace(word, painted(word), 1) if is_coloured else cell
            for cell, word, is_coloured in zip(padded, cells, colours, strict=True)
        ]
        click.echo("  ".join(words))


def _cell(content: object) -> str:
    return "-" if content is None or content == "" else printable(str(content))


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - cell_len(cell))


def echo_header(columns: Sequence[str], widths: Sequence[int]) -> None:
    """Print the header row of a list that grows before one's eyes, on a terminal only."""
    if sys.stdout.isatty():
        header = "  ".join(map(_padded, columns, widths)).rstrip()
        click.echo(click.style(header, bold=True))


def echo_row(cells: Iterable[object], widths: Sequence[int]) -> None:
    """Print one row of a list that grows before one's eyes.

    Shape: padded to these widths on a terminal, else tab-separated.
    """
    if sys.stdout.isatty():
        padded = map(_padded, map(_cell, cells), widths)
        click.echo("  ".join(padded).rstrip())
    else:
        click.echo("\t".join(map(_cell, cells)))


def echo_document(document: Any) -> None:
    """Print one thing for a machine: a JSON document."""
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def echo_json_lines(items: Iterable[Any]) -> None:
    """Print a list for a machine: a JSON document on each line."""
    for item in items:
        click.echo(orjson.dumps(item))
