"""A card number in every field, and all the pages that each role reaches from the overview."""

import re
from html import unescape
from io import BytesIO
from zipfile import ZipFile

import pytest
from werkzeug.test import TestResponse

from tests.builders import SHOP_ID, a_form, an_answer, form_body, receive, rest_body
from tests.queries.filling import follow
from tests.web.pages.visiting import Visiting

NUMBER = "4970100000000014"
UUIDS = ("a1" * 16, "b2" * 16, "c3" * 16)
FREE = ("ext_info_note", "order_info", "cust_address", "product_label0", "unheard_of")


@pytest.fixture
def pages_with_numbers(own_pages: Visiting) -> Visiting:
    """A ledger with the number in free fields, in what identifies, and in what was refused."""
    free = {f"vads_{name}": f"my 4970 1000 0000 0014 {NUMBER}" for name in FREE}
    named = {"vads_order_id": f"{NUMBER}-x", "vads_identifier": NUMBER, "vads_cust_id": NUMBER}
    answer = an_answer(uuid=UUIDS[2], metadata={"note": NUMBER}, paymentMethodToken=NUMBER)
    answer["orderDetails"]["orderId"] = NUMBER
    for body in (
        form_body(a_form(vads_trans_uuid=UUIDS[0], **free)),
        form_body(a_form(vads_trans_uuid=UUIDS[1], **named)),
        rest_body(answer),
        form_body(a_form(**free), "another"),
        form_body(a_form(**named), "another"),
    ):
        receive(own_pages.ledger, body)
    follow(own_pages.ledger)
    return own_pages


def text_of(response: TestResponse) -> str:
    """What can be read in an answer; in a file of files in each of them."""
    if not response.data.startswith(b"PK"):
        return response.text
    with ZipFile(BytesIO(response.data)) as files:
        return "".join(files.read(name).decode() for name in files.namelist())


def reached(pages: Visiting) -> dict[str, str]:
    """Every page behind the links of the overview and of the objects. Shape: text by address."""
    waiting = ["/test", "/test/search?q=4970", "/test/quarantine?reason=signature-mismatch"]
    waiting += [f"/test/shops/{SHOP_ID}/transactions/{uuid}" for uuid in UUIDS]
    texts: dict[str, str] = {}
    while waiting and len(texts) < 150:
        address = waiting.pop(0)
        if address in texts or not address.startswith("/test") or address.endswith("/raw"):
            continue
        texts[address] = text_of(pages.get(address))
        waiting += map(unescape, re.findall(r'href="([^"#]+)', texts[address]))
    return texts


def test_no_page_shows_an_auditor_a_number(pages_with_numbers: Visiting) -> None:
    pages_with_numbers.sign_in("auditor")

    texts = reached(pages_with_numbers)

    assert len(texts) > 20
    assert [address for address, text in texts.items() if NUMBER in text] == []
    assert [address for address, text in texts.items() if "1000 0000" in text] == []


@pytest.mark.parametrize("role", ["auditor-personal", "operator"])
def test_no_page_shows_anybody_a_number_of_a_free_field(
    pages_with_numbers: Visiting, role: str
) -> None:
    pages_with_numbers.sign_in(role)

    refused = pages_with_numbers.get("/test/quarantine?reason=signature-mismatch").text
    oldest = re.findall(r"/test/notifications/(\w{26})", refused)[-1]
    payment = pages_with_numbers.get(f"/test/shops/{SHOP_ID}/transactions/{UUIDS[0]}").text

    assert "seem to hold card data" in pages_with_numbers.get("/test").text
    assert "seems to hold card data" in payment
    shown = pages_with_numbers.get(f"/test/notifications/{oldest}").text
    assert "It held card data and was not kept" in shown
    texts = reached(pages_with_numbers)  # one of the links is to another language
    assert [address for address, text in texts.items() if "1000 0000" in text] == []


@pytest.mark.parametrize(("role", "status"), [("auditor-personal", 403), ("operator", 200)])
def test_only_an_operator_downloads_a_body_with_card_data(
    pages_with_numbers: Visiting, role: str, status: int
) -> None:
    pages_with_numbers.sign_in(role)
    listed = pages_with_numbers.get("/test/notifications").text
    oldest = re.findall(r"/test/notifications/(\w{26})", listed)[-1]

    raw = pages_with_numbers.get(f"/test/notifications/{oldest}/raw")

    assert (raw.status_code, NUMBER in raw.text) == (status, status == 200)
