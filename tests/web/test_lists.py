"""Lists and exports over HTTP, by callers who may see everything, one shop, or nothing."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from ledger.access.roles import AUDITOR, AUDITOR_PERSONAL
from ledger.access.tokens import create_token
from ledger.application import Ledger
from ledger.storage.access_tables import access_log
from ledger.storage.tables import generations
from tests.builders import NOON, OTHER_SHOP_ID, SHOP_ID, a_ledger, a_shop, shops
from tests.conftest import opened
from tests.web.asking import Asking

LISTS = ("transactions", "aliases", "subscriptions", "orders", "totals", "audit-trail")
EXPORTS = ("events", "transactions", "notifications")


@dataclass(frozen=True)
class Caller:
    shops: frozenset[str] | None = None
    role: str = AUDITOR


@pytest.fixture(scope="module")
def ledger(stories_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    path = tmp_path_factory.mktemp("lists") / "ledger.sqlite"
    path.write_bytes(stories_file.read_bytes())
    with opened(f"sqlite:///{path}") as database:
        yield a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID)))


Client = Callable[..., FlaskClient]


@pytest.fixture
def client_of(ledger: Ledger) -> Client:
    return lambda caller=None: a_client(ledger, caller)


def a_client(ledger: Ledger, caller: Caller | None) -> FlaskClient:
    """Someone who asks with a token, or without any."""
    client = Asking(ledger).app.test_client()
    if caller is not None:
        with ledger.database.begin() as connection:
            shops = None if caller.shops is None else sorted(caller.shops)
            _, secret = create_token(
                connection, name="a caller", role=caller.role, shops=shops, now=NOON
            )
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    return client


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_turned_to_its_end_by_its_links(client_of: Client, name: str) -> None:
    client, path = client_of(Caller()), f"/api/v1/{name}?limit=7&mode=test"
    items: list[Any] = []

    while path:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        items += answer.json["items"]
        assert answer.json["lag"] == 0
        link = answer.headers.get("Link", "")
        assert bool(link) == (answer.json["next_cursor"] is not None)
        path = link.partition(">")[0].lstrip("<")

    whole = client.get(f"/api/v1/{name}?limit=500&mode=test").json["items"]
    assert items == whole
    assert whole
    assert {item["mode"] for item in whole} == {"test"}


def test_a_listed_transaction_has_the_fields_of_the_contract(client_of: Client) -> None:
    item = client_of(Caller()).get("/api/v1/transactions").json["items"][0]

    contract = "uuid shop_id mode order_id operation_type status amount_minor currency version"
    assert set(contract.split()) | {"first_seen_at", "last_changed_at", "reference"} <= set(item)


@pytest.mark.parametrize("name", [*LISTS, *(f"exports/{kind}" for kind in EXPORTS)])
def test_nobody_sees_anything_without_a_token(client_of: Client, name: str) -> None:
    assert client_of().get(f"/api/v1/{name}?format=jsonl").status_code == 401


@pytest.mark.parametrize("name", LISTS)
def test_a_caller_sees_the_shops_of_its_token_only(client_of: Client, name: str) -> None:
    client = client_of(Caller(frozenset({OTHER_SHOP_ID})))

    items = client.get(f"/api/v1/{name}?limit=500").json["items"]

    assert {item["shop_id"] for item in items} == {OTHER_SHOP_ID}
    assert client.get(f"/api/v1/{name}?shop_id={SHOP_ID}").status_code == 403


@pytest.mark.parametrize("kind", EXPORTS)
def test_an_export_holds_the_shops_of_its_token_only(client_of: Client, kind: str) -> None:
    client = client_of(Caller(frozenset({OTHER_SHOP_ID})))

    lines = client.get(f"/api/v1/exports/{kind}?format=jsonl").data.splitlines()

    assert {orjson.loads(line)["shop_id"] for line in lines} == {OTHER_SHOP_ID}


WRONG = (
    "limit=0",
    "limit=501",
    "limit=x",
    "mode=live",
    "sort=size",
    "amount_min=1.5",
    "amount_min=99999999999999999999",
    "first_seen_from=yesterday",
    "colour=red",
    "search=",
    "order_id=" + "x" * 513,
    "order_id=%00",
    "contradiction=yes",
    "cursor=x",
    "cursor=%00",
)


@pytest.mark.parametrize("query", WRONG)
def test_a_parameter_that_cannot_be_meant_is_refused(client_of: Client, query: str) -> None:
    assert client_of(Caller()).get(f"/api/v1/transactions?{query}").status_code == 422


def test_parameters_narrow_a_list(client_of: Client) -> None:
    client = client_of(Caller())

    page = client.get("/api/v1/transactions?status=REFUSED&status=CAPTURED&late=false").json
    totals = client.get("/api/v1/totals?day_from=2025-01-01&day_until=2025-12-31&limit=500").json

    assert {item["status"] for item in page["items"]} == {"REFUSED", "CAPTURED"}
    assert {item["day"][:4] for item in totals["items"]} == {"2025"}


def test_transactions_are_added_up_as_they_are_listed(client_of: Client) -> None:
    client, query = client_of(Caller()), "mode=test&status=REFUSED&status=CAPTURED"

    listed = client.get(f"/api/v1/transactions?{query}&limit=500").json["items"]
    summary = client.get(f"/api/v1/transactions/summary?{query}").json
    nothing = client.get("/api/v1/transactions/summary?order_id=none").json

    assert summary["is_complete"]
    assert summary["count"] == len(listed) == sum(each["count"] for each in summary["sums"])
    assert {each["value"] for each in summary["statuses"]} == {"REFUSED", "CAPTURED"}
    assert {each["value"] for each in summary["shops"]} == {item["shop_id"] for item in listed}
    assert nothing["is_complete"]
    assert (nothing["count"], nothing["sums"]) == (0, [])
    assert client.get("/api/v1/transactions/summary?currency=PAID").status_code == 422


@pytest.mark.parametrize("kind", EXPORTS)
def test_an_export_comes_in_every_format(client_of: Client, kind: str) -> None:
    client, path = client_of(Caller()), f"/api/v1/exports/{kind}?mode=test&format="

    lines = client.get(path + "jsonl").data.splitlines()
    table = pyarrow.parquet.read_table(io.BytesIO(client.get(path + "parquet").data))
    text = client.get(path + "csv")

    assert table.num_rows == len(lines) > 10
    assert text.headers["Content-Disposition"] == f'attachment; filename="{kind}.csv"'
    assert text.text.split("\r\n")[0].split(",") == table.column_names


def test_personal_data_needs_a_role(client_of: Client) -> None:
    path = "/api/v1/exports/events?format=jsonl&personal=true"

    assert client_of(Caller(role=AUDITOR)).get(path).status_code == 403
    assert b'"personal"' in client_of(Caller(role=AUDITOR_PERSONAL)).get(path).data


def test_an_export_with_personal_data_leaves_a_line_in_the_access_log(
    client_of: Client, ledger: Ledger
) -> None:
    path = "/api/v1/exports/transactions?format=jsonl&personal=true"

    client_of(Caller(role=AUDITOR_PERSONAL)).get(path)

    with ledger.database.connect() as connection:
        kinds = connection.scalars(select(access_log.c.kind)).all()
    assert "export of transactions" in kinds


def test_a_view_that_is_not_built_is_told_as_such(sqlite_url: str) -> None:
    with opened(sqlite_url) as database:
        with database.begin() as connection:
            connection.execute(update(generations).values(fingerprint="of-other-code"))
        client = a_client(a_ledger(database), Caller())

        for path in ("transactions", "exports/transactions?format=csv"):
            answer = client.get(f"/api/v1/{path}")
            assert (answer.status_code, answer.json["code"]) == (503, "view-not-built")
