"""Tokens of the query API, as an operator makes and closes them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.builders import SHOP_ID
from tests.cli.running import run, shops_file

Command = Callable[..., Result]


@pytest.fixture
def command(sqlite_url: str) -> Command:
    return lambda *arguments: run(sqlite_url, None, "token", *arguments)


def create(command: Command, *options: str) -> str:
    result = command("create", "--name", "Jo", *(options or ("--role", "auditor")))
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def listed(command: Command) -> list[dict[str, object]]:
    return [json.loads(line) for line in command("list", "--json").stdout.splitlines()]


def test_a_token_is_printed_alone_and_once(command: Command) -> None:
    secret = create(command)

    assert secret.startswith("ipnl_")
    assert len(secret) > 40
    assert secret not in command("list").output
    assert secret not in command("list", "--json").output


def test_tokens_are_listed_with_what_they_open(command: Command) -> None:
    create(command, "--role", "operator", "--shop", "12345678", "--expires", "2999-12-31")
    create(command)

    first, second = listed(command)

    assert (first["role"], first["shops"], first["name"]) == ("operator", ["12345678"], "Jo")
    assert first["expires_at"] == "2999-12-31T23:59:59.999999Z"
    assert (second["shops"], second["expires_at"], second["last_used_at"]) == (None, None, None)
    assert "secret_hash" not in first
    assert [line.split("\t")[1] for line in command("list").stdout.splitlines()] == ["valid"] * 2


def test_a_shop_that_the_shops_file_does_not_have_is_warned_of(
    command: Command, sqlite_url: str, tmp_path: Path
) -> None:
    words = ("create", "--name", "Jo", "--role", "auditor", "--shop-id", "99999999")

    made = run(sqlite_url, shops_file(tmp_path), "token", *words, "--shop", SHOP_ID)
    without_shops = command(*words)

    assert (made.exit_code, without_shops.exit_code) == (0, 0)
    (warning,) = [line for line in made.stderr.splitlines() if line.startswith("warning: ")]
    assert "no shop 99999999" in warning
    assert "warning" not in without_shops.stderr
    assert [token["shops"] for token in listed(command)] == [["99999999", SHOP_ID], ["99999999"]]


def test_a_token_is_revoked_once(command: Command) -> None:
    create(command)
    (token,) = listed(command)

    done, again = (command("revoke", str(token["id"])) for _ in range(2))

    assert (done.exit_code, again.exit_code) == (0, 1)
    assert listed(command)[0]["revoked_at"]
    assert command("list").stdout.split("\t")[1] == "revoked"


@pytest.mark.parametrize(
    "options", [(), ("--role", "king"), ("--role", "auditor", "--expires", "2000-01-01")]
)
def test_a_token_that_would_open_nothing_is_not_made(
    command: Command, options: tuple[str, ...]
) -> None:
    result = command("create", "--name", "Jo", *options)

    assert result.exit_code == 2
    assert listed(command) == []


def test_a_name_cannot_steer_a_terminal(command: Command) -> None:
    result = command("create", "--name", "\x1b[2J", "--role", "auditor")

    assert "\x1b" not in result.output + command("list").output
