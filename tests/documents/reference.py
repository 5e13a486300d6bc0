"""The pages of the reference that are made from the code: commands, settings, routes and more."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import click
from flask import Flask

from ledger.application import Ledger
from ledger.cli import cli
from ledger.ipn.refusal_reasons import REASONS, REPAIRABLE, UNDECIDED_ALONE
from ledger.ipn.shops_and_keys import Shops
from ledger.operations.log_lines import LINES, schema
from ledger.settings import Settings
from ledger.storage.database import Database
from tests.documents.events_page import with_tables
from tests.documents.tables import table
from web import create_app

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
HELP_WIDTH = 100
_WIDTHS = {"terminal_width": HELP_WIDTH, "max_content_width": HELP_WIDTH}
METHODS_LEFT_OUT = {"HEAD", "OPTIONS"}
_OF_LIBRARIES = {"GET /static/<filename>": "Send a stylesheet, a script or the icon of the pages."}


# -- commands -----------------------------------------------------------------------------------


def commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Yield every command that does something, with its whole name."""
    group = _top()
    for name in cli.list_commands(group):
        command = cli.get_command(group, name)
        assert command is not None
        yield from _leaves(f"ledger {name}", command, _context(command, name, group))


def _leaves(
    words: str, command: click.Command, context: click.Context
) -> Iterator[tuple[str, click.Command, click.Context]]:
    if not isinstance(command, click.Group):
        yield words, command, context
        return
    if command.invoke_without_command:
        yield words, command, context
    for name, child in command.commands.items():
        yield from _leaves(f"{words} {name}", child, _context(child, name, context))


def _top() -> click.Context:
    return click.Context(cli, info_name="ledger", **(cli.context_settings | _WIDTHS))


def _context(command: click.Command, name: str, parent: click.Context) -> click.Context:
    return click.Context(command, info_name=name, parent=parent, **_WIDTHS)  # type: ignore[arg-type]


def commands_page() -> str:
    helps = [("ledger", cli.get_help(_top()))]
    helps += [(name, command.get_help(context)) for name, command, context in commands()]
    sections = [f"## {name}\n\n```text\n{help_text}\n```\n" for name, help_text in helps]
    intro = "# Commands\n\nWhat each command answers to `--help`.\n"
    return "\n".join([intro, *sections])


# -- settings -----------------------------------------------------------------------------------


def settings_page() -> str:
    rows = [[f"`{variable(each)}`", _default(each), each.metadata["meaning"]] for each in _fields()]
    return (
        "# Settings\n\n"
        "All settings come from the environment and are checked at the start. `ledger check` and\n"
        "`ledger serve` warn of a variable that begins with `LEDGER_` and is none of these, and\n"
        "name the one that was probably meant. Sizes are in bytes.\n\n"
        + table(["variable", "default", "meaning"], *rows)
        + "\nTwo more are read by commands alone: `LEDGER_TOKEN`, the token with which\n"
        "`ledger simulate --check` asks, and `LEDGER_DEBUG=1`, with which what fails also says\n"
        "where.\n"
    )


def _fields() -> tuple[Field[Any], ...]:
    return fields(Settings)


def variable(setting: Field[Any]) -> str:
    return f"LEDGER_{setting.name.upper()}"


def _default(setting: Field[Any]) -> str:
    return f"`{setting.default}`" if setting.default not in ((), None, "") else "–"


# -- routes -------------------------------------------------------------------------------------


def application() -> Flask:
    """An application before a database that nobody opens."""
    settings = Settings(database_url="sqlite:///never-opened.sqlite")
    return create_app(settings, Ledger(settings, Shops(), Database(settings.database_url)))


def routes(app: Flask) -> Mapping[str, str]:
    """Return what every route does, by its method and path."""
    meaning_by_route: dict[str, str] = {}
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", r"<\1>", rule.rule)
        for method in sorted((rule.methods or set()) - METHODS_LEFT_OUT):
            route = f"{method} {path}"
            text = _OF_LIBRARIES.get(route) or app.view_functions[rule.endpoint].__doc__ or ""
            meaning_by_route[route] = _first_sentence(text)
    return meaning_by_route


def _first_sentence(docstring: str) -> str:
    paragraph = " ".join(docstring.strip().split("\n\n")[0].split())
    return re.split(r" (?:Shape|Units|Errors|Source): ", paragraph)[0]


_SECTIONS = {
    "Receiver and operation": ("/ipn", "/healthz", "/readyz", "/metrics", "/docs"),
    "The API": ("/api/",),
    "Pages": ("/",),
}
"""How the paths of a section begin; a path belongs to the first section that it fits."""


def routes_page() -> str:
    rows_by_section: dict[str, list[list[str]]] = {section: [] for section in _SECTIONS}
    for route, meaning in routes(application()).items():
        path = route.split()[1]
        section = next(name for name, starts in _SECTIONS.items() if path.startswith(starts))
        rows_by_section[section].append([f"`{route}`", meaning])
    tables = [
        f"## {section}\n\n{table(['route', 'effect'], *rows)}"
        for section, rows in rows_by_section.items()
    ]
    intro = (
        "# Routes\n\n"
        "`mode` is `test` or `production`. `/docs` of the service has every parameter and answer\n"
        "of the API, and `/api/v1/openapi.json` the same for machines.\n"
    )
    return "\n".join([intro, *tables])


# -- reasons and decisions ----------------------------------------------------------------------


def reasons_table() -> str:
    rows = [
        [f"`{reason}`", "yes" if reason in REPAIRABLE | UNDECIDED_ALONE.keys() else "no", meaning]
        for reason, meaning in REASONS.items()
    ]
    return table(["reason", "a readmission can help", "meaning"], *rows)


def answers_page() -> str:
    """The page that is written by hand up to its table of reasons."""
    text = (DOCS / "reference" / "answers.md").read_text()
    by_hand, _, _ = text.partition("\n| reason | ")
    return f"{by_hand.rstrip()}\n\n{reasons_table()}"


def decisions_page() -> str:
    lines = []
    for path in sorted((DOCS / "decisions").glob("[0-9]*.md")):
        title = path.read_text().splitlines()[0].removeprefix("# ")
        lines.append(f"- [{title}]({path.name})\n")
    return (
        "# Decisions\n\nWhat was decided, why, and what was rejected; the newest last.\n\n"
        + "".join(lines)
    )


def events_page() -> str:
    return with_tables((DOCS / "events.md").read_text())


# -- the log ------------------------------------------------------------------------------------


def log_schema() -> str:
    return json.dumps(schema(), indent=1) + "\n"


def log_lines_page() -> str:
    """The page that is written by hand up to its table of lines."""
    text = (DOCS / "reference" / "log-lines.md").read_text()
    by_hand, _, _ = text.partition("\n| event | ")
    rows = [
        [f"`{event}`", line.meaning, ", ".join([*line.always, *map("[{}]".format, line.sometimes)])]
        for event, line in LINES.items()
    ]
    return f"{by_hand.rstrip()}\n\n{table(['event', 'meaning', 'fields'], *rows)}"


GENERATED: Mapping[Path, Callable[[], str]] = {
    DOCS / "reference" / "commands.md": commands_page,
    DOCS / "reference" / "settings.md": settings_page,
    DOCS / "reference" / "http.md": routes_page,
    DOCS / "reference" / "answers.md": answers_page,
    DOCS / "reference" / "log-lines.md": log_lines_page,
    DOCS / "reference" / "log-lines.schema.json": log_schema,
    DOCS / "decisions" / "index.md": decisions_page,
    DOCS / "events.md": events_page,
}
"""Every page that is made from the code, in whole or in part."""
