"""Persons on the command line: found, written out, and each look noted."""

import getpass
import json
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.access.log import accesses
from ledger.storage.database import Database
from tests.builders import a_form_call, a_ledger, an_answer, receive, rest_body
from tests.cli.running import Result, run

EMAIL = "jo@example.org"
IN_SHOP = ("--shop-id", "12345678", "--mode", "test")


@pytest.fixture
def url(database_url: str) -> Iterator[str]:
    """A ledger with a form and an answer about a person, and a form about another."""
    database = Database(database_url)
    ledger = a_ledger(database)
    form = {"cust_phone": "+33 6 39 98 04 17", "card_number": "497010XXXXXX0055"}
    receive(ledger, a_form_call(cust_email=EMAIL, **form))
    customer = an_answer()["customer"] | {"email": EMAIL.upper(), "reference": "C-42"}
    receive(ledger, rest_body(an_answer(whole={"customer": customer}, uuid="c" * 32)))
    receive(ledger, a_form_call(cust_email="noor@example.org", trans_uuid="d" * 32))
    database.dispose()
    return database_url


def privacy(url: str, *arguments: str) -> Result:
    return run(url, None, "privacy", *arguments, *IN_SHOP)


def lines(url: str) -> list[Any]:
    database = Database(url)
    with database.connect() as connection:
        noted = accesses(connection, limit=10)
    database.dispose()
    return noted


def test_a_person_is_found_and_the_look_is_noted(url: str) -> None:
    result = privacy(url, "find", "--email", EMAIL, "--customer", "C-42")

    assert result.exit_code == 0
    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [row[2] for row in rows] == [f"email {EMAIL}", f"email {EMAIL}, customer C-42"]
    assert rows[1][3] == f"transaction {'c' * 32}"
    assert f"email {EMAIL}: 2 deliveries\ncustomer C-42: 1 delivery\n" in result.stderr
    (line,) = lines(url)
    assert (line.token_name, line.route) == (getpass.getuser(), "ledger privacy find")
    assert (line.shop_id, line.mode, line.status) == ("12345678", "test", 200)
    assert line.reference == "email, customer"  # and not whose


def test_what_was_found_is_a_document_for_a_machine(url: str) -> None:
    arguments = ("--card-end", "0055", "--amount", "29.90", "EUR", "--day", "2026-03-10")

    document = json.loads(privacy(url, "find", *arguments, "--json").stdout)

    assert [each["kind"] for each in document["identifiers"]] == ["card-amount", "card-day"]
    assert [each["deliveries"] for each in document["identifiers"]] == [3, 3]
    assert (document["shop_id"], document["mode"]) == ("12345678", "test")
    assert document["unreadable"] == []


def test_everything_about_a_person_is_written_out_readable(url: str) -> None:
    result = privacy(url, "export", "--email", EMAIL)

    form, answer = map(json.loads, result.stdout.splitlines())
    assert form["fields"]["vads_cust_phone"] == "+33 6 39 98 04 17"
    assert answer["fields"]["kr-answer"]["customer"]["reference"] == "C-42"
    (event,) = form["events"]
    assert event["sealed"] == "opened"
    assert event["data"]["personal"]["vads_cust_email"] == EMAIL
    assert {"received_at", "recorded_at", "told_at"} <= form["notification"].keys()
    assert "noor" not in result.output
    last, first, person = lines(url)
    assert [each.kind for each in (person, first, last)] == ["person", "raw", "raw"]
    assert [first.reference, last.reference] == [form["id"], answer["id"]]
    assert first.route == "ledger privacy export"


def test_nobody_found_is_said_and_noted(url: str) -> None:
    result = privacy(url, "find", "--email", "nobody@example.org", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stderr)["error"] == "not-found"
    assert "nobody@example.org" not in result.output
    assert [line.status for line in lines(url)] == [404]


def test_what_can_find_nobody_is_refused(url: str) -> None:
    result = privacy(url, "find", "--card-end", "0055")

    assert result.exit_code == 1
    assert "belong together with an amount or a day (bad-identifier)" in result.output


def test_several_persons_in_one_delivery_are_warned_of(url: str) -> None:
    database = Database(url)
    receive(a_ledger(database), a_form_call(cust_email=EMAIL, order_info="mail noor@example.org"))
    database.dispose()

    result = privacy(url, "find", "--email", EMAIL)

    assert "warning: these name several persons" in result.stderr


def test_the_index_is_made_anew(url: str) -> None:
    before = privacy(url, "find", "--email", EMAIL).stdout

    result = run(url, None, "privacy", "reindex")

    assert (result.exit_code, result.output) == (0, "")
    assert privacy(url, "find", "--email", EMAIL).stdout == before
