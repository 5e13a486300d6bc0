"""Whatever a shop or a sender chose as a name can be asked for, by API and by page."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import md5
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest
from flask import url_for
from hypothesis import given
from hypothesis import strategies as st

from ledger.ipn.storable import storable_name
from tests.builders import SHOP_ID, a_form_call, an_answer, example, form_body, receive, rest_body
from tests.conftest import opened
from tests.properties.conftest import examples
from tests.queries.filling import follow
from tests.web.asking import AT, Asking, asking
from tests.web.pages.visiting import Visiting, add_users

PLAN = example("form-v2", "subscription-created")["fields"]
NAMES = [
    "history",
    "/history",
    "X/history",
    "X/history/history",
    "X/history/",
    "INV/2026/0001",
    "//double//slashes//",
    "/",
    "a?b=c",
    "a#b",
    "%2F",
    "%252F",
    "X%2Fhistory",
    ".",
    "..",
    "...",
    "../../transactions/x",
    "./x",
    " blanks ",
    "a+b c",
    "a;b=c,d&e",
    "'quotes\"",
    "two\r\nlines",
    "\x01\x7f\x85",
    "\u202eright to left \u05d0",
    "caf\u00e9 cafe\u0301",
    "\U0001f680" * 250,
    "n" * 512,
    "n\x00ul",
    "confirm",
    "<b>&amp;</b>",
    "-x",
    "\ufffd",
    "\\",
]
FIELDS = {"orders": "order_id", "aliases": "alias", "subscriptions": "subscription_id"}


@dataclass(frozen=True)
class Doors:
    api: Asking
    pages: Visiting


@pytest.fixture(scope="module")
def doors(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    path = tmp_path_factory.mktemp("names") / "ledger.sqlite"
    path.write_bytes(sqlite_template.read_bytes())
    with opened(f"sqlite:///{path}") as database:
        api = asking(database)
        add_users(api.ledger, api.now)
        pages = Visiting(api.ledger, now=api.now)
        pages.sign_in("auditor")
        yield Doors(api, pages)


def record(api: Asking, name: str) -> str:
    """Let an order, an alias and a subscription have this name; return how it is stored.

    The order has a payment, and a page that was abandoned, whose reference is made of the name.
    """
    uuid = md5(name.encode(), usedforsecurity=False).hexdigest()
    receive(api.ledger, a_form_call(trans_uuid=uuid, order_id=name))
    named = {"vads_identifier": name, "vads_subscription": name, "vads_trans_uuid": uuid[::-1]}
    receive(api.ledger, form_body(PLAN | named))
    abandoned = an_answer() | {"orderStatus": "ABANDONED", "transactions": []}
    abandoned["orderDetails"]["orderId"] = name
    receive(api.ledger, rest_body(abandoned))
    follow(api.ledger)
    return storable_name(name)


# -- what is written with escapes is meant as it is written ----------------------------------------


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_every_name_has_an_address(doors: Doors, name: str) -> None:
    stored = record(doors.api, name)

    for kind in FIELDS:
        path = f"{AT}/{kind}/{quote(stored, safe='').replace('.', '%2E')}"
        state = doors.api.get(path)
        links = state["links"]
        events = doors.api.get(f"{path}/history")["events"]

        assert state[FIELDS[kind]] == stored
        assert doors.api.get(links["self"])[FIELDS[kind]] == stored
        assert doors.api.get(links["history"])["events"] == events


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_every_name_has_a_page(doors: Doors, name: str) -> None:
    stored = record(doors.api, name)

    with doors.pages.app.test_request_context():
        addresses = {
            kind: url_for(f"pages.{kind}", mode="test", shop_id=SHOP_ID, name=stored)
            for kind in ("order", "alias", "subscription")
        }
    for kind, address in addresses.items():
        page = doors.pages.get(address)

        assert page.status_code == 200, (kind, page.text)
        own = re.findall(r'<form class="on-day" action="([^"]+)"', page.text)
        assert {html.unescape(path) for path in own} == {address}


@given(name=st.text(min_size=1, max_size=40))
@examples(60)
def test_links_lead_back_to_the_very_name(doors: Doors, name: str) -> None:
    """Asked by who sees names of persons, since one of these may look like an e-mail address."""
    stored = record(doors.api, name.encode(errors="replace").decode())
    get = partial(doors.api.get, role="operator")

    for kind in FIELDS:
        links = get(f"{AT}/{kind}/{quote(stored, safe='')}")["links"]

        assert get(links["self"])[FIELDS[kind]] == stored
        assert get(links["history"])["events"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_what_has_a_reference_instead_of_a_uuid_has_an_address_too(doors: Doors, name: str) -> None:
    stored = record(doors.api, name)
    order = doors.api.get(f"{AT}/orders/{quote(stored, safe='').replace('.', '%2E')}")

    assert None in [payment["uuid"] for payment in order["transactions"]]
    for payment in order["transactions"]:
        links = payment["links"]
        assert doors.api.get(links["self"])["reference"] == payment["reference"]
        assert doors.api.get(links["history"])["events"]
        own_page = links["self"].replace("/api/v1/shops/12345678/test", "/test/shops/12345678")
        assert doors.pages.get(own_page).status_code == 200


# -- what is not escaped ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["INV/2026/x", "a//b", "/leading", "trailing/", "history"])
def test_slashes_need_no_escape_where_no_word_of_ours_ends_the_name(
    doors: Doors, name: str
) -> None:
    record(doors.api, name)

    assert doors.api.get(f"{AT}/orders/{name}")["order_id"] == name
    assert doors.api.get(f"{AT}/orders/{name}/history")["events"]


def test_an_unescaped_ending_is_a_history_where_there_is_a_history(doors: Doors) -> None:
    record(doors.api, "both")
    record(doors.api, "both/history")
    record(doors.api, "only/history")

    of_both = doors.api.get(f"{AT}/orders/both/history")
    of_ending = doors.api.get(f"{AT}/orders/both%2Fhistory")
    alone = doors.api.get(f"{AT}/orders/only/history")
    nothing = doors.api.call(f"{AT}/orders/neither/history")

    orders = {event["data"]["facts"]["order_id"] for event in of_both["events"]}
    assert orders == {"both"}
    assert of_ending["order_id"] == "both/history"
    assert alone["order_id"] == "only/history"
    assert nothing.status_code == 404


def test_a_server_that_says_only_the_decoded_path_finds_what_exists(doors: Doors) -> None:
    record(doors.api, "decoded/history")
    decoded = {"environ_overrides": {"REQUEST_URI": "", "RAW_URI": ""}}
    path = f"{AT}/orders/decoded%2Fhistory"

    item = doors.api.get(path, **decoded)
    events = doors.api.get(f"{path}/history", **decoded)["events"]

    assert item["order_id"] == "decoded/history"
    assert events


def test_a_written_path_that_is_not_the_decoded_one_is_not_believed(doors: Doors) -> None:
    record(doors.api, "rewritten")

    for written in ("/elsewhere%2Fhistory", "http://host/x%2Fy", "%2F"):
        more = {"environ_overrides": {"REQUEST_URI": written}}
        assert doors.api.get(f"{AT}/orders/rewritten", **more)["order_id"] == "rewritten"


def test_an_escaped_slash_separates_nothing_but_names(doors: Doors) -> None:
    record(doors.api, "x")

    for path in (
        f"{AT}%2Forders/x",
        f"{AT}/orders%2Fx",
        f"/api%2Fv1/shops/{SHOP_ID}/test/orders/x",
    ):
        assert doors.api.call(path).status_code == 404


def test_a_nul_is_in_no_name(doors: Doors) -> None:
    assert doors.api.call(f"{AT}/orders/x%00").status_code == 404


# -- other doors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in NAMES if "\x00" not in name], ids=ascii)
def test_the_search_leads_to_the_page_of_the_name(doors: Doors, name: str) -> None:
    record(doors.api, name)

    page = doors.pages.get(f"/test/search?q={quote(name, safe='')}")

    assert page.status_code == 200
    addresses = re.findall(r'href="([^"]+)"', page.text)
    for kind in FIELDS:
        assert any(
            unquote(urlsplit(html.unescape(address)).path) == f"/test/shops/{SHOP_ID}/{kind}/{name}"
            for address in addresses
        ), kind


@pytest.mark.parametrize("name", [name for name in NAMES if "\x00" not in name], ids=ascii)
def test_a_language_is_chosen_on_the_page_of_any_name(doors: Doors, name: str) -> None:
    record(doors.api, name)
    address = f"/test/shops/{SHOP_ID}/orders/{quote(name, safe='').replace('.', '%2E')}"

    chosen = doors.pages.get(f"{address}?lang=en")

    assert chosen.status_code == 303
    assert unquote(chosen.location) == unquote(address)
    assert doors.pages.get(chosen.location).status_code == 200
