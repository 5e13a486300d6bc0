"""Who reads personal data by the command line leaves a line in the access log."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from ledger.access.log import Access, accesses
from ledger.application import Ledger
from ledger.cli import cli
from tests.builders import KEYS_ENVIRON, SHOP_ID, UUID, a_form_call, receive


@pytest.fixture
def environ(ledger: Ledger, sqlite_url: str) -> dict[str, str]:
    receive(ledger, a_form_call(cust_email="jo@example.org"))
    return KEYS_ENVIRON | {"LEDGER_DATABASE_URL": sqlite_url}


def run(environ: dict[str, str], *arguments: str) -> Result:
    result = CliRunner().invoke(cli, list(arguments), env=environ)
    assert result.exit_code == 0, result.output
    return result


def lines(ledger: Ledger) -> list[Access]:
    with ledger.database.connect() as connection:
        return accesses(connection, limit=10)


def test_a_history_leaves_a_line(environ: dict[str, str], ledger: Ledger) -> None:
    run(environ, "history", "transaction", UUID, "--shop", SHOP_ID)

    (line,) = lines(ledger)
    assert (line.kind, line.reference, line.shop_id, line.mode) == (
        "transaction-history",
        UUID,
        SHOP_ID,
        "test",
    )
    assert (line.token_id, line.method, line.route) == ("command-line", "CLI", "ledger history")
    assert line.token_name


def test_a_body_leaves_a_line(environ: dict[str, str], ledger: Ledger) -> None:
    (row,) = run(environ, "notifications", "list").stdout.splitlines()
    run(environ, "notifications", "show", row.split("\t")[0], "--raw")

    assert [(line.kind, line.reference) for line in lines(ledger)] == [("raw", row.split("\t")[0])]


@pytest.mark.parametrize(
    ("arguments", "kinds"),
    [
        (("events", "--personal"), ["export of events"]),
        (("notifications", "--raw"), ["export of notifications"]),
        (("events",), []),
    ],
)
def test_an_export_leaves_a_line_if_it_holds_personal_data(
    environ: dict[str, str], ledger: Ledger, arguments: tuple[str, ...], kinds: list[str]
) -> None:
    run(environ, "export", *arguments)

    assert [line.kind for line in lines(ledger)] == kinds


def test_who_cannot_be_noted_reads_all_the_same(
    environ: dict[str, str], ledger: Ledger, tmp_path: Path
) -> None:
    with ledger.database.begin() as connection:
        connection.execute(text("DROP TABLE access_log"))

    result = run(environ, "history", "transaction", UUID, "--shop", SHOP_ID)

    assert "jo@example.org" not in result.stderr
    assert "could not be noted in the access log" in result.stderr
    assert UUID in result.stdout
