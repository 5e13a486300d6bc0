"""People who sign in, as an operator lets them in and out."""

import json
from collections.abc import Callable

import pytest
from click.testing import Result
from pyotp import TOTP

from ledger.access.second_factor import enrol, enrolled_user_ids, secret_of
from ledger.access.users import user_by_name
from tests.builders import NOON
from tests.cli.running import run
from tests.conftest import opened

Command = Callable[..., Result]
PASSWORD = "correct horse battery"


@pytest.fixture
def command(sqlite_url: str) -> Command:
    def call(*arguments: str, answer: str = f"{PASSWORD}\n") -> Result:
        return run(sqlite_url, None, "user", *arguments, answer=answer)

    return call


def listed(command: Command) -> list[dict[str, object]]:
    return [json.loads(line) for line in command("list", "--json").stdout.splitlines()]


def test_somebody_is_added_and_listed_without_their_password(command: Command) -> None:
    added = command("add", "Jo Doe", "--role", "operator", "--shop", "12345678")

    (user,) = listed(command)
    assert added.exit_code == 0, added.output
    assert (user["name"], user["role"], user["shops"]) == ("Jo Doe", "operator", ["12345678"])
    assert str(user["id"]).startswith("user-")
    assert not {"password_hash", "stamp"} & set(user)
    assert PASSWORD not in added.output + command("list").output


@pytest.mark.parametrize("name", ["jo doe", "JO DOE", " Jo Doe "])
def test_a_name_is_given_once_in_whatever_case(command: Command, name: str) -> None:
    command("add", "Jo Doe", "--role", "auditor")

    again = command("add", name, "--role", "auditor")

    assert again.exit_code == 1
    assert "bad-user" in again.output
    assert len(listed(command)) == 1


@pytest.mark.parametrize("answer", ["", "\n", "short\n", "x" * 1001 + "\n"])
def test_a_password_has_a_length(command: Command, answer: str) -> None:
    assert command("add", "Jo", "--role", "auditor", answer=answer).exit_code == 1
    assert listed(command) == []


def test_somebody_is_disabled_and_enabled(command: Command) -> None:
    command("add", "Jo", "--role", "auditor")
    disabled = command("disable", "jo")
    state = command("list").stdout.split("\t")[1]
    enabled = command("enable", "JO")

    assert (disabled.exit_code, state, enabled.exit_code) == (0, "disabled", 0)
    assert command("list").stdout.split("\t")[1] == "valid"


@pytest.mark.parametrize(
    "answer", ["Password1234", "ledgerledger", "Jo Doe 2026!", "10000001 2026"]
)
def test_a_password_that_is_tried_first_is_refused_with_what_to_do(
    command: Command, answer: str
) -> None:
    options = ("--role", "auditor", "--shop", "10000001")
    refused = command("add", "Jo Doe", *options, answer=f"{answer}\n")
    command("add", "Jo Doe", *options)
    unchanged = command("password", "Jo Doe", answer=f"{answer}\n")

    assert (refused.exit_code, unchanged.exit_code) == (1, 1)
    assert "bad-password" in refused.output
    assert "take" in refused.output
    assert answer not in refused.output + unchanged.output


def test_who_gets_a_password_from_an_operator_must_replace_it(command: Command) -> None:
    command("add", "Jo", "--role", "auditor")
    command("add", "Zoe", "--role", "auditor", "--own")
    added = [user["must_change_password"] for user in listed(command)]
    command("password", "Jo", "--own", answer="another horse battery\n")
    command("password", "Zoe", answer="another horse battery\n")
    changed = [user["must_change_password"] for user in listed(command)]

    assert (added, changed) == ([True, False], [False, True])


@pytest.mark.parametrize("name", ["disable", "enable", "password", "reset-second-factor"])
def test_nobody_cannot_be_changed(command: Command, name: str) -> None:
    assert command(name, "nobody").exit_code == 1


def test_another_password_is_told_apart(command: Command) -> None:
    command("add", "Jo", "--role", "auditor")
    before = listed(command)[0]["password_changed_at"]

    changed = command("password", "Jo", answer="another horse battery\n")

    assert changed.exit_code == 0
    assert listed(command)[0]["password_changed_at"] > before  # type: ignore[operator]


def test_a_lost_device_is_forgotten(command: Command, sqlite_url: str) -> None:
    command("add", "Jo", "--role", "auditor")
    without = command("reset-second-factor", "jo")
    with opened(sqlite_url) as database, database.begin() as connection:
        user = user_by_name(connection, "Jo")
        assert user is not None
        code = TOTP(secret_of(user, "salt", "key")).at(NOON)
        assert enrol(connection, user, code, salt="salt", service_key="key", now=NOON)

    reset = command("reset-second-factor", "JO")

    assert (without.exit_code, reset.exit_code) == (0, 0)
    assert "there was no second factor" in without.output
    assert "reset the second factor of Jo" in reset.output
    with opened(sqlite_url) as database, database.connect() as connection:
        assert enrolled_user_ids(connection) == set()


@pytest.mark.parametrize(
    "options", [("--role", "king"), (), ("--role", "auditor", "--expires", "2000-01-01")]
)
def test_somebody_who_could_do_nothing_is_not_added(
    command: Command, options: tuple[str, ...]
) -> None:
    assert command("add", "Jo", *options).exit_code == 2
    assert listed(command) == []
