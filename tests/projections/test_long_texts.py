"""Every text of a call in turn, far too long: it is kept, and every view comes to the end."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.ipn import form_v2_fields, rest_v4_fields
from ledger.ipn.field_values import Values
from ledger.ipn.storable import NAME_BYTES_MAX, NAME_MAX, storable_name
from ledger.projections.engine.registry import PROJECTIONS
from ledger.queries.find_by_name import meanings
from ledger.storage.database import Database
from tests.builders import a_ledger, example, form_body, receive, rest_body
from tests.projections.helpers import all_rows, follow, log_end, poison, positions, rebuilt

FORMS = (
    "payment-accepted",
    "payment-split",
    "subscription-created",
    "subscription-installment-accepted",
    "token-created",
)
ANSWERS = ("payment-accepted", "token-created", "subscription-installment-accepted")
TABLES = (
    form_v2_fields.TRANSACTION_FIELDS,
    form_v2_fields.PART_FIELDS,
    form_v2_fields.SUBSCRIPTION_FIELDS,
    rest_v4_fields.TRANSACTION_FIELDS,
    rest_v4_fields.ORDER_FIELDS,
    rest_v4_fields.REFUND_FIELDS,
)
NO_TEXT = {name for table in TABLES for _, name, read in table if read is Values.amount} | {
    *("vads_site_id", "vads_ctx_mode", "vads_hash", "vads_trans_uuid", "trans_uuid"),
    *("shopId", "mode", "uuid"),
    *("vads_trans_date", "vads_trans_id", "vads_url_check_src"),
}
"""Amounts, and what says whose call it is: of another form than theirs, a call is refused."""

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
PICTURES = "".join(map(chr, range(0x1F300, 0x1F600)))
"""Four bytes each."""
NUMBERS = random.Random(4)
RANDOM = "".join(NUMBERS.choices(LETTERS, k=60_000))
RANDOM_PICTURES = "".join(NUMBERS.choices(PICTURES, k=15_000))


def a_text(size: int) -> str:
    """Another text of this many bytes that no database makes smaller, in letters or pictures."""
    text = NUMBERS.choice((RANDOM, RANDOM_PICTURES))
    start = NUMBERS.randrange(len(text))
    return (text[start:] + text[:start])[: size // len(text[0].encode())]


def a_uuid() -> str:
    return f"{NUMBERS.getrandbits(128):032x}"


def forms(size: int) -> Iterator[tuple[str, bytes]]:
    """Each text of each form in turn, and all of them at once if that is no megabyte."""
    for name in FORMS:
        fields = example("form-v2", name)["fields"]
        texts = [field for field in fields if field not in NO_TEXT]
        together = [texts] if size < 10_000 else []
        for changed in (*([field] for field in texts), *together):
            new = {field: a_text(size) for field in changed}
            identity = {"vads_trans_uuid": a_uuid()} if "vads_trans_uuid" in fields else {}
            yield f"{name} {changed[-1]}", form_body(fields | new | identity)
        if "vads_payment_seq" in fields:
            yield from parts(fields, size)


def parts(fields: dict[str, str], size: int) -> Iterator[tuple[str, bytes]]:
    split = json.loads(fields["vads_payment_seq"])
    for name in split["transactions"][0].keys() - NO_TEXT:
        changed = copy.deepcopy(split)
        for part in changed["transactions"]:
            part |= {name: a_text(size), "trans_uuid": a_uuid()}
        yield f"part {name}", form_body(fields | {"vads_payment_seq": json.dumps(changed)})


def answers(size: int) -> Iterator[tuple[str, bytes]]:
    """Each text of each answer in turn."""
    for name in ANSWERS:
        answer = example("rest-v4", name)["answer"]
        for path in paths(answer):
            changed = copy.deepcopy(answer)
            place = changed
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = a_text(size)
            for transaction in changed["transactions"]:
                transaction["uuid"] = a_uuid()
            yield f"{name} {path}", rest_body(changed)
        yield f"{name} kr-src", rest_body(answer, a_text(size))
    abandoned = example("rest-v4", "payment-accepted")["answer"]
    abandoned |= {"orderStatus": "ABANDONED", "transactions": []}
    abandoned["orderDetails"]["orderId"] = a_text(size)
    yield "abandoned", rest_body(abandoned)


def paths(node: Any, *above: Any) -> Iterator[tuple[Any, ...]]:
    if isinstance(node, dict | list):
        for name, below in node.items() if isinstance(node, dict) else enumerate(node):
            if name not in NO_TEXT:
                yield from paths(below, *above, name)
    elif isinstance(node, str):
        yield above


@pytest.mark.parametrize("size", [3_000, 60_000])
def test_every_text_may_be_far_too_long(database: Database, size: int) -> None:
    ledger = a_ledger(database)
    calls = [*forms(size), *answers(size)]

    outcomes = {what: receive(ledger, body).outcome for what, body in calls}

    assert {what for what, outcome in outcomes.items() if outcome == "quarantined"} == set()
    assert len(outcomes) > 200
    follow(ledger)
    assert_views_are_whole(ledger)


def assert_views_are_whole(ledger: Ledger) -> None:
    assert positions(ledger) == dict.fromkeys(PROJECTIONS, log_end(ledger))
    assert {name: poison(ledger, name) for name in PROJECTIONS} == {
        name: [] for name in PROJECTIONS
    }
    for table, table_rows in all_rows(ledger).items():
        for row in table_rows:
            for column, cell in row.items():
                text = cell if isinstance(cell, str) else ""
                assert len(text) <= NAME_MAX, (table, column)
                assert len(text.encode()) <= NAME_BYTES_MAX, (table, column)


def test_views_with_long_names_are_rebuilt_alike(database: Database) -> None:
    ledger = a_ledger(database)
    for _, body in forms(3_000):
        receive(ledger, body)
    follow(ledger)

    for name in PROJECTIONS:
        assert rebuilt(ledger, name).is_identical

    assert_views_are_whole(ledger)


def test_what_is_shown_of_a_long_name_leads_to_its_objects(database: Database) -> None:
    ledger = a_ledger(database)
    name, other = a_text(3_000), a_text(3_000)
    fields = example("form-v2", "subscription-created")["fields"]
    for order, alias in ((name, other), (name, name), (name, other)):
        names = {"vads_order_id": order, "vads_identifier": alias, "vads_subscription": order}
        body = form_body(fields | names | {"vads_hash": a_uuid()})
        assert receive(ledger, body).outcome == "recorded"
    follow(ledger)

    with ledger.sealing.tagging():
        shown, shown_other = map(storable_name, (name, other))
    named = [(meaning.kind, meaning.alias) for meaning in meanings(ledger, shown, mode="TEST")]

    assert sorted(named, key=str) == sorted(
        [
            ("order", None),
            ("alias", None),
            ("subscription", shown),
            ("subscription", shown_other),
        ],
        key=str,
    )
