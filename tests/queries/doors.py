"""Somebody who asks the same of the API, the command line and the pages."""

import html
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode

import orjson
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ledger.access.tokens import create_token
from ledger.access.users import add_user
from ledger.application import Ledger
from tests.builders import NOON
from tests.cli.running import run
from tests.web.pages.visiting import PASSWORD, SETTINGS, Visiting
from web import create_app

Row = dict[str, Any]


@dataclass(frozen=True)
class Reader:
    """Somebody with a token, a password and a shell."""

    url: str
    client: FlaskClient
    pages: Visiting

    def call(self, path: str, **parameters: str) -> TestResponse:
        return self.client.get(f"/api/v1/{path}?{urlencode(parameters)}")

    def listed(self, path: str, **parameters: str) -> list[Row]:
        """Read a list of the API to its end."""
        rows: list[Row] = []
        paged = {"limit": "500"}
        while True:
            response = self.call(path, **parameters, **paged)
            assert response.status_code == 200, response.text
            page = response.get_json()
            rows += page["items"]
            if page["next_cursor"] is None or not page["items"]:
                return rows
            paged["cursor"] = page["next_cursor"]

    def exported(self, path: str, **parameters: str) -> list[Row]:
        response = self.call(path, file_format="jsonl", **parameters)
        assert response.status_code == 200, response.text
        return [orjson.loads(line) for line in response.data.splitlines()]

    def commanded(self, command: str, **parameters: str) -> list[Row]:
        options: list[str] = []
        for name, text in parameters.items():
            is_of_file = command.startswith("export") and name == "format"
            flag = "--notification-format" if is_of_file else f"--{name.replace('_', '-')}"
            options += [flag] if text == "true" else [flag, text]
        result = run(self.url, None, *command.split(), *options)
        assert result.exit_code == 0, result.output
        return [orjson.loads(line) for line in result.stdout_bytes.splitlines()]

    def searched(self, mode: str, **parameters: str) -> list[str]:
        """Return the references of the transactions on all pages of the search."""
        references: list[str] = []
        path = f"/{mode}/search?{urlencode(parameters | {'sort': 'time'})}"
        while path:
            page = self.pages.get(path)
            assert page.status_code == 200, page.text
            listed = page.text.partition('id="found"')[2]
            names = re.findall(r'href="/\w+/shops/\d+/transactions/([^"]+)"', listed)
            references += [unquote(html.unescape(name)) for name in names]
            onward = re.search(r'href="([^"]+)" rel="next"', listed)
            path = html.unescape(onward[1]) if onward else ""
        return references


def a_reader(ledger: Ledger, url: str, name: str, shops: list[str] | None) -> Reader:
    with ledger.database.begin() as connection:
        role = {"role": "operator", "shops": shops, "now": NOON}
        _, secret = create_token(connection, name=name, **role)  # type: ignore[arg-type]
        add_user(connection, name=name, password=PASSWORD, **role)  # type: ignore[arg-type]
    client = create_app(SETTINGS, ledger, clock=lambda: NOON).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    pages = Visiting(ledger, now=NOON)
    pages.sign_in(name)
    return Reader(url, client, pages)
