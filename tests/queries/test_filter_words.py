"""What a filter may say, and what it may not: every refusal is a sentence."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.builders import OTHER_SHOP_ID, a_form_call, a_ledger, a_rest_call, a_shop, receive, shops
from tests.conftest import opened
from tests.queries.doors import Reader, a_reader
from tests.queries.filling import follow


@pytest.fixture(scope="module")
def reader(stories_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    path = tmp_path_factory.mktemp("words") / "ledger.sqlite"
    path.write_bytes(stories_file.read_bytes())
    with opened(f"sqlite:///{path}") as database:
        ledger = a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID)))
        receive(ledger, a_rest_call("CAPTURED"))
        receive(ledger, a_form_call(trans_uuid="e0" * 16, effective_currency="Zz9"))
        follow(ledger)
        yield a_reader(ledger, f"sqlite:///{path}", "all shops", None)


CURRENCIES = ("transactions", "subscriptions", "orders", "totals", "exports/transactions")


def test_a_currency_has_letters_in_any_case_and_a_number(reader: Reader) -> None:
    for path in CURRENCIES:
        answers = {reader.call(path, currency=name).data for name in ("EUR", "eur", "978")}
        assert len(answers) == 1, path
        assert b"EUR" in answers.pop(), path


@pytest.mark.parametrize("currency", ["EURO", "PAID", "000", "eu", "Z"])
def test_what_is_no_currency_has_no_empty_answer(reader: Reader, currency: str) -> None:
    for path in CURRENCIES:
        answer = reader.call(path, currency=currency)
        assert (answer.status_code, answer.json["code"]) == (422, "bad-filter"), path
        assert answer.json["detail"].startswith("currency must be one of ISO 4217"), path


def test_a_currency_that_no_table_knows_is_listed_where_it_was_recorded(reader: Reader) -> None:
    (listed,) = reader.listed("transactions", currency="Zz9")
    (exported,) = reader.exported("exports/transactions", currency="Zz9")
    assert listed["reference"] == exported["reference"] == "e0" * 16
    assert reader.call("transactions", currency="Zz9", order_id="none").status_code == 422


STATUSES = [
    ("captured", 422, "did you mean CAPTURED"),
    ("CAPTURED ", 422, "did you mean CAPTURED"),
    ("978", 422, "must be a status of the platform"),
    ("NEVER_SEEN_SO_FAR", 200, '"items":[]'),
]


@pytest.mark.parametrize(("status", "code", "part"), STATUSES)
def test_a_status_is_one_by_its_shape(reader: Reader, status: str, code: int, part: str) -> None:
    answer = reader.call("transactions", status=status)

    assert answer.status_code == code
    assert part in answer.text


def test_a_status_is_found_in_the_spelling_of_rest(reader: Reader) -> None:
    by_form = reader.listed("transactions", status="CANCELLED")

    assert reader.listed("transactions", status="CANCELED") == by_form != []


@pytest.mark.parametrize("operation", ["debit", "REFUND", "1"])
def test_an_operation_is_one_of_three(reader: Reader, operation: str) -> None:
    answer = reader.call("transactions", operation_type=operation)

    assert answer.status_code == 422
    assert "must be one of CREDIT, DEBIT, VERIFICATION" in answer.json["detail"]


def test_an_unknown_parameter_is_told_with_the_name_that_was_meant(reader: Reader) -> None:
    for name, meant in (("shop_idd", "shop_id"), ("mod", "mode"), ("limits", "limit")):
        answer = reader.call("transactions", **{name: "1"})
        assert answer.json["errors"] == [
            {"parameter": name, "message": f"is unknown; did you mean {meant}"}
        ]
        assert answer.json["detail"] == f"{name} is unknown; did you mean {meant}"
    assert reader.call("transactions", colour="1").json["detail"] == "colour is unknown"
    many = {f"shop_idd{number}": "1" for number in range(1_000)}
    assert len(reader.call("transactions", **many).json["errors"]) == 5


def test_the_format_of_a_file_has_two_names_and_is_no_format_of_a_notification(
    reader: Reader,
) -> None:
    path = "exports/notifications"

    files = [reader.call(path, **{name: "jsonl"}).data for name in ("format", "file_format")]
    both = reader.client.get(f"/api/v1/{path}?format=rest-v4&format=jsonl")

    assert files[0] == files[1]
    assert {orjson.loads(line)["format"] for line in both.data.splitlines()} == {"rest-v4"}
    assert reader.call(path).data.startswith(b"id,")
    assert reader.call("exports/events", format="rest-v4").status_code == 422
