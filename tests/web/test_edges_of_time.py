"""Instants that no calendar has are refused wherever one may be given; calls are kept."""

from datetime import UTC, datetime

import click
import pytest

from ledger.cli import cli
from ledger.settings import Settings
from ledger.storage.database import Database
from tests.builders import SHOP_ID, UUID, a_form, a_ledger, form_body
from tests.cli.running import run
from tests.web.asking import Asking
from tests.web.calling import post
from web import create_app

EDGES = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
NAMES = {"shop_id": SHOP_ID, "mode": "test", "uuid": UUID}


def instants_of_the_api(api: Asking) -> list[tuple[str, str]]:
    """Every parameter that is an instant. Shape: address, name."""
    instants = []
    for path, item in api.get("/api/v1/openapi.json")["paths"].items():
        parameters = [*item.get("parameters", []), *item.get("get", {}).get("parameters", [])]
        parameters = [each for each in parameters if "name" in each]
        address = path
        for parameter in parameters:
            if parameter["in"] == "path":
                name = parameter["name"]
                address = address.replace(f"{{{name}}}", NAMES.get(name, "1"))
        instants += [
            (address, parameter["name"])
            for parameter in parameters
            if parameter["schema"].get("format") == "date-time"
        ]
    return instants


def test_every_instant_of_the_api(api_on_sqlite: Asking) -> None:
    parameters = instants_of_the_api(api_on_sqlite)

    status_by_question = {
        (address, name, edge): api_on_sqlite.call(address, query_string={name: edge}).status_code
        for address, name in parameters
        for edge in EDGES
    }

    refused = dict.fromkeys(status_by_question, 422)
    assert status_by_question == refused
    assert len(parameters) > 20


def instants_of_commands(command: click.Command, *above: str) -> list[tuple[list[str], str]]:
    """Every option that is an instant. Shape: the words of its command, the option."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        below = {
            name: command.get_command(context, name) for name in command.list_commands(context)
        }
        return [
            option
            for name, each in below.items()
            if each is not None
            for option in instants_of_commands(each, *above, name)
        ]
    return [
        ([*above], parameter.opts[0])
        for parameter in command.params
        if isinstance(parameter, click.Option) and parameter.type.name == "instant"
    ]


def test_every_instant_of_the_command_line(sqlite_url: str) -> None:
    options = instants_of_commands(cli)

    exits = {
        (*words, option, edge): run(sqlite_url, None, *words, option, edge).exit_code
        for words, option in options
        for edge in EDGES
    }

    assert exits == dict.fromkeys(exits, 2)
    assert len(options) > 5


@pytest.mark.parametrize("year", [1, 1969, 9999])
def test_a_call_is_kept_whatever_our_clock_says(database: Database, year: int) -> None:
    now = datetime(year, 12, 30, tzinfo=UTC)
    ledger = a_ledger(database, since=now)
    app = create_app(Settings(database_url="unused"), ledger, clock=lambda: now)

    response = post(app.test_client(), data=form_body(a_form()))

    assert (response.status_code, response.text[:12]) == (200, "OK recorded ")
